/** The engine's own commands. A group's folder exports them and nothing has to list them. */
import { type Command, commandsOf } from "@kv/commands";
import { groups as folders } from "./groups.ts";

export const groups: readonly Command[] = commandsOf(folders);
