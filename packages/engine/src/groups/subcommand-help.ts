/** What containers have in common: HELP, and the error for a subcommand with too many words. */
import { type Command, CommandError, type CommandSpec, replyHelp } from "@kv/commands";
import { type EngineCall, engineCommand } from "../engine-call.ts";

/** The HELP subcommand of `container`, whose other subcommands are `subcommands`. */
export function helpFor(
  container: string,
  subcommands: readonly Command[],
  spec: Pick<CommandSpec, "since" | "group"> & Partial<CommandSpec>,
): Command {
  return engineCommand({
    name: "help",
    summary: "Lists the subcommands.",
    complexity: "O(1)",
    arity: 2,
    flags: ["loading", "stale"],
    ...spec,
    run(call) {
      replyHelp(call, container, subcommands);
    },
  });
}

/** The error for a subcommand that is known, but not with so many arguments. */
export function subcommandError(call: EngineCall): CommandError {
  const container = (call.row.container ?? call.row).fullName.toUpperCase();
  return new CommandError(
    `ERR unknown subcommand or wrong number of arguments for '${call.word(1).slice(0, 128)}'. ` +
      `Try ${container} HELP.`,
  );
}
