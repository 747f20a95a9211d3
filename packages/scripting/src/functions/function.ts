/** FUNCTION: the libraries of functions, and the function that runs. */
import { arg, CommandError, helpCommand, quoted, subcommandError } from "@kv/commands";
import { globMatch } from "@kv/core";
import { type EngineCall, engineCommand, type LibraryPolicy } from "@kv/engine";
import { dumpFunctions, readFunctions, verifyPayload } from "@kv/persistence";
import { latin1Bytes } from "@kv/resp";
import { flushesLazily } from "../flush-mode.ts";
import { flagNames } from "../run-context.ts";
import { scriptingPort } from "../scripting.ts";
import type { Functions } from "./functions.ts";
import type { Library, LibraryFunction } from "./library.ts";

const facts = { group: "scripting", since: "7.0.0" } as const;
const toAllShards = ["request_policy:all_shards", "response_policy:all_succeeded"];
const ENGINE = "LUA";

const flushMode = new CommandError("ERR FUNCTION FLUSH only supports SYNC|ASYNC option");
const noPattern = new CommandError("ERR library name argument was not given");
const badPayload = new CommandError("ERR DUMP payload version or checksum are wrong");
const badPolicy = new CommandError(
  "ERR Wrong restore policy given, value should be either FLUSH, APPEND or REPLACE.",
);

function functionsOf(call: EngineCall): Functions {
  return call.engine.of(scriptingPort).functions;
}

const load = engineCommand({
  ...facts,
  name: "load",
  summary: "Adds a library of functions.",
  complexity: "O(N) with N bytes of code, and as the library.",
  arity: -3,
  flags: ["noscript", "write", "denyoom"],
  args: [arg.optional(arg.token("replace", "REPLACE")), arg.string("function-code")],
  tips: toAllShards,
  run(call) {
    let replaces = false;
    for (let index = 2; index < call.argc - 1; index++) {
      if (!call.is(index, "REPLACE"))
        throw new CommandError(`ERR Unknown option given: ${quoted(call.word(index))}`);
      replaces = true;
    }
    const name = functionsOf(call).load(call.argument(call.argc - 1).slice(), replaces);
    call.dirty++;
    call.reply.bulkLatin1(name);
  },
});

const remove = engineCommand({
  ...facts,
  name: "delete",
  summary: "Removes a library with its functions.",
  complexity: "O(N) with N functions of the library.",
  arity: 3,
  flags: ["noscript", "write"],
  args: [arg.string("library-name")],
  tips: toAllShards,
  run(call) {
    functionsOf(call).delete(call.word(2));
    call.dirty++;
    call.reply.ok();
  },
});

const flush = engineCommand({
  ...facts,
  name: "flush",
  summary: "Removes all libraries.",
  complexity: "O(N) with N functions.",
  arity: -2,
  flags: ["noscript", "write"],
  args: [
    arg.optional(arg.oneOf("flush-type", arg.token("async", "ASYNC"), arg.token("sync", "SYNC"))),
  ],
  tips: toAllShards,
  run(call) {
    if (call.argc > 3) throw subcommandError(call);
    functionsOf(call).flush(flushesLazily(call, flushMode));
    call.dirty++;
    call.reply.ok();
  },
});

interface ListOptions {
  /** Undefined: all libraries. */
  pattern: Uint8Array | undefined;
  hasCode: boolean;
}

function listOptions(call: EngineCall): ListOptions {
  const options: ListOptions = { pattern: undefined, hasCode: false };
  for (let index = 2; index < call.argc; index++) {
    if (!options.hasCode && call.is(index, "WITHCODE")) options.hasCode = true;
    else if (options.pattern === undefined && call.is(index, "LIBRARYNAME")) {
      if (++index === call.argc) throw noPattern;
      options.pattern = call.argument(index);
    } else throw new CommandError(`ERR Unknown argument ${quoted(call.word(index))}`);
  }
  return options;
}

function isListed({ name }: Library, pattern: Uint8Array | undefined): boolean {
  if (pattern === undefined) return true;
  const bytes = latin1Bytes(name);
  return globMatch(pattern, 0, pattern.length, bytes, 0, bytes.length, true);
}

function writeFunction({ reply }: EngineCall, { name, description, flags }: LibraryFunction): void {
  const words = flagNames.filter(([, flag]) => (flags & flag) !== 0);
  reply.map(3);
  reply.bulkLatin1("name");
  reply.bulkLatin1(name);
  reply.bulkLatin1("description");
  if (description === null) reply.null();
  else reply.bulk(description, 0, description.length);
  reply.bulkLatin1("flags");
  reply.set(words.length);
  for (const [word] of words) reply.simple(word);
}

