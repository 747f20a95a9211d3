/** The error for a subcommand that has one word too many where its arity does not say so. */
import { CommandError, quoted } from "@kv/commands";
import type { EngineCall } from "../engine-call.ts";

export function subcommandSyntax(call: EngineCall): CommandError {
  const container = call.row.container?.fullName.toUpperCase() ?? "";
  const word = quoted(call.word(1)).slice(0, 128);
  return new CommandError(
    `ERR unknown subcommand or wrong number of arguments for '${word}'. Try ${container} HELP.`,
  );
}
