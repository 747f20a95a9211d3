/** The system of the command table: COMMAND, and how often and how long commands ran. */
import { commandsOf } from "@kv/commands";
import type { System } from "../../module/system.ts";
import * as commands from "./index.ts";
import { commandstatsSection, errorstatsSection, latencystatsSection } from "./info-commands.ts";

export const commandsSystem: System = {
  name: "commands",
  commands: commandsOf([commands]),
  directives: [{ names: ["latency-tracking-info-percentiles"] }],
  info: [commandstatsSection, errorstatsSection, latencystatsSection],
};
