/** Subcommands that a system adds to a container of another one (CLIENT, DEBUG, ...). */
import { type Command, type CommandSpec, command } from "@kv/commands";

/**
 * The container `name` with these subcommands alone: the command table adds them to those that the
 * container has already. A system whose container is not there makes one of its own.
 */
export function containerPart(
  name: string,
  group: CommandSpec["group"],
  subcommands: readonly Command[],
): Command {
  return command({
    name,
    group,
    since: "1.0.0",
    summary: `A container of subcommands of ${name.toUpperCase()}.`,
    complexity: "Depends on the subcommand.",
    arity: -2,
    flags: [],
    subcommands,
  });
}
