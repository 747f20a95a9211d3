/** SUBSCRIBE, PSUBSCRIBE, SSUBSCRIBE: one confirmation for each name, with the number so far. */
import { arg, CommandError, keyRange } from "@kv/commands";
import { type EngineCall, engineCommand } from "../../module/engine-call.ts";
import { confirm, countedWith } from "./confirm.ts";
import { pubsubPort, type Subscriptions } from "./subscriptions.ts";

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
    begin(call, "subscribe", call.engine.of(pubsubPort).channels);
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
  args: [arg.many(arg.pattern("pattern"))],

  run(call) {
    begin(call, "psubscribe", call.engine.of(pubsubPort).patterns);
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
    const { engine } = call;
    // The other two may be queued, because they could before anybody thought of forbidding it.
    if (engine.situation.isNested) throw notForShards;
    begin(call, "ssubscribe", engine.of(pubsubPort).shardChannels);
  },
});

function begin(call: EngineCall, kind: string, subscriptions: Subscriptions): void {
  const { client, engine, bytes, view } = call;
  const before = client[subscriptions.counter];
  try {
    for (let index = 1; index < call.argc; index++) {
      const start = call.start(index);
      const end = call.end(index);
      engine.of(pubsubPort).subscribe(client, subscriptions, bytes, view, start, end);
      confirm(call, kind, bytes, start, end, countedWith(call, subscriptions));
    }
  } catch (error) {
    // No room for one of them: nothing was confirmed, so there must be nothing.
    engine.of(pubsubPort).keepFirst(client, subscriptions, before);
    throw error;
  }
}
