/** The system of INFO: the command, and the rows about the kernel and the process. */
import { commandsOf } from "@kv/commands";
import type { System } from "../../module/system.ts";
import * as commands from "./index.ts";
import { InfoSections, infoPort } from "./info-sections.ts";
import { keyspaceSection } from "./keyspace.ts";
import { modulesSection } from "./modules.ts";
import { clusterSection, replicationSection } from "./replication.ts";
import { cpuSection, serverSection } from "./server.ts";
import { debugSection, statsSection } from "./stats-section.ts";

export const infoSystem: System = {
  name: "info",
  ports: [infoPort],
  commands: commandsOf([commands]),
  info: [
    serverSection,
    statsSection,
    replicationSection,
    cpuSection,
    modulesSection,
    clusterSection,
    keyspaceSection,
    debugSection,
  ],
  start: (ports) => new InfoSections(ports),
};
