/** The system of small commands about the server itself: TIME, MODULE, LOLWUT. */
import { commandsOf } from "@kv/commands";
import type { System } from "../../module/system.ts";
import * as commands from "./index.ts";

export const serverSystem: System = {
  name: "server",
  commands: commandsOf([commands]),
  directives: [{ names: ["enable-module-command", "loglevel"] }],
};
