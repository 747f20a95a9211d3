/** UNSUBSCRIBE, PUNSUBSCRIBE, SUNSUBSCRIBE: of the names given, or of all. */
import { arg, keyRange } from "@kv/commands";
import { type EngineCall, engineCommand } from "../../engine-call.ts";
import type { Subscriptions } from "../../pubsub.ts";
import { confirm } from "./confirm.ts";

export const unsubscribe = engineCommand({
  name: "unsubscribe",
  group: "pubsub",
  since: "2.0.0",
  summary: "No longer listens to channels: those given, or all.",
  complexity: "O(N) with N channels.",
  arity: -1,
  flags: ["pubsub", "noscript", "loading", "stale", "while_subscribed"],
  args: [arg.optional(arg.many(arg.string("channel")))],

  run(call) {
    const { client, engine } = call;
    const count = () => client.subscriptionCount;
    end(call, "unsubscribe", engine.pubsub.channels, client.channels, count);
  },
});

export const punsubscribe = engineCommand({
  name: "punsubscribe",
  group: "pubsub",
  since: "2.0.0",
  summary: "No longer listens to channels that match patterns: those given, or all.",
  complexity: "O(N) with N patterns.",
  arity: -1,
  flags: ["pubsub", "noscript", "loading", "stale", "while_subscribed"],
  args: [arg.optional(arg.many(arg.pattern("pattern")))],

  run(call) {
    const { client, engine } = call;
    const count = () => client.subscriptionCount;
    end(call, "punsubscribe", engine.pubsub.patterns, client.patterns, count);
  },
});

export const sunsubscribe = engineCommand({
  name: "sunsubscribe",
  group: "pubsub",
  since: "7.0.0",
  summary: "No longer listens to shard channels: those given, or all.",
  complexity: "O(N) with N shard channels.",
  arity: -1,
  flags: ["pubsub", "noscript", "loading", "stale", "while_subscribed"],
  keys: [keyRange(1, -1, 1, "not_key")],
  args: [arg.optional(arg.many(arg.string("shardchannel")))],

  run(call) {
    const { client, engine } = call;
    const count = () => client.shardChannels?.size ?? 0;
    end(call, "sunsubscribe", engine.pubsub.shardChannels, client.shardChannels, count);
  },
});

function end(
  call: EngineCall,
  kind: string,
  table: Subscriptions,
  own: Set<string> | null,
  count: () => number,
): void {
  const { client, engine } = call;
  if (call.argc === 1 && (own === null || own.size === 0)) {
    confirm(call, kind, null, count());
    return;
  }
  const names = call.argc === 1 ? [...(own as Set<string>)] : [];
  for (let index = 1; index < call.argc; index++) names.push(call.text(index));
  for (const name of names) {
    engine.pubsub.unsubscribe(client, table, own, name);
    confirm(call, kind, name, count());
  }
}
