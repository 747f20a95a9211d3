/** The system of transactions: MULTI, EXEC and WATCH. The queue is the kernel's (kernel/transactions.ts). */
import { commandsOf } from "@kv/commands";
import type { System } from "../../module/system.ts";
import * as commands from "./index.ts";
import { WatchedKeys, watchedKeysPort } from "./watched-keys.ts";

export const transactionsSystem: System = {
  name: "transactions",
  ports: [watchedKeysPort],
  commands: commandsOf([commands]),
  start: (ports) => new WatchedKeys(ports),
};
