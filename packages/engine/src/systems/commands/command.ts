/** COMMAND: everything about the commands of this server, told from their declarations. */
import {
  ACL_CATEGORIES,
  arg,
  CommandError,
  type CommandRow,
  errors,
  FLAG_BITS,
  type FoundKeys,
  helpCommand,
  type KeyFlag,
  keysOf,
  matchesGlob,
  type RequestWords,
} from "@kv/commands";
import { type EngineCall, engineCommand } from "../../module/engine-call.ts";
import type { Ports } from "../../module/ports.ts";
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
function named({ commands }: Ports, name: string): CommandRow | undefined {
  const [container, subcommand, ...rest] = name.toLowerCase().split("|");
  if (container === undefined || rest.length > 0) return undefined;
  const found = commands.byName.get(container);
  const row = subcommand === undefined ? found : found?.subcommands?.get(subcommand);
  return row?.isPlaceholder === true ? undefined : row;
}

function topLevel({ commands }: Ports): CommandRow[] {
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
      replyCommandInfo(reply, named(engine, call.word(index)));
  },
});

/** The commands that the words from argument 2 on name, as often as they do. */
function* known(call: EngineCall): Generator<CommandRow> {
  for (const word of call.words(2)) {
    const row = named(call.engine, word);
    if (row !== undefined) yield row;
  }
}

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
    const all = topLevel(engine);
    if (argc === 2) return replyCommandDocs(reply, all, all.length);
    // Twice, because they may be too many to be listed.
    let count = 0;
    for (const _ of known(call)) count++;
    replyCommandDocs(reply, known(call), count);
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

function filterOf(call: EngineCall): (row: CommandRow) => boolean {
  if (call.argc === 2) return () => true;
  if (call.argc !== 5 || !call.is(2, "FILTERBY")) throw errors.syntax;
  const wanted = call.word(4);
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

/** Words of COMMAND GETKEYS in front of the request that it is about. */
const REQUEST_AT = 2;

/** Keys of the request that begins at argument 2. */
function keysOfRequest(call: EngineCall): FoundKeys[] {
  const request: RequestWords = {
    argc: call.argc - REQUEST_AT,
    length: (index) => call.length(index + REQUEST_AT),
    is: (index, word) => call.is(index + REQUEST_AT, word),
    text: (index) => call.text(index + REQUEST_AT),
  };
  let row = call.engine.commands.byName.get(call.word(REQUEST_AT).toLowerCase());
  if (row?.subcommands != null && request.argc > 1)
    row = row.subcommands.get(call.word(REQUEST_AT + 1).toLowerCase()) ?? undefined;
  if (row === undefined || row.isPlaceholder) throw invalidCommand;
  const { keys, getKeys } = row.command;
  // A shard channel stands where a key would, and is none.
  const isAboutKeys = keys.some(({ flags }) => !flags.includes("not_key"));
  if (!isAboutKeys && getKeys === undefined) throw noKeys;
  if (!row.accepts(request.argc)) throw invalidCount;
  const all = getKeys === undefined ? keysOf(keys, request) : getKeys(request);
  const found = all?.filter(({ flags }) => !flags.includes("not_key")) ?? [];
  if (countOf(found) === 0 && (row.bits & FLAG_BITS.no_mandatory_keys) === 0)
    throw invalidArguments;
  return found;
}

function countOf(found: readonly FoundKeys[]): number {
  return found.reduce((sum, { count }) => sum + count, 0);
}

/** Calls `reply` with the argument of each key, and what is done with it. */
function eachKey(
  found: readonly FoundKeys[],
  reply: (argument: number, flags: readonly KeyFlag[]) => void,
): void {
  for (const { index, count, step, flags } of found)
    for (let i = 0; i < count; i++) reply(index + i * step + REQUEST_AT, flags);
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
    const { reply, bytes, view } = call;
    const found = keysOfRequest(call);
    reply.array(countOf(found));
    eachKey(found, (argument) => {
      reply.bulkFrom(bytes, view, call.start(argument), call.end(argument));
    });
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
    const { reply, bytes, view } = call;
    const found = keysOfRequest(call);
    reply.array(countOf(found));
    eachKey(found, (argument, flags) => {
      reply.array(2);
      reply.bulkFrom(bytes, view, call.start(argument), call.end(argument));
      reply.set(flags.length);
      for (const flag of flags) reply.simple(flag);
    });
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
    helpCommand("command", {
      group: "server",
      since: "5.0.0",
      categories: ["connection"],
    }),
  ],
  run: replyAll,
});

function replyAll({ engine, reply }: EngineCall): void {
  const rows = topLevel(engine);
  reply.array(rows.length);
  for (const row of rows) replyCommandInfo(reply, row);
}
