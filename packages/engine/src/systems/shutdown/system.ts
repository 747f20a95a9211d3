/** The system of shutting down: SHUTDOWN, and what it and signals wait for. */
import { shutdownWaitsPort } from "../../module/ports.ts";
import type { System } from "../../module/system.ts";
import { Ending, endingPort } from "./ending.ts";
import { shutdown } from "./shutdown.ts";

export const shutdownSystem: System = {
  name: "shutdown",
  ports: [endingPort, shutdownWaitsPort],
  commands: [shutdown],
  directives: [{ names: ["shutdown-timeout"] }],
  info: [
    {
      name: "server",
      title: "Server",
      isDefault: true,
      fields: [{ name: "shutdown_in_milliseconds", value: (ports) => ports.of(endingPort).leftMs }],
    },
  ],
  start: (ports) => new Ending(ports),
};
