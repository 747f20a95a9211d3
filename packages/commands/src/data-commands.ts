/** All commands that work on data alone. A group's folder exports them and nothing has to list them. */
import { type Command, commandsOf } from "./declare/command.ts";
import { groups } from "./groups.ts";

/** Every command of this package, by group and then by file: the order means nothing. */
export const dataCommands: readonly Command[] = commandsOf(groups);
