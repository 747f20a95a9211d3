/** FCALL and FCALL_RO: a function of a library is run. */
import { type EngineCall, engineCommand } from "@kv/engine";
import { mayWrite, readsOnly, runArguments } from "../running-command.ts";
import { scriptingPort } from "../scripting.ts";

const facts = {
  since: "7.0.0",
  complexity: "Depends on the function.",
  args: runArguments("function"),
  flagsOf: (call: EngineCall) => call.engine.of(scriptingPort).functions.flagsOf(call),
} as const;

export const fcall = engineCommand({
  ...mayWrite("Nobody knows what the function does with its keys: anything may happen to them."),
  ...facts,
  name: "fcall",
  summary: "Runs a function.",
  run(call) {
    call.engine.of(scriptingPort).functions.call(call, false);
  },
});

export const fcallRo = engineCommand({
  ...readsOnly("Nobody knows what the function does with its keys: any of them may be read."),
  ...facts,
  name: "fcall_ro",
  summary: "Runs a function that only reads.",
  run(call) {
    call.engine.of(scriptingPort).functions.call(call, true);
  },
});
