/** COPY: a second key with the same value, in this database or another. */
import { copyValue, freeCopy, NONE, type Ref, setIdleBits } from "@kv/core";
import { databaseArgument } from "../call/database-argument.ts";
import { errors } from "../call/errors.ts";
import { Notify } from "../call/notify.ts";
import { arg } from "../declare/arg.ts";
import { command } from "../declare/command.ts";
import { keyAt } from "../declare/key-spec.ts";
import { alsoChanged, born } from "./also-changed.ts";
import { findIn } from "./find-in.ts";
import { putInPlaceOf } from "./put-in-place-of.ts";
import { sameArgument } from "./same-argument.ts";

export const copy = command({
  name: "copy",
  group: "generic",
  since: "6.2.0",
  summary: "Copies a key with its value and time to live.",
  complexity: "O(1) for strings, else O(N) in the number of elements.",
  arity: -3,
  flags: ["write", "denyoom"],
  categories: ["keyspace"],
  keys: [keyAt(1, "RO", "access"), keyAt(2, "OW", "update")],
  args: [
    arg.key("source"),
    arg.key("destination", { keySpecIndex: 1 }),
    arg.optional(arg.integer("destination-db", { token: "DB" })),
    arg.optional(arg.token("replace", "REPLACE")),
  ],

  run(call) {
    const { arena } = call.keyspace;
    let target = call.database;
    let replaces = false;
    for (let i = 3; i < call.argc; i++) {
      if (call.is(i, "REPLACE")) replaces = true;
      else if (call.is(i, "DB") && i + 1 < call.argc) target = databaseArgument(call, ++i);
      else throw errors.syntax;
    }
    if (target === call.database && sameArgument(call, 1, 2)) throw errors.sameObject;
    const source = call.lookupRead(1);
    if (source === NONE) {
      call.reply.integer(0);
      return;
    }
    const old = findIn(call, target, 2);
    if (old !== NONE && !replaces) {
      call.reply.integer(0);
      return;
    }
    const value = copyValue(arena, source);
    let entry: Ref;
    try {
      entry = putInPlaceOf(call, old, target, source, value);
    } catch (full) {
      freeCopy(arena, source, value);
      throw full;
    }
    setIdleBits(arena, entry, call.idle.fresh);
    call.dirty++;
    born(call, target, 2);
    alsoChanged(call, target, 2, "copy_to", Notify.GENERIC);
    call.reply.integer(1);
  },
});
