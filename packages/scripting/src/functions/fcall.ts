/** FCALL and FCALL_RO: a function of a library is run. */
import { arg, keyCountAt } from "@kv/commands";
import { engineCommand } from "@kv/engine";
import { scriptingPort } from "../scripting.ts";

const facts = {
  group: "scripting",
  since: "7.0.0",
  complexity: "Depends on the function.",
  arity: -3,
  args: [
    arg.string("function"),
    arg.integer("numkeys"),
    arg.optional(arg.many(arg.key("key"))),
    arg.optional(arg.many(arg.string("arg"))),
  ],
} as const;
const flags = ["noscript", "stale", "skip_monitor", "no_mandatory_keys", "movablekeys"] as const;

export const fcall = engineCommand({
  ...facts,
  name: "fcall",
  summary: "Runs a function.",
  flags: [...flags, "may_replicate"],
  keys: [
    {
      ...keyCountAt(2, "RW", "access", "update"),
      notes: "Nobody knows what the function does with its keys: anything may happen to them.",
    },
  ],
  run(call) {
    call.engine.of(scriptingPort).functions.call(call, false);
  },
});

export const fcallRo = engineCommand({
  ...facts,
  name: "fcall_ro",
  summary: "Runs a function that only reads.",
  flags: ["readonly", ...flags],
  keys: [
    {
      ...keyCountAt(2, "RO", "access"),
      notes: "Nobody knows what the function does with its keys: any of them may be read.",
    },
  ],
  run(call) {
    call.engine.of(scriptingPort).functions.call(call, true);
  },
});
