/** PUBLISH and SPUBLISH: a message to everybody who listens now. */
import { arg, keyAt, Propagation } from "@kv/commands";
import { engineCommand } from "../../module/engine-call.ts";
import { pubsubPort } from "./subscriptions.ts";

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
    const { bytes, view, engine } = call;
    const start = call.start(1);
    const from = call.start(2);
    const to = call.end(2);
    if (call.propagates) call.propagation = Propagation.TO_REPLICAS;
    call.reply.integer(
      engine.of(pubsubPort).publish(bytes, view, start, call.end(1), bytes, view, from, to),
    );
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
    const { bytes, view, engine } = call;
    const start = call.start(1);
    const from = call.start(2);
    const to = call.end(2);
    if (call.propagates) call.propagation = Propagation.TO_REPLICAS;
    call.reply.integer(
      engine.of(pubsubPort).publishShard(bytes, view, start, call.end(1), bytes, view, from, to),
    );
  },
});
