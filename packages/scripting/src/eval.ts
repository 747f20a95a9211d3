/** EVAL, EVALSHA, EVAL_RO, EVALSHA_RO: a script is run, from its source or by its SHA-1. */
import { arg, type CommandSpec, type KeySpec, keyCountAt } from "@kv/commands";
import { type EngineCall, engineCommand } from "@kv/engine";
import { scriptingPort } from "./scripting.ts";

const complexity = "Depends on the script.";
const common = ["noscript", "stale", "skip_monitor", "no_mandatory_keys", "movablekeys"] as const;
const writes = [...common, "may_replicate"] as const;
const reads = ["readonly", ...common] as const;

function keys(isReadOnly: boolean, notes?: string): readonly KeySpec[] {
  const spec = isReadOnly ? keyCountAt(2, "RO", "access") : keyCountAt(2, "RW", "access", "update");
  return [notes === undefined ? spec : { ...spec, notes }];
}

const argsOf = (first: "script" | "sha1"): CommandSpec<EngineCall>["args"] => [
  arg.string(first),
  arg.integer("numkeys"),
  arg.optional(arg.many(arg.key("key"))),
  arg.optional(arg.many(arg.string("arg"))),
];

export const evalScript = engineCommand({
  name: "eval",
  group: "scripting",
  since: "2.6.0",
  summary: "Runs a script, given as its source.",
  complexity,
  arity: -3,
  flags: writes,
  keys: keys(
    false,
    "Nobody knows what the script does with its keys: anything may happen to them.",
  ),
  args: argsOf("script"),
  run(call) {
    call.engine.of(scriptingPort).evaluate(call, false);
  },
});

export const evalRo = engineCommand({
  name: "eval_ro",
  group: "scripting",
  since: "7.0.0",
  summary: "Runs a script that only reads, given as its source.",
  complexity,
  arity: -3,
  flags: reads,
  keys: keys(true, "Nobody knows what the script does with its keys: any of them may be read."),
  args: argsOf("script"),
  run(call) {
    call.engine.of(scriptingPort).evaluate(call, true);
  },
});

export const evalsha = engineCommand({
  name: "evalsha",
  group: "scripting",
  since: "2.6.0",
  summary: "Runs a script that the cache has, named by its SHA-1.",
  complexity,
  arity: -3,
  flags: writes,
  keys: keys(false),
  args: argsOf("sha1"),
  run(call) {
    call.engine.of(scriptingPort).evaluateSha(call, false);
  },
});

export const evalshaRo = engineCommand({
  name: "evalsha_ro",
  group: "scripting",
  since: "7.0.0",
  summary: "Runs a script that only reads and that the cache has, named by its SHA-1.",
  complexity,
  arity: -3,
  flags: reads,
  keys: keys(true),
  args: argsOf("sha1"),
  run(call) {
    call.engine.of(scriptingPort).evaluateSha(call, true);
  },
});
