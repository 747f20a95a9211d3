/** SUBSCRIBE, PSUBSCRIBE, SSUBSCRIBE: one confirmation for each name, with the number so far. */
import { arg, CommandError, keyRange } from "@kv/commands";
import { type EngineCall, engineCommand } from "../../engine-call.ts";
import { confirm } from "./confirm.ts";

const notForShards = new CommandError("ERR SSUBSCRIBE isn't allowed for a DENY BLOCKING client");

export const subscribe = engineCommand({
  name: "subscribe",
  group: "pubsub",
  since: "2.0.0",
  summary: "Listens to channels.",
  complexity: "O(N) with N channels.",
  arity: -2,
  flags: ["pubsub", "noscript", "loading", "stale", "while_subscribed"],
  channels: { first: 1, last: -1, arePatterns: false },
  args: [arg.many(arg.string("channel"))],

  run(call) {
    const { client, engine } = call;
    client.channels ??= new Set();
    for (const name of names(call)) {
      engine.pubsub.subscribe(client, engine.pubsub.channels, client.channels, name);
      confirm(call, "subscribe", name, client.subscriptionCount);
    }
  },
});

export const psubscribe = engineCommand({
  name: "psubscribe",
  group: "pubsub",
  since: "2.0.0",
  summary: "Listens to all channels whose names match patterns.",
  complexity: "O(N) with N patterns.",
  arity: -2,
  flags: ["pubsub", "noscript", "loading", "stale", "while_subscribed"],
  channels: { first: 1, last: -1, arePatterns: true },
  args: [arg.many(arg.block("pattern", arg.pattern("pattern")))],

  run(call) {
    const { client, engine } = call;
    client.patterns ??= new Set();
    for (const name of names(call)) {
      engine.pubsub.subscribe(client, engine.pubsub.patterns, client.patterns, name);
      confirm(call, "psubscribe", name, client.subscriptionCount);
    }
  },
});

export const ssubscribe = engineCommand({
  name: "ssubscribe",
  group: "pubsub",
  since: "7.0.0",
  summary: "Listens to shard channels.",
  complexity: "O(N) with N shard channels.",
  arity: -2,
  flags: ["pubsub", "noscript", "loading", "stale", "while_subscribed"],
  keys: [keyRange(1, -1, 1, "not_key")],
  channels: { first: 1, last: -1, arePatterns: false },
  args: [arg.many(arg.string("shardchannel"))],

  run(call) {
    const { client, engine } = call;
    // The other two may be queued, because they could before anybody thought of forbidding it.
    if (engine.propagator.isOpen) throw notForShards;
    client.shardChannels ??= new Set();
    for (const name of names(call)) {
      engine.pubsub.subscribe(client, engine.pubsub.shardChannels, client.shardChannels, name);
      confirm(call, "ssubscribe", name, client.shardChannels.size);
    }
  },
});

function names(call: EngineCall): string[] {
  const all: string[] = [];
  for (let index = 1; index < call.argc; index++) all.push(call.text(index));
  return all;
}
