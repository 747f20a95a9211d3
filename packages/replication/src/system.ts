/** The system of replication: REPLCONF, SYNC, PSYNC, WAIT, WAITAOF, ROLE, and what INFO says of replicas. */
import type { System } from "@kv/engine";
import { infoSections } from "./info.ts";
import { Primary, replicationPort } from "./primary.ts";
import { replconf } from "./replconf.ts";
import { role } from "./role.ts";
import { psync, sync } from "./sync.ts";
import { wait, waitaof } from "./wait.ts";

/** Replication for an engine: one of its `modules`. */
export const replicationSystem: System = {
  name: "replication",
  ports: [replicationPort],
  commands: [replconf, sync, psync, role, wait, waitaof],
  directives: [
    {
      names: [
        "repl-diskless-sync",
        "repl-diskless-sync-delay",
        "repl-diskless-sync-max-replicas",
        "repl-timeout",
        "repl-backlog-size",
        "repl-backlog-ttl",
        "repl-ping-replica-period",
      ],
    },
    {
      names: ["min-replicas-to-write", "min-replicas-max-lag"],
      apply: (_config, ports) => {
        ports.of(replicationPort).goodReplicas.update();
        return undefined;
      },
    },
  ],
  info: infoSections,
  start: (ports) => new Primary(ports),
};
