/** SMOVE: a member leaves one set for another. */
import { freeEntry, NONE, type Ref, type SetValue, Type, typeOf } from "@kv/core";
import type { Call } from "../call/call.ts";
import { errors } from "../call/errors.ts";
import { Notify } from "../call/notify.ts";
import { arg } from "../declare/arg.ts";
import { command } from "../declare/command.ts";
import { keyAt } from "../declare/key-spec.ts";
import {
  addMember,
  createAside,
  encodingOfFirst,
  hasMember,
  otherSet,
  removeEmpty,
  setOf,
} from "./set-at.ts";

export const smove = command({
  name: "smove",
  group: "set",
  since: "1.0.0",
  summary: "Moves a member from one set to another.",
  complexity: "O(1)",
  arity: 4,
  flags: ["write", "fast"],
  keys: [keyAt(1, "RW", "access", "delete"), keyAt(2, "RW", "insert")],
  args: [arg.key("source"), arg.key("destination", { keySpecIndex: 1 }), arg.string("member")],

  run(call) {
    const { arena } = call.keyspace;
    const source = call.lookupWrite(1);
    const target = call.lookupWrite(2);
    if (source === NONE) {
      call.reply.integer(0);
      return;
    }
    if (typeOf(arena, source) !== Type.SET) throw errors.wrongType;
    if (target !== NONE && typeOf(arena, target) !== Type.SET) throw errors.wrongType;
    const from = setOf(call, source);
    if (!hasMember(call, from, 3)) {
      call.reply.integer(0);
      return;
    }
    if (source !== target) moveMember(call, from, target);
    call.reply.integer(1);
  },
});

/** Moves a member that the source has to another set. What may fail, adding it there, comes first. */
function moveMember(call: Call, from: SetValue, target: Ref): void {
  let isNew = true;
  if (target === NONE) addToNewKey(call);
  else isNew = addMember(call, otherSet(call, target), 3);
  from.delete(call.bytes, call.view, call.start(3), call.end(3));
  const isEmpty = removeEmpty(call, from);
  call.event(1, "srem", Notify.SET);
  if (isEmpty) call.event(1, "del", Notify.GENERIC);
  if (target === NONE) call.event(2, "new", Notify.NEW);
  call.modified(1);
  if (isNew) call.changed(2, "sadd", Notify.SET);
}

function addToNewKey(call: Call): void {
  const created = createAside(call, 2, encodingOfFirst(call, 3, 1), call.keyspace.seed);
  try {
    addMember(call, created, 3);
    call.database.put(created.entry, NONE, call.hashOf(2), false);
  } catch (full) {
    freeEntry(call.keyspace.arena, created.entry);
    throw full;
  }
}
