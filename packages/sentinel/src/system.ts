/** The systems of a sentinel: the engine's own that it needs, and the one that makes it a sentinel. */
import { ownSystems, type System } from "@kv/engine";
import { publish, role, sentinel } from "./commands/sentinel.ts";
import { infoSections } from "./info.ts";
import type { Programs } from "./scripts.ts";
import { sentinelPort } from "./sentinel.ts";
import { stateStatement } from "./state-lines.ts";
import { Turns } from "./turns.ts";

/** What a sentinel has of a data server: nothing that saves or loads data, above all. */
const needed = new Set([
  "connection",
  "acl",
  "transactions",
  "observe",
  "pubsub",
  "expiry",
  "tracking",
  "memory",
  "config",
  "commands",
  "info",
  "server",
  "shutdown",
  "blocking",
]);

/** All systems of an engine that is a sentinel: EngineOptions.systems. */
export function sentinelSystems(programs: Programs): readonly System[] {
  return [...ownSystems.filter(({ name }) => needed.has(name)), sentinelSystem(programs)];
}

function sentinelSystem(programs: Programs): System {
  return {
    name: "sentinel",
    ports: [sentinelPort],
    commands: [sentinel, publish, role],
    statements: [stateStatement],
    info: infoSections,
    limits: {
      commands: [
        "acl",
        "auth",
        "client",
        "command",
        "hello",
        "info",
        "ping",
        "psubscribe",
        "punsubscribe",
        "quit",
        "shutdown",
        "subscribe",
        "unsubscribe",
      ],
      leftOut: ["client|no-touch"],
      sections: ["server", "clients", "stats", "cpu", "sentinel"],
    },
    start: (ports) => {
      ports.identity.mode = "sentinel";
      return new Turns(ports, programs);
    },
  };
}

/** Where a sentinel listens, unless it is told otherwise. */
export const sentinelPortNumber = 26_379;
