/** SCRIPT: the cache of scripts, and the script that runs. */
import { arg, CommandError, helpCommand } from "@kv/commands";
import { engineCommand } from "@kv/engine";
import { flushesLazily } from "./flush-mode.ts";
import { scriptingPort } from "./scripting.ts";

const facts = { group: "scripting" } as const;

const flushOptions = new CommandError("ERR SCRIPT FLUSH only support SYNC|ASYNC option");
const debugModes = new CommandError("ERR Use SCRIPT DEBUG YES/SYNC/NO");
const noDebugger = new CommandError("ERR The debugger of scripts is not implemented");

const load = engineCommand({
  ...facts,
  name: "load",
  since: "2.6.0",
  summary: "Puts a script into the cache without running it.",
  complexity: "O(N) with N bytes of source.",
  arity: 3,
  flags: ["noscript", "stale"],
  args: [arg.string("script")],
  tips: ["request_policy:all_nodes", "response_policy:all_succeeded"],
  run(call) {
    const { sha } = call.engine.of(scriptingPort).take(call.argument(2).slice(), true);
    call.reply.bulkLatin1(sha);
  },
});

const exists = engineCommand({
  ...facts,
  name: "exists",
  since: "2.6.0",
  summary: "Tells of each SHA-1 whether the cache has its script.",
  complexity: "O(N) with N names.",
  arity: -3,
  flags: ["noscript"],
  args: [arg.many(arg.string("sha1"))],
  tips: ["request_policy:all_shards", "response_policy:agg_logical_and"],
  run(call) {
    const { cache } = call.engine.of(scriptingPort);
    call.reply.array(call.argc - 2);
    for (let index = 2; index < call.argc; index++) {
      const isThere = call.length(index) === 40 && cache.has(call.word(index).toLowerCase());
      call.reply.integer(isThere ? 1 : 0);
    }
  },
});

const flush = engineCommand({
  ...facts,
  name: "flush",
  since: "2.6.0",
  summary: "Empties the cache of scripts.",
  complexity: "O(N) with N scripts in the cache.",
  arity: -2,
  flags: ["noscript"],
  args: [
    arg.optional({
      ...arg.oneOf("flush-type", arg.token("async", "ASYNC"), arg.token("sync", "SYNC")),
      since: "6.2.0",
    }),
  ],
  history: [["6.2.0", "Added ASYNC and SYNC."]],
  tips: ["request_policy:all_nodes", "response_policy:all_succeeded"],
  run(call) {
    if (call.argc > 3) throw flushOptions;
    call.engine.of(scriptingPort).flush(flushesLazily(call, flushOptions));
    call.reply.ok();
  },
});

const kill = engineCommand({
  ...facts,
  name: "kill",
  since: "2.6.0",
  summary: "Ends the script that runs, if it has not written anything.",
  complexity: "O(1)",
  arity: 2,
  flags: ["noscript", "allow_busy"],
  tips: ["request_policy:all_shards", "response_policy:one_succeeded"],
  run(call) {
    const refused = call.engine.of(scriptingPort).kill();
    if (refused !== null) throw refused;
    call.reply.ok();
  },
});

const debug = engineCommand({
  ...facts,
  name: "debug",
  since: "3.2.0",
  summary: "Switches the debugger of scripts.",
  differs: "There is no debugger: YES and SYNC are refused.",
  complexity: "O(1)",
  arity: 3,
  flags: ["noscript"],
  args: [
    arg.oneOf("mode", arg.token("yes", "YES"), arg.token("sync", "SYNC"), arg.token("no", "NO")),
  ],
  run(call) {
    if (call.is(2, "NO")) call.reply.ok();
    else if (call.is(2, "YES") || call.is(2, "SYNC")) throw noDebugger;
    else throw debugModes;
  },
});

const subcommands = [debug, exists, flush, kill, load];

export const script = engineCommand({
  ...facts,
  name: "script",
  since: "2.6.0",
  summary: "Groups the commands of the cache of scripts.",
  complexity: "As the subcommand.",
  arity: -2,
  flags: [],
  subcommands: [...subcommands, helpCommand("script", { ...facts, since: "5.0.0" })],
});
