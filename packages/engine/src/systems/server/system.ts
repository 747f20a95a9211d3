/** The system of small commands about the server itself: TIME, ROLE, MODULE, LOLWUT. */
import { isCommand } from "@kv/commands";
import type { System } from "../../module/system.ts";
import * as commands from "./index.ts";

export const serverSystem: System = {
  name: "server",
  commands: Object.values(commands).filter(isCommand),
  directives: [{ names: ["enable-module-command", "loglevel"] }],
};
