/** UNSUBSCRIBE, PUNSUBSCRIBE, SUNSUBSCRIBE: of the names given, or of all. */
import { arg, keyRange } from "@kv/commands";
import { bytesOf, keyIndex, keyLength } from "@kv/core";
import { type EngineCall, engineCommand } from "../../module/engine-call.ts";
import { confirm, confirmNothing, countedWith } from "./confirm.ts";
import { pubsubPort, type Subscriptions } from "./subscriptions.ts";

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
    end(call, "unsubscribe", call.engine.of(pubsubPort).channels);
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
    end(call, "punsubscribe", call.engine.of(pubsubPort).patterns);
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
    end(call, "sunsubscribe", call.engine.of(pubsubPort).shardChannels);
  },
});

function end(call: EngineCall, kind: string, subscriptions: Subscriptions): void {
  if (call.argc === 1) {
    endAll(call, kind, subscriptions);
    return;
  }
  const { client, engine, bytes, view } = call;
  for (let index = 1; index < call.argc; index++) {
    const start = call.start(index);
    const after = call.end(index);
    engine.of(pubsubPort).unsubscribe(client, subscriptions, bytes, view, start, after);
    confirm(call, kind, bytes, start, after, countedWith(call, subscriptions));
  }
}

function endAll(call: EngineCall, kind: string, subscriptions: Subscriptions): void {
  const { client, engine } = call;
  const { arena } = call.keyspace;
  const { names, counter } = subscriptions;
  if (client[counter] === 0) {
    confirmNothing(call, kind, countedWith(call, subscriptions));
    return;
  }
  while (client[counter] > 0) {
    const name = names.nameOf(names.firstPairOfMember(client.id));
    const at = keyIndex(arena, name);
    const after = at + keyLength(arena, name);
    // Before its end, because the bytes may go with it.
    const left = countedWith(call, subscriptions) - 1;
    confirm(call, kind, bytesOf(arena, name), at, after, left);
    engine.of(pubsubPort).unsubscribeFirst(client, subscriptions);
  }
}
