/** COMMAND: everything about the commands of this server, told from their declarations. */
import {
  ACL_CATEGORIES,
  arg,
  type CommandEntry,
  CommandError,
  errors,
  type FoundKey,
  keysOf,
  type RequestWords,
} from "@kv/commands";
import { matchesGlob } from "@kv/config";
import type { Engine } from "../../engine.ts";
import { type EngineCall, engineCommand } from "../../engine-call.ts";
import { helpFor } from "../subcommand-help.ts";
import { replyCommandDocs } from "./command-docs.ts";
import { replyCommandInfo } from "./command-info.ts";

const invalidCommand = new CommandError("ERR Invalid command specified");
const noKeys = new CommandError("ERR The command has no key arguments");
const invalidCount = new CommandError("ERR Invalid number of arguments specified for command");
const invalidArguments = new CommandError("ERR Invalid arguments specified for command");

const facts = {
  group: "server",
  flags: ["loading", "stale"],
  categories: ["connection"],
} as const;

/** The command or subcommand called `get` or `config|get`. */
function named({ commands }: Engine, name: string): CommandEntry | undefined {
  const [container, subcommand, ...rest] = name.toLowerCase().split("|");
  if (container === undefined || rest.length > 0) return undefined;
  const found = commands.byName.get(container);
  const entry = subcommand === undefined ? found : found?.subcommands?.get(subcommand);
  return entry?.isPlaceholder === true ? undefined : entry;
}

function topLevel({ commands }: Engine): CommandEntry[] {
  return [...commands.byName.values()].filter(({ isPlaceholder }) => !isPlaceholder);
}

const count = engineCommand({
  ...facts,
  name: "count",
  since: "2.8.13",
  summary: "Tells how many commands there are.",
  complexity: "O(1)",
  arity: 2,
  run({ engine, reply }) {
    reply.integer(topLevel(engine).length);
  },
});

const info = engineCommand({
  ...facts,
  name: "info",
  since: "2.8.13",
  summary: "Describes the named commands, or all.",
  complexity: "O(N) with N commands to describe.",
  arity: -2,
  args: [arg.optional(arg.many(arg.string("command-name")))],
  tips: ["nondeterministic_output_order"],
  history: [["7.0.0", "Without names all commands are described."]],
  run(call) {
    const { engine, reply, argc } = call;
    if (argc === 2) return replyAll(call);
    reply.array(argc - 2);
    for (let index = 2; index < argc; index++)
      replyCommandInfo(reply, named(engine, call.text(index)));
  },
});

const docs = engineCommand({
  ...facts,
  name: "docs",
  since: "7.0.0",
  summary: "Documents the named commands, or all.",
  complexity: "O(N) with N commands to document.",
  arity: -2,
  args: [arg.optional(arg.many(arg.string("command-name")))],
  tips: ["nondeterministic_output_order"],
  run(call) {
    const { engine, reply, argc } = call;
    if (argc === 2) return replyCommandDocs(reply, topLevel(engine));
    const found: CommandEntry[] = [];
    for (let index = 2; index < argc; index++) {
      const entry = named(engine, call.text(index));
      if (entry !== undefined) found.push(entry);
    }
    replyCommandDocs(reply, found);
  },
});

const list = engineCommand({
  ...facts,
  name: "list",
  since: "7.0.0",
  summary: "Names all commands, or those that pass a filter.",
  complexity: "O(N) with N commands in the server.",
  arity: -2,
  args: [
    arg.optional({
      ...arg.oneOf(
        "filterby",
        arg.string("module-name", { token: "MODULE" }),
        arg.string("category", { token: "ACLCAT" }),
        arg.pattern("pattern", { token: "PATTERN" }),
      ),
      token: "FILTERBY",
    }),
  ],
  tips: ["nondeterministic_output_order"],
  run(call) {
    const { engine, reply } = call;
    const passes = filterOf(call);
    const found = engine.commands.listed.filter(passes);
    reply.array(found.length);
    for (const { fullName } of found) reply.bulkLatin1(fullName);
  },
});

