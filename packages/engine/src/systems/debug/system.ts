/** The system of DEBUG: for tests of this server and of clients. */
import { commandsOf } from "@kv/commands";
import type { System } from "../../module/system.ts";
import * as commands from "./index.ts";

export const debugSystem: System = {
  name: "debug",
  commands: commandsOf([commands]),
  directives: [{ names: ["enable-debug-command"] }],
};
