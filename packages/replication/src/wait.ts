/** WAIT: waits until replicas have what this client wrote. */
import { arg, timeoutMsAt } from "@kv/commands";
import { engineCommand } from "@kv/engine";
import { replicationPort } from "./primary.ts";

export const wait = engineCommand({
  name: "wait",
  group: "generic",
  since: "3.0.0",
  summary: "Waits until so many replicas have what this client wrote, and tells how many have.",
  complexity: "O(N) with N replicas.",
  arity: 3,
  flags: ["blocking"],
  categories: ["connection"],
  tips: ["request_policy:all_shards", "response_policy:agg_min"],
  args: [arg.integer("numreplicas"), arg.integer("timeout")],
  run(call) {
    const { client, engine, reply } = call;
    const { followers, waiters } = engine.of(replicationPort);
    const replicaCount = call.integer(1);
    const untilMs = timeoutMsAt(call, 2);
    const count = followers.ackedCount(client);
    if (count >= replicaCount || !call.mayWait) reply.integer(count);
    else waiters.add(client, replicaCount, untilMs);
  },
});
