/** PUBLISH and SPUBLISH: a message to everybody who listens now. */
import { arg, keyAt } from "@kv/commands";
import { engineCommand } from "../../engine-call.ts";

export const publish = engineCommand({
  name: "publish",
  group: "pubsub",
  since: "2.0.0",
  summary: "Sends a message to a channel and returns how many got it.",
  complexity: "O(N+M) with N listeners of the channel and M patterns in all.",
  arity: 3,
  flags: ["pubsub", "loading", "stale", "fast", "may_replicate"],
  channels: { first: 1, last: 1, arePatterns: false },
  args: [arg.string("channel"), arg.string("message")],

  run(call) {
    call.reply.integer(call.engine.pubsub.publish(call.text(1), call.argument(2)));
  },
});

export const spublish = engineCommand({
  name: "spublish",
  group: "pubsub",
  since: "7.0.0",
  summary: "Sends a message to a shard channel and returns how many got it.",
  complexity: "O(N) with N listeners of the shard channel.",
  arity: 3,
  flags: ["pubsub", "loading", "stale", "fast", "may_replicate"],
  keys: [keyAt(1, "not_key")],
  channels: { first: 1, last: 1, arePatterns: false },
  args: [arg.string("shardchannel"), arg.string("message")],

  run(call) {
    call.reply.integer(call.engine.pubsub.publishShard(call.text(1), call.argument(2)));
  },
});
