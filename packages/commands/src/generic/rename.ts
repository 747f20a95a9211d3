/** RENAME and RENAMENX: the value of one key under another name. */
import { EXTERNAL_FLAG, flagsOf, NONE, type Ref, valueRef } from "@kv/core";
import type { Call } from "../call/call.ts";
import { errors } from "../call/errors.ts";
import { Notify } from "../call/notify.ts";
import { arg } from "../declare/arg.ts";
import { command } from "../declare/command.ts";
import { keyAt } from "../declare/key-spec.ts";
import { alsoModified, born } from "./also-changed.ts";
import { putInPlaceOf } from "./put-in-place-of.ts";
import { sameArgument } from "./same-argument.ts";

export const rename = command({
  name: "rename",
  group: "generic",
  since: "1.0.0",
  summary: "Renames a key, in place of whatever the new name held.",
  complexity: "O(1), plus removing what was there.",
  arity: 3,
  flags: ["write"],
  categories: ["keyspace"],
  keys: [keyAt(1, "RW", "access", "delete"), keyAt(2, "OW", "update")],
  args: [arg.key("key"), arg.key("newkey", { keySpecIndex: 1 })],

  run(call) {
    const source = call.lookupWrite(1);
    if (source === NONE) throw errors.noSuchKey;
    if (!sameArgument(call, 1, 2)) {
      moveValue(call, source, call.lookupWrite(2));
    }
    call.reply.ok();
  },
});

export const renamenx = command({
  name: "renamenx",
  group: "generic",
  since: "1.0.0",
  summary: "Renames a key unless the new name is taken.",
  complexity: "O(1)",
  arity: 3,
  flags: ["write", "fast"],
  categories: ["keyspace"],
  keys: [keyAt(1, "RW", "access", "delete"), keyAt(2, "OW", "insert")],
  args: [arg.key("key"), arg.key("newkey", { keySpecIndex: 1 })],
  history: [["3.2.0", "Equal names are no error any more."]],

  run(call) {
    const source = call.lookupWrite(1);
    if (source === NONE) throw errors.noSuchKey;
    if (sameArgument(call, 1, 2) || call.lookupWrite(2) !== NONE) {
      call.reply.integer(0);
      return;
    }
    moveValue(call, source, NONE);
    call.reply.integer(1);
  },
});

/** Gives the value of `source` to the key at argument 2, whose entry is `old`. */
function moveValue(call: Call, source: Ref, old: Ref): void {
  const { database } = call;
  const { arena } = database;
  const outside = (flagsOf(arena, source) & EXTERNAL_FLAG) !== 0;
  const value = outside ? valueRef(arena, source) : NONE;
  putInPlaceOf(call, old, database, source, value);
  database.detach(source);
  // Only the entry: the value belongs to the new key now.
  arena.free(source);
  born(call, database, 2);
  call.modified(1);
  alsoModified(call, database, 2);
  call.event(1, "rename_from", Notify.GENERIC);
  call.event(2, "rename_to", Notify.GENERIC);
}
