/**
 * FUNCTION of a server that is given no functions: they cannot be loaded, and FUNCTION LOAD says so.
 * There are none, then: listing them gives an empty list, and to remove them all is easily done. Tools
 * empty a server with FLUSHALL and FUNCTION FLUSH before they use it. As placeholders, these give way to
 * the commands of a module that has functions.
 */
import { arg, CommandError, helpCommand, subcommandError } from "@kv/commands";
import { type EngineCall, engineCommand } from "../../module/engine-call.ts";

const notSupported = new CommandError("ERR Functions are not supported by this server.");
const flushMode = new CommandError("ERR FUNCTION FLUSH only supports SYNC|ASYNC option");
const noLibraryName = new CommandError("ERR library name argument was not given");

const toAllShards = ["request_policy:all_shards", "response_policy:all_succeeded"];

const flush = engineCommand({
  name: "flush",
  group: "scripting",
  isPlaceholder: true,
  since: "7.0.0",
  summary: "Removes all libraries of functions.",
  differs: "There are no libraries to remove.",
  complexity: "O(N) in the number of functions.",
  arity: -2,
  flags: ["noscript", "write"],
  args: [
    arg.optional(arg.oneOf("flush-type", arg.token("async", "ASYNC"), arg.token("sync", "SYNC"))),
  ],
  tips: toAllShards,
  run(call) {
    if (call.argc > 3) throw subcommandError(call);
    if (call.argc === 3 && !call.is(2, "SYNC") && !call.is(2, "ASYNC")) throw flushMode;
    call.reply.ok();
  },
});

/** The options of FUNCTION LIST are checked as if there were something to list. */
function checkListOptions(call: EngineCall): void {
  let hasCode = false;
  let hasPattern = false;
  for (let index = 2; index < call.argc; index++) {
    if (!hasCode && call.is(index, "WITHCODE")) {
      hasCode = true;
    } else if (!hasPattern && call.is(index, "LIBRARYNAME")) {
      if (index + 1 === call.argc) throw noLibraryName;
      hasPattern = true;
      index++;
    } else {
      throw new CommandError(`ERR Unknown argument ${call.word(index)}`);
    }
  }
}

const list = engineCommand({
  name: "list",
  group: "scripting",
  isPlaceholder: true,
  since: "7.0.0",
  summary: "Describes the libraries of functions: there are none.",
  differs: "The list is empty, since no library can be loaded.",
  complexity: "O(N) in the number of functions.",
  arity: -2,
  flags: ["noscript"],
  args: [
    arg.optional({ ...arg.string("library-name-pattern"), token: "LIBRARYNAME" }),
    arg.optional(arg.token("withcode", "WITHCODE")),
  ],
  tips: ["nondeterministic_output_order"],
  run(call) {
    checkListOptions(call);
    call.reply.emptyArray();
  },
});

const load = engineCommand({
  name: "load",
  group: "scripting",
  isPlaceholder: true,
  since: "7.0.0",
  summary: "Would load a library of functions.",
  differs: "Refused: there are no functions.",
  complexity: "O(1)",
  arity: -3,
  flags: ["noscript", "write", "denyoom"],
  args: [arg.optional(arg.token("replace", "REPLACE")), arg.string("function-code")],
  tips: toAllShards,
  run() {
    throw notSupported;
  },
});

const subcommands = [flush, list, load];

export const functions = engineCommand({
  name: "function",
  group: "scripting",
  isPlaceholder: true,
  since: "7.0.0",
  summary: "Groups the commands for functions.",
  complexity: "As the subcommand.",
  arity: -2,
  flags: [],
  subcommands: [
    ...subcommands,
    helpCommand("function", { group: "scripting", since: "7.0.0", isPlaceholder: true }),
  ],
});
