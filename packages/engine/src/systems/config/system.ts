/** The system of the configuration: CONFIG. */
import { isCommand } from "@kv/commands";
import type { System } from "../../module/system.ts";
import * as commands from "./index.ts";

export const configSystem: System = {
  name: "config",
  commands: Object.values(commands).filter(isCommand),
  directives: [{ names: ["enable-protected-configs"] }],
};
