/** What EVAL, EVALSHA, FCALL and their read-only forms have in common: they run something with keys. */
import { arg, type KeySpec, keyCountAt } from "@kv/commands";

const flags = ["noscript", "stale", "skip_monitor", "no_mandatory_keys", "movablekeys"] as const;

const common = { group: "scripting", arity: -3 } as const;

/** Of a command that runs what may write. `notes`: to readers of COMMAND DOCS, about its keys. */
export function mayWrite(notes?: string) {
  const keys = keyCountAt(2, "RW", "access", "update");
  return { ...common, flags: [...flags, "may_replicate"], keys: [noted(keys, notes)] } as const;
}

/** Of a command that runs what only reads. */
export function readsOnly(notes?: string) {
  const keys = keyCountAt(2, "RO", "access");
  return { ...common, flags: ["readonly", ...flags], keys: [noted(keys, notes)] } as const;
}

function noted(spec: KeySpec, notes: string | undefined): KeySpec {
  return notes === undefined ? spec : { ...spec, notes };
}

/** Its arguments; the first one, `name`, says what is run. */
export function runArguments(name: string) {
  return [
    arg.string(name),
    arg.integer("numkeys"),
    arg.optional(arg.many(arg.key("key"))),
    arg.optional(arg.many(arg.string("arg"))),
  ];
}
