/** All commands that an engine with these systems knows. */
import { type Command, dataCommands, placeholderCommands } from "@kv/commands";
import type { System } from "./system.ts";

/** What works on data alone, what the systems bring, and placeholders for what is missing. */
export function commandList(systems: readonly System[]): Command[] {
  const limits = systems.find(({ limits }) => limits !== undefined)?.limits;
  const own = systems.flatMap((system) => {
    const commands = [...(system.commands ?? [])];
    if (limits === undefined || system.limits === limits) return commands;
    return commands
      .filter(({ name }) => limits.commands.includes(name))
      .map((command) => without(limits.leftOut ?? [], command));
  });
  return limits === undefined ? [...dataCommands, ...own, ...placeholderCommands] : own;
}

/** The container without these subcommands, which are named as in "client|kill". */
function without(names: readonly string[], command: Command): Command {
  const isLeft = (sub: Command) => !names.includes(`${command.name}|${sub.name}`);
  if (command.subcommands?.every(isLeft) !== false) return command;
  return { ...command, subcommands: command.subcommands.filter(isLeft) };
}
