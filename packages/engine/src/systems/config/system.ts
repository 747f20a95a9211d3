/** The system of the configuration: CONFIG. */
import { commandsOf } from "@kv/commands";
import type { System } from "../../module/system.ts";
import * as commands from "./index.ts";

export const configSystem: System = {
  name: "config",
  commands: commandsOf([commands]),
  directives: [{ names: ["enable-protected-configs"] }],
};
