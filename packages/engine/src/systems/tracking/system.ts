/** The system of client-side caching: CLIENT TRACKING and what it sets off. */
import { commandsOf } from "@kv/commands";
import type { InfoField, System } from "../../module/system.ts";
import * as commands from "./index.ts";
import { Tracking, trackingPort } from "./tracking.ts";

const count = (name: string, of: (tracking: Tracking) => number): InfoField => ({
  name,
  value: (ports) => of(ports.of(trackingPort)),
});

export const trackingSystem: System = {
  name: "tracking",
  ports: [trackingPort],
  commands: commandsOf([commands]),
  directives: [
    {
      names: ["tracking-table-max-keys"],
      apply: (config, ports) => {
        ports.of(trackingPort).limitKeys(config.number("tracking-table-max-keys"));
        return undefined;
      },
    },
  ],
  info: [
    {
      name: "clients",
      title: "Clients",
      isDefault: true,
      fields: [count("tracking_clients", ({ clientCount }) => clientCount)],
    },
    {
      name: "stats",
      title: "Stats",
      isDefault: true,
      fields: [
        count("tracking_total_keys", ({ keyCount }) => keyCount),
        count("tracking_total_items", ({ itemCount }) => itemCount),
        count("tracking_total_prefixes", ({ prefixCount }) => prefixCount),
      ],
    },
  ],
  start: (ports) => new Tracking(ports),
};