function filterOf(call: EngineCall): (entry: CommandEntry) => boolean {
  if (call.argc === 2) return () => true;
  if (call.argc !== 5 || !call.is(2, "FILTERBY")) throw errors.syntax;
  const wanted = call.text(4);
  // No command belongs to a module here.
  if (call.is(3, "MODULE")) return () => false;
  if (call.is(3, "ACLCAT")) {
    const category = ACL_CATEGORIES.find((name) => name === wanted.toLowerCase());
    if (category === undefined) return () => false;
    return ({ command }) => command.categories.includes(category);
  }
  if (call.is(3, "PATTERN")) {
    const pattern = wanted.toLowerCase();
    return ({ fullName }) => matchesGlob(pattern, fullName);
  }
  throw errors.syntax;
}

/** Keys of the request that begins at argument 2. */
function keysOfRequest(call: EngineCall): { found: FoundKey[]; request: RequestWords } {
  const request: RequestWords = { argc: call.argc - 2, text: (index) => call.text(index + 2) };
  let entry = call.engine.commands.byName.get(request.text(0).toLowerCase());
  if (entry?.subcommands != null && request.argc > 1)
    entry = entry.subcommands.get(request.text(1).toLowerCase()) ?? undefined;
  if (entry === undefined || entry.isPlaceholder) throw invalidCommand;
  const { keys, getKeys } = entry.command;
  // A shard channel stands where a key would, and is none.
  const isAboutKeys = keys.some(({ flags }) => !flags.includes("not_key"));
  if (!isAboutKeys && getKeys === undefined) throw noKeys;
  if (!entry.accepts(request.argc)) throw invalidCount;
  const found = getKeys === undefined ? keysOf(keys, request) : getKeys(request);
  if (found === null) throw invalidArguments;
  return { found: found.filter(({ flags }) => !flags.includes("not_key")), request };
}

const getkeysArgs = [arg.string("command"), arg.optional(arg.many(arg.string("arg")))];

const getkeys = engineCommand({
  ...facts,
  name: "getkeys",
  since: "2.8.13",
  summary: "Finds the keys in a whole request.",
  complexity: "O(N) with N words in the request.",
  arity: -3,
  args: getkeysArgs,
  run(call) {
    const { found, request } = keysOfRequest(call);
    call.reply.array(found.length);
    for (const { index } of found) call.reply.bulkLatin1(request.text(index));
  },
});

const getkeysandflags = engineCommand({
  ...facts,
  name: "getkeysandflags",
  since: "7.0.0",
  summary: "Finds the keys in a whole request, and what is done with each.",
  complexity: "O(N) with N words in the request.",
  arity: -3,
  args: getkeysArgs,
  run(call) {
    const { reply } = call;
    const { found, request } = keysOfRequest(call);
    reply.array(found.length);
    for (const { index, flags } of found) {
      reply.array(2);
      reply.bulkLatin1(request.text(index));
      reply.set(flags.length);
      for (const flag of flags) reply.simple(flag);
    }
  },
});

const subcommands = [count, info, docs, list, getkeys, getkeysandflags];

export const command = engineCommand({
  ...facts,
  name: "command",
  since: "2.8.13",
  summary: "Describes all commands.",
  complexity: "O(N) with N commands in the server.",
  arity: -1,
  tips: ["nondeterministic_output_order"],
  subcommands: [
    ...subcommands,
    helpFor("command", subcommands, {
      group: "server",
      since: "5.0.0",
      categories: ["connection"],
    }),
  ],
  run: replyAll,
});

function replyAll({ engine, reply }: EngineCall): void {
  const entries = topLevel(engine);
  reply.array(entries.length);
  for (const entry of entries) replyCommandInfo(reply, entry);
}
