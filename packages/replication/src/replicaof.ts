/** REPLICAOF and SLAVEOF: whom this server follows. */
import { arg, CommandError } from "@kv/commands";
import { ClientState, type EngineCall, engineCommand } from "@kv/engine";
import { replicationPort } from "./primary.ts";

const PORT_MAX = 65_535;
const badPort = new CommandError("ERR Invalid master port");
const byReplica = new CommandError("ERR Command is not valid when client is a replica.");
const inCluster = new CommandError("ERR REPLICAOF not allowed in cluster mode.");
const inFailover = new CommandError("ERR REPLICAOF not allowed while failing over.");

function run(call: EngineCall): void {
  const { client, engine, reply } = call;
  const { host, config, report } = engine;
  const { upstream, failover } = engine.of(replicationPort);
  if (config.boolean("cluster-enabled")) throw inCluster;
  if (failover.state !== "no-failover") throw inFailover;
  if (call.is(1, "NO") && call.is(2, "ONE")) {
    if (upstream.isReplica) {
      upstream.promote();
      host.log("notice", `MASTER MODE enabled (user request from '${report.describe(client)}')`);
    }
    reply.ok();
    return;
  }
  // It is a part of what this server would not be any more.
  if (client.is(ClientState.REPLICA)) throw byReplica;
  const port = call.integer(2, badPort);
  if (port < 0 || port > PORT_MAX) throw badPort;
  const place = { host: call.word(1), port };
  const { primary } = upstream;
  if (primary !== null && primary.host === place.host && primary.port === port) {
    host.log(
      "notice",
      "REPLICAOF would result into synchronization with the master we are already connected with. No operation performed.",
    );
    reply.simple("OK Already connected to specified master");
    return;
  }
  upstream.follow(place);
  host.log(
    "notice",
    `REPLICAOF ${place.host}:${port} enabled (user request from '${report.describe(client)}')`,
  );
  reply.ok();
}

const facts = {
  group: "server",
  arity: 3,
  flags: ["admin", "noscript", "stale", "no_async_loading"],
  complexity: "O(1)",
  args: [
    arg.oneOf(
      "args",
      arg.block("host-port", arg.string("host"), arg.integer("port")),
      arg.block("no-one", arg.token("no", "NO"), arg.token("one", "ONE")),
    ),
  ],
  run,
} as const;

export const replicaof = engineCommand({
  ...facts,
  name: "replicaof",
  since: "5.0.0",
  summary: "Follows another server, or nobody any more.",
});

export const slaveof = engineCommand({
  ...facts,
  name: "slaveof",
  since: "1.0.0",
  docFlags: ["deprecated"],
  deprecatedSince: "5.0.0",
  replacedBy: "`REPLICAOF`",
  summary: "Follows another server, or nobody any more.",
});
