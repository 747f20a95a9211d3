/** How COMMAND DOCS documents a command: a map whose parts are there when they say something. */
import type { Argument, CommandRow } from "@kv/commands";
import type { ReplyWriter } from "@kv/resp";

/** Writes one part of a map: its name comes before, in replyParts(). */
type Part = readonly [name: string, write: (reply: ReplyWriter) => void];

const text =
  (value: string) =>
  (reply: ReplyWriter): void =>
    reply.bulkText(value);

function replyParts(reply: ReplyWriter, parts: readonly Part[]): void {
  reply.map(parts.length);
  for (const [name, write] of parts) {
    reply.bulkLatin1(name);
    write(reply);
  }
}

function statuses(words: readonly string[]) {
  return (reply: ReplyWriter): void => {
    reply.set(words.length);
    for (const word of words) reply.simple(word);
  };
}

function argumentFlags({ optional, multiple, multipleToken }: Argument): string[] {
  const flags: string[] = [];
  if (optional === true) flags.push("optional");
  if (multiple === true) flags.push("multiple");
  if (multipleToken === true) flags.push("multiple_token");
  return flags;
}

function argumentParts(argument: Argument): Part[] {
  const { name, type, displayText, keySpecIndex, token, since, deprecatedSince, args } = argument;
  const isGroup = type === "oneof" || type === "block";
  const flags = argumentFlags(argument);
  const parts: Part[] = [
    ["name", text(name)],
    ["type", text(type)],
  ];
  if (!isGroup) parts.push(["display_text", text(displayText ?? name)]);
  if (keySpecIndex !== undefined)
    parts.push(["key_spec_index", (reply) => reply.integer(keySpecIndex)]);
  if (token !== undefined) parts.push(["token", text(token)]);
  if (since !== undefined) parts.push(["since", text(since)]);
  if (deprecatedSince !== undefined) parts.push(["deprecated_since", text(deprecatedSince)]);
  if (flags.length > 0) parts.push(["flags", statuses(flags)]);
  if (isGroup) parts.push(["arguments", argumentsPart(args ?? [])]);
  return parts;
}

function argumentsPart(args: readonly Argument[]) {
  return (reply: ReplyWriter): void => {
    reply.array(args.length);
    for (const argument of args) replyParts(reply, argumentParts(argument));
  };
}

function commandParts(row: CommandRow): Part[] {
  const { command } = row;
  const { docFlags = [], deprecatedSince, replacedBy, history = [], args } = command;
  const parts: Part[] = [
    ["summary", text(command.summary)],
    ["since", text(command.since)],
    ["group", text(command.group)],
    ["complexity", text(command.complexity)],
  ];
  if (docFlags.length > 0) parts.push(["doc_flags", statuses(docFlags)]);
  if (deprecatedSince !== undefined) parts.push(["deprecated_since", text(deprecatedSince)]);
  if (replacedBy !== undefined) parts.push(["replaced_by", text(replacedBy)]);
  if (history.length > 0)
    parts.push([
      "history",
      (reply) => {
        reply.set(history.length);
        for (const [since, change] of history) {
          reply.array(2);
          reply.bulkText(since);
          reply.bulkText(change);
        }
      },
    ]);
  if (args.length > 0) parts.push(["arguments", argumentsPart(args)]);
  if (row.subcommands !== null) {
    const subcommands = row.listedSubcommands();
    parts.push([
      "subcommands",
      (reply) => replyCommandDocs(reply, subcommands, subcommands.length),
    ]);
  }
  return parts;
}

/** A map from names to documentation, of so many commands. */
export function replyCommandDocs(
  reply: ReplyWriter,
  rows: Iterable<CommandRow>,
  count: number,
): void {
  reply.map(count);
  for (const row of rows) {
    reply.bulkLatin1(row.fullName);
    replyParts(reply, commandParts(row));
  }
}
