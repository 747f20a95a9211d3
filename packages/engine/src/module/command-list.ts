/** All commands that an engine with these systems knows. */
import { type Command, dataCommands, placeholderCommands } from "@kv/commands";
import type { System } from "./system.ts";

/** What works on data alone, what the systems bring, and placeholders for what is missing. */
export function commandList(systems: readonly System[]): Command[] {
  const limits = systems.find(({ limits }) => limits !== undefined)?.limits;
  const own = systems.flatMap((system) => {
    const commands = [...(system.commands ?? [])];
    if (limits === undefined || system.limits === limits) return commands;
    return commands.filter(({ name }) => limits.commands.includes(name));
  });
  return limits === undefined ? [...dataCommands, ...own, ...placeholderCommands] : own;
}
