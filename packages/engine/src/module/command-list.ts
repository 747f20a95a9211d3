/** All commands that an engine with these systems knows. */
import { type Command, dataCommands, placeholderCommands } from "@kv/commands";
import type { System } from "./system.ts";

/** What works on data alone, what the systems bring, and placeholders for what is missing. */
export function commandList(systems: readonly System[]): Command[] {
  const own = systems.flatMap(({ commands }) => [...(commands ?? [])]);
  return [...dataCommands, ...own, ...placeholderCommands];
}
