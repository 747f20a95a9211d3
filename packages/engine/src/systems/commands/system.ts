/** The system of the command table: COMMAND, and how often and how long commands ran. */
import { isCommand } from "@kv/commands";
import type { System } from "../../module/system.ts";
import * as commands from "./index.ts";
import { commandstatsSection, errorstatsSection, latencystatsSection } from "./info-commands.ts";

export const commandsSystem: System = {
  name: "commands",
  commands: Object.values(commands).filter(isCommand),
  directives: [{ names: ["latency-tracking-info-percentiles"] }],
  info: [commandstatsSection, errorstatsSection, latencystatsSection],
};
