/**
 * What containers have in common: the HELP subcommand, made from the declarations of the others, and
 * the error that points to it.
 */
import type { Argument } from "../declare/arg.ts";
import { type Command, type CommandSpec, command } from "../declare/command.ts";
import type { Call } from "./call.ts";
import { CommandError, quoted } from "./errors.ts";

/** A word is shown up to here. */
const SHOWN_CHARACTERS = 128;

/** The HELP subcommand of `container` (its name): it tells of all that are there by then. */
export function helpCommand(
  container: string,
  spec: Pick<CommandSpec, "since" | "group"> & Partial<CommandSpec>,
): Command {
  return command({
    name: "help",
    summary: "Lists the subcommands.",
    complexity: "O(1)",
    arity: 2,
    flags: ["loading", "stale"],
    ...spec,
    run(call) {
      const listed = [...(call.row.container?.listedSubcommands() ?? [])];
      const topics = listed
        .filter(({ command: { name } }) => name !== "help")
        .map(({ command: { name, args, summary } }) => ({
          usage: [name.toUpperCase(), ...args.map(usage)].join(" "),
          summary,
        }));
      replyHelp(call, container, topics);
    },
  });
}

/** A subcommand as HELP shows it: how it is written, and a sentence. */
export interface HelpTopic {
  /** How it is written: `GET <key> [COUNT <count>]`. */
  readonly usage: string;
  /** What it does, in a sentence. */
  readonly summary: string;
}

/** Replies with two lines for each subcommand of `container`, HELP itself last. */
export function replyHelp(call: Call, container: string, topics: readonly HelpTopic[]): void {
  const { reply } = call;
  reply.array(2 * topics.length + 3);
  reply.simple(
    `${container.toUpperCase()} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:`,
  );
  for (const each of topics) {
    reply.simple(each.usage);
    reply.simple(`    ${each.summary}`);
  }
  reply.simple("HELP");
  reply.simple("    Shows these lines.");
}

/** An argument as usage lines write it: `<key>`, `[COUNT <count>]`, `<key> [<key> ...]`. */
function usage(argument: Argument): string {
  const { name, type, token, args = [] } = argument;
  let text = `<${name}>`;
  if (type === "pure-token") text = token as string;
  else if (type === "oneof") text = args.map(usage).join("|");
  else if (type === "block") text = args.map(usage).join(" ");
  if (token !== undefined && type !== "pure-token") text = `${token} ${text}`;
  if (argument.multiple === true) text = `${text} [${text} ...]`;
  return argument.optional === true ? `[${text}]` : text;
}

/**
 * The error for a subcommand that is known, but not with so many arguments, where its arity does not
 * say so: `ERR unknown subcommand or wrong number of arguments for 'get'. Try CONFIG HELP.`
 */
export function subcommandError(call: Call): CommandError {
  const container = (call.row.container ?? call.row).fullName.toUpperCase();
  const word = quoted(call.word(1)).slice(0, SHOWN_CHARACTERS);
  return new CommandError(
    `ERR unknown subcommand or wrong number of arguments for '${word}'. Try ${container} HELP.`,
  );
}
