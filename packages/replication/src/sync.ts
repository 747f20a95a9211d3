/** SYNC and PSYNC: asking for the data set. */
import { arg, CommandError } from "@kv/commands";
import { type EngineCall, engineCommand } from "@kv/engine";
import { parseInteger } from "@kv/resp";
import { replicationPort } from "./primary.ts";
import type { Upstream } from "./upstream.ts";

const otherHistory = new CommandError("ERR PSYNC FAILOVER replid must match my replid.");
const toPrimary = new CommandError("ERR PSYNC FAILOVER can't be sent to a master.");

/** The primary that this server follows wants to follow it. */
function takeTheLead(call: EngineCall, upstream: Upstream): void {
  const { host, identity, report } = call.engine;
  host.log("warning", `Failover request received for replid ${call.word(1)}.`);
  if (!upstream.isReplica) throw toPrimary;
  if (call.word(1) !== identity.replicationId) throw otherHistory;
  upstream.promote();
  host.log(
    "notice",
    `MASTER MODE enabled (failover request from '${report.describe(call.client)}')`,
  );
}

const facts = {
  group: "server",
  flags: ["admin", "noscript", "no_async_loading", "no_multi"],
  complexity: "O(N) with N keys, beside other clients.",
} as const;

export const sync = engineCommand({
  ...facts,
  name: "sync",
  since: "1.0.0",
  summary: "Sends the data set to a client.",
  arity: 1,
  run({ client, engine }) {
    engine.of(replicationPort).synchronise(client, null);
  },
});

export const psync = engineCommand({
  ...facts,
  name: "psync",
  since: "2.8.0",
  summary: "Sends the data set to a client that knows where it stood.",
  arity: -3,
  arityBecause: "FAILOVER, which only servers say, is not declared.",
  args: [arg.string("replicationid"), arg.integer("offset")],
  run(call) {
    const { client, engine } = call;
    const primary = engine.of(replicationPort);
    if (Number.isNaN(parseInteger(call.bytes, call.start(2), call.end(2)))) {
      const { name } = primary.replicaOf(client);
      engine.host.log(
        "warning",
        `Replica ${name} asks for synchronization but with a wrong offset`,
      );
    }
    const request = { replicationId: call.word(1), offset: call.integer(2) };
    if (call.argc > 3 && call.is(3, "FAILOVER")) takeTheLead(call, primary.upstream);
    primary.synchronise(client, request);
  },
});
