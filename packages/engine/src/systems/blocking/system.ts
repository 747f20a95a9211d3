/** The system of blocking: clients that wait for a key. The commands that wait are those on data. */
import type { System } from "../../module/system.ts";
import { Blocking, blockingPort } from "./blocking.ts";

export const blockingSystem: System = {
  name: "blocking",
  ports: [blockingPort],
  info: [
    {
      name: "clients",
      title: "Clients",
      isDefault: true,
      fields: [
        { name: "total_blocking_keys", value: (ports) => ports.of(blockingPort).keyCount },
        {
          name: "total_blocking_keys_on_nokey",
          value: (ports) => ports.of(blockingPort).lossAwaitedKeyCount,
        },
      ],
    },
  ],
  start: (ports) => new Blocking(ports),
};
