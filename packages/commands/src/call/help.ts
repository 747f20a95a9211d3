/** The HELP subcommand of containers, made from the declarations of their subcommands. */
import type { Argument } from "../declare/arg.ts";
import type { Command } from "../declare/command.ts";
import type { Call } from "./call.ts";

/** Replies with one or two lines for each subcommand of `container`, HELP itself last. */
export function replyHelp(call: Call, container: string, subcommands: readonly Command[]): void {
  const { reply } = call;
  reply.array(2 * subcommands.length + 3);
  reply.simple(
    `${container.toUpperCase()} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:`,
  );
  for (const { name, args, summary } of subcommands) {
    reply.simple([name.toUpperCase(), ...args.map(usage)].join(" "));
    reply.simple(`    ${summary}`);
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
