/** FLUSHDB and FLUSHALL: removing all keys of one database or of all. */

import type { Call } from "../call/call.ts";
import { Propagation } from "../call/call-context.ts";
import { errors } from "../call/errors.ts";
import { type Argument, arg } from "../declare/arg.ts";
import { command } from "../declare/command.ts";

const args: Argument[] = [
  arg.optional(
    arg.oneOf(
      "flush-type",
      arg.token("async", "ASYNC", { since: "4.0.0" }),
      arg.token("sync", "SYNC", { since: "6.2.0" }),
    ),
  ),
];

const history = [
  ["4.0.0", "Takes the mode `ASYNC`."],
  ["6.2.0", "Takes the mode `SYNC`."],
] as const;

/** Whether the memory is given back bit by bit later on. */
function isLazy(call: Call): boolean {
  if (call.argc === 1) return call.settings.lazyUserFlush;
  if (call.argc === 2 && call.is(1, "ASYNC")) return true;
  if (call.argc === 2 && call.is(1, "SYNC")) return false;
  throw errors.syntax;
}

export const flushdb = command({
  name: "flushdb",
  group: "server",
  since: "1.0.0",
  summary: "Removes all keys of the selected database.",
  complexity: "O(N) in the number of keys; ASYNC spreads the work.",
  arity: -1,
  flags: ["write"],
  categories: ["keyspace", "dangerous"],
  args,
  tips: ["request_policy:all_shards", "response_policy:all_succeeded"],
  history,

  run(call) {
    const lazily = isLazy(call);
    // Told beforehand: only watchers of keys that are still there are disturbed.
    call.effects.databaseChanged(call.database.index);
    call.dirty += call.database.flush(lazily);
    call.propagation = Propagation.FORCED;
    call.reply.ok();
  },
});

export const flushall = command({
  name: "flushall",
  group: "server",
  since: "1.0.0",
  summary: "Removes all keys of all databases.",
  complexity: "O(N) in the number of keys; ASYNC spreads the work.",
  arity: -1,
  flags: ["write"],
  categories: ["keyspace", "dangerous"],
  args,
  tips: ["request_policy:all_shards", "response_policy:all_succeeded"],
  history,

  run(call) {
    const lazily = isLazy(call);
    call.effects.databaseChanged(-1);
    call.dirty += call.keyspace.flush(lazily);
    if (call.effects.allFlushed()) call.dirty = 0;
    call.propagation = Propagation.FORCED;
    call.reply.ok();
  },
});
