/** WAIT and WAITAOF: wait until others, and disks, have what this client wrote. */
import { arg, CommandError, errors, timeoutMsAt } from "@kv/commands";
import { type EngineCall, EngineState, engineCommand } from "@kv/engine";
import type { AckGoal } from "./ack-waiters.ts";
import { replicationPort } from "./primary.ts";

const waitOnReplica = new CommandError(
  "ERR WAIT cannot be used with replica instances. Please also note that since Redis 4.0 if a replica is configured to be writable (which is not the default) writes to replicas are just local and are not propagated.",
);
const waitaofOnReplica = new CommandError(
  "ERR WAITAOF cannot be used with replica instances. Please also note that writes to replicas are just local and are not propagated.",
);
const localRange = new CommandError("ERR value is out of range, value must between 0 and 1");

const facts = {
  group: "generic",
  flags: ["blocking"],
  categories: ["connection"],
  tips: ["request_policy:all_shards", "response_policy:agg_min"],
} as const;

const isReplica = ({ engine }: EngineCall): boolean => engine.situation.is(EngineState.REPLICA);

function waitFor(call: EngineCall, goal: AckGoal, untilMs: number): void {
  const { client, engine, reply } = call;
  const { waiters } = engine.of(replicationPort);
  if (waiters.isReached(client, goal) || !call.mayWait) waiters.answer(client, goal, reply);
  else waiters.add(client, goal, untilMs);
}

export const wait = engineCommand({
  ...facts,
  name: "wait",
  since: "3.0.0",
  summary: "Waits until so many replicas have what this client wrote, and tells how many have.",
  complexity: "O(N) with N replicas.",
  arity: 3,
  args: [arg.integer("numreplicas"), arg.integer("timeout")],
  run(call) {
    if (isReplica(call)) throw waitOnReplica;
    const goal = { replicaCount: call.integer(1), localCount: null };
    waitFor(call, goal, timeoutMsAt(call, 2));
  },
});

export const waitaof = engineCommand({
  ...facts,
  name: "waitaof",
  since: "7.2.0",
  summary: "Waits until what this client wrote is on disk, here and at so many replicas.",
  complexity: "O(N) with N replicas.",
  arity: 4,
  args: [arg.integer("numlocal"), arg.integer("numreplicas"), arg.integer("timeout")],
  run(call) {
    const localCount = call.integer(1);
    if (localCount < 0 || localCount > 1) throw localRange;
    const replicaCount = call.integer(2, errors.mustBePositive);
    if (replicaCount < 0) throw errors.mustBePositive;
    const untilMs = timeoutMsAt(call, 3);
    if (isReplica(call)) throw waitaofOnReplica;
    waitFor(call, { replicaCount, localCount }, untilMs);
  },
});
