/** EVAL, EVALSHA, EVAL_RO, EVALSHA_RO: a script is run, from its source or by its SHA-1. */
import { type EngineCall, engineCommand } from "@kv/engine";
import { mayWrite, readsOnly, runArguments } from "./running-command.ts";
import { scriptingPort } from "./scripting.ts";

const complexity = "Depends on the script.";
const bySource = {
  complexity,
  args: runArguments("script"),
  flagsOf: (call: EngineCall) => call.engine.of(scriptingPort).flagsOfSource(call),
};
const bySha = {
  complexity,
  args: runArguments("sha1"),
  flagsOf: (call: EngineCall) => call.engine.of(scriptingPort).flagsOfSha(call),
};

export const evalScript = engineCommand({
  ...mayWrite("Nobody knows what the script does with its keys: anything may happen to them."),
  ...bySource,
  name: "eval",
  since: "2.6.0",
  summary: "Runs a script, given as its source.",
  run(call) {
    call.engine.of(scriptingPort).evaluate(call, false);
  },
});

export const evalRo = engineCommand({
  ...readsOnly("Nobody knows what the script does with its keys: any of them may be read."),
  ...bySource,
  name: "eval_ro",
  since: "7.0.0",
  summary: "Runs a script that only reads, given as its source.",
  run(call) {
    call.engine.of(scriptingPort).evaluate(call, true);
  },
});

export const evalsha = engineCommand({
  ...mayWrite(),
  ...bySha,
  name: "evalsha",
  since: "2.6.0",
  summary: "Runs a script that the cache has, named by its SHA-1.",
  run(call) {
    call.engine.of(scriptingPort).evaluateSha(call, false);
  },
});

export const evalshaRo = engineCommand({
  ...readsOnly(),
  ...bySha,
  name: "evalsha_ro",
  since: "7.0.0",
  summary: "Runs a script that only reads and that the cache has, named by its SHA-1.",
  run(call) {
    call.engine.of(scriptingPort).evaluateSha(call, true);
  },
});