const list = engineCommand({
  ...facts,
  name: "list",
  summary: "Describes the libraries and their functions.",
  complexity: "O(N) with N functions.",
  arity: -2,
  flags: ["noscript"],
  args: [
    arg.optional({ ...arg.string("library-name-pattern"), token: "LIBRARYNAME" }),
    arg.optional(arg.token("withcode", "WITHCODE")),
  ],
  tips: ["nondeterministic_output_order"],
  run(call) {
    const { reply } = call;
    const { pattern, hasCode } = listOptions(call);
    const all = [...functionsOf(call).set.libraries.values()];
    const listed = all.filter((each) => isListed(each, pattern));
    reply.array(listed.length);
    for (const { name, functions, code } of listed) {
      reply.map(hasCode ? 4 : 3);
      reply.bulkLatin1("library_name");
      reply.bulkLatin1(name);
      reply.bulkLatin1("engine");
      reply.bulkLatin1(ENGINE);
      reply.bulkLatin1("functions");
      reply.array(functions.length);
      for (const each of functions) writeFunction(call, each);
      if (!hasCode) continue;
      reply.bulkLatin1("library_code");
      reply.bulk(code, 0, code.length);
    }
  },
});

const dump = engineCommand({
  ...facts,
  name: "dump",
  summary: "Gives all libraries as bytes for FUNCTION RESTORE.",
  complexity: "O(N) with N bytes of code.",
  arity: 2,
  flags: ["noscript"],
  run(call) {
    const payload = dumpFunctions(functionsOf(call).codes());
    call.reply.bulk(payload, 0, payload.length);
  },
});

const policies: readonly LibraryPolicy[] = ["FLUSH", "APPEND", "REPLACE"];

const restore = engineCommand({
  ...facts,
  name: "restore",
  summary: "Adds the libraries that FUNCTION DUMP has given.",
  complexity: "O(N) with N bytes of code.",
  arity: -3,
  flags: ["noscript", "write", "denyoom"],
  args: [
    arg.string("serialized-value"),
    arg.optional(
      arg.oneOf(
        "policy",
        arg.token("flush", "FLUSH"),
        arg.token("append", "APPEND"),
        arg.token("replace", "REPLACE"),
      ),
    ),
  ],
  tips: toAllShards,
  run(call) {
    if (call.argc > 4) throw subcommandError(call);
    const policy = call.argc === 3 ? "APPEND" : policies.find((each) => call.is(3, each));
    if (policy === undefined) throw badPolicy;
    const start = call.start(2);
    const end = call.end(2);
    if (!verifyPayload(call.bytes, start, end)) throw badPayload;
    const codes = readFunctions(call.bytes, start, end);
    if (typeof codes === "string") throw new CommandError(`ERR ${codes}`);
    functionsOf(call).restore(codes, policy);
    call.dirty++;
    call.reply.ok();
  },
});

/** The function that runs: its name, the words that it was called with, and for how long. */
function writeRunning(call: EngineCall, functions: Functions): void {
  const { reply } = call;
  const running = functions.busyCall;
  if (running === null) {
    reply.null();
    return;
  }
  const { name, ms, frame } = running;
  const { args, requestIndex } = frame;
  const first = args.firstArg[requestIndex] as number;
  const count = args.argCount[requestIndex] as number;
  reply.map(3);
  reply.bulkLatin1("name");
  reply.bulkLatin1(name);
  reply.bulkLatin1("command");
  reply.array(count);
  for (let at = first; at < first + count; at++)
    reply.bulk(args.bytes, args.starts[at] as number, args.ends[at] as number);
  reply.bulkLatin1("duration_ms");
  reply.integer(ms);
}

const stats = engineCommand({
  ...facts,
  name: "stats",
  summary: "Tells of the function that runs, and of the engines.",
  complexity: "O(1)",
  arity: 2,
  flags: ["noscript", "allow_busy"],
  tips: ["nondeterministic_output", "request_policy:all_shards", "response_policy:special"],
  run(call) {
    const functions = functionsOf(call);
    const { reply } = call;
    if (functions.scriptIsBusy !== null) throw functions.scriptIsBusy;
    reply.map(2);
    reply.bulkLatin1("running_script");
    writeRunning(call, functions);
    reply.bulkLatin1("engines");
    reply.map(1);
    reply.bulkLatin1(ENGINE);
    reply.map(2);
    reply.bulkLatin1("libraries_count");
    reply.integer(functions.set.libraries.size);
    reply.bulkLatin1("functions_count");
    reply.integer(functions.set.functionCount);
  },
});

const kill = engineCommand({
  ...facts,
  name: "kill",
  summary: "Ends the function that runs, if it has not written anything.",
  complexity: "O(1)",
  arity: 2,
  flags: ["noscript", "allow_busy"],
  tips: ["request_policy:all_shards", "response_policy:one_succeeded"],
  run(call) {
    const refused = functionsOf(call).kill();
    if (refused !== null) throw refused;
    call.reply.ok();
  },
});

const subcommands = [remove, dump, flush, kill, list, load, restore, stats];

export const functions = engineCommand({
  ...facts,
  name: "function",
  summary: "Groups the commands for functions.",
  complexity: "As the subcommand.",
  arity: -2,
  flags: [],
  subcommands: [...subcommands, helpCommand("function", facts)],
});
