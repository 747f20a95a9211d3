/** The system of scripts, as far as it is there: FUNCTION, of which there are none. */
import { commandsOf } from "@kv/commands";
import type { System } from "../../module/system.ts";
import * as commands from "./index.ts";

export const scriptingSystem: System = {
  name: "scripting",
  commands: commandsOf([commands]),
};
