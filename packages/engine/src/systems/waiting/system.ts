/** The system of waiting: clients whose command waits for something, and how their waits end. */
import { waitsPort } from "../../module/ports.ts";
import type { System } from "../../module/system.ts";
import { WaitingClients } from "./waiting-clients.ts";

export const waitingSystem: System = {
  name: "waiting",
  ports: [waitsPort],
  info: [
    {
      name: "clients",
      title: "Clients",
      isDefault: true,
      fields: [
        { name: "clients_in_timeout_table", value: (ports) => ports.of(waitsPort).deadlineCount },
      ],
    },
  ],
  start: (ports) => new WaitingClients(ports),
};
