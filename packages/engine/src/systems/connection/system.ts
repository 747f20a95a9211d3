/** The system of connections: what a client says about itself, and when it is idle for too long. */
import { commandsOf } from "@kv/commands";
import type { System } from "../../module/system.ts";
import { ClientUpkeep, clientUpkeepPort } from "./client-upkeep.ts";
import * as commands from "./index.ts";
import { clientsSection } from "./info-clients.ts";

export const connectionSystem: System = {
  name: "connection",
  ports: [clientUpkeepPort],
  commands: commandsOf([commands]),
  directives: [
    {
      names: ["timeout"],
      apply: (config, ports) => {
        ports.of(clientUpkeepPort).timeoutSeconds = config.number("timeout");
        return undefined;
      },
    },
    {
      names: ["hz", "dynamic-hz"],
      apply: (config, { cronJobs, situation }) => {
        cronJobs.configuredHz = config.number("hz");
        cronJobs.dynamicHz = config.boolean("dynamic-hz");
        situation.hz = cronJobs.configuredHz;
        return undefined;
      },
    },
    { names: ["maxclients", "protected-mode"] },
  ],
  info: [clientsSection],
  start: (ports) => new ClientUpkeep(ports),
};
