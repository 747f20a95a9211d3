/**
 * The system of replication: what replicas and primaries say to each other (REPLCONF, SYNC, PSYNC), who
 * follows whom (REPLICAOF, FAILOVER, ROLE), WAIT and WAITAOF, and what INFO says of all that.
 */
import type { System } from "@kv/engine";
import { failover } from "./failover-command.ts";
import { infoSections } from "./info.ts";
import { Primary, replicationPort } from "./primary.ts";
import { replconf } from "./replconf.ts";
import { replicaof, slaveof } from "./replicaof.ts";
import { role } from "./role.ts";
import { psync, sync } from "./sync.ts";
import { wait, waitaof } from "./wait.ts";

/** Replication for an engine: one of its `modules`. */
export const replicationSystem: System = {
  name: "replication",
  ports: [replicationPort],
  commands: [replconf, sync, psync, replicaof, slaveof, failover, role, wait, waitaof],
  directives: [
    {
      names: [
        "repl-diskless-sync",
        "repl-diskless-sync-delay",
        "repl-diskless-sync-max-replicas",
        "repl-timeout",
        "repl-backlog-ttl",
        "repl-ping-replica-period",
        "replicaof",
        "masteruser",
        "masterauth",
        "repl-diskless-load",
        "replica-lazy-flush",
        "replica-announce-ip",
        "replica-announce-port",
        "replica-announced",
        "replica-priority",
        "bind-source-addr",
        "tls-replication",
        "rdb-del-sync-files",
        "replica-ignore-disk-write-errors",
        "propagation-error-behavior",
      ],
    },
    {
      names: ["repl-backlog-size"],
      apply: (config, ports) => {
        ports.of(replicationPort).followers.backlogBytesMax = config.number("repl-backlog-size");
        // What is too much by now goes at once.
        ports.host.wake();
        return undefined;
      },
    },
    {
      names: ["min-replicas-to-write", "min-replicas-max-lag"],
      apply: (_config, ports) => {
        ports.of(replicationPort).goodReplicas.update();
        return undefined;
      },
    },
    {
      names: ["replica-read-only", "replica-serve-stale-data"],
      apply: (_config, ports) => {
        ports.of(replicationPort).upstream.updateSituation();
        return undefined;
      },
    },
    {
      names: ["replica-ignore-maxmemory"],
      apply: (config, ports) => {
        ports.memory.isLeftToPrimary = config.boolean("replica-ignore-maxmemory");
        return undefined;
      },
    },
  ],
  info: infoSections,
  start: (ports) => new Primary(ports),
};
