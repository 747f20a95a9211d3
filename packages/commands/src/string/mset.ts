/** MGET, MSET, MSETNX: several keys at once. */
import { freeEntry, NONE, type Ref, RefList, Type, typeOf } from "@kv/core";
import { arg } from "../arg.ts";
import type { Call } from "../call.ts";
import { command } from "../command.ts";
import { arityError } from "../errors.ts";
import { keyRange } from "../key-spec.ts";
import { Notify } from "../notify.ts";

export const mget = command({
  name: "mget",
  group: "string",
  since: "1.0.0",
  summary: "Returns the strings at several keys; null for what is missing or no string.",
  complexity: "O(N) where N is the number of keys.",
  arity: -2,
  flags: ["readonly", "fast"],
  keys: [keyRange(1, -1, 1, "RO", "access")],
  args: [arg.many(arg.key("key"))],
  tips: ["request_policy:multi_shard"],

  run(call) {
    const { argc, reply } = call;
    const { arena } = call.keyspace;
    reply.array(argc - 1);
    for (let i = 1; i < argc; i++) {
      const entry = call.lookupRead(i);
      if (entry === NONE || typeOf(arena, entry) !== Type.STRING) reply.null();
      else call.replyString(entry);
    }
  },
});

/** The new entries of the MSET that runs now, and for each whether its key is new (1) or not (0). */
const staged = new RefList();
const newness = new RefList();

/**
 * Sets all keys, or none when the arena has no room for the last one. New keys are added at once
 * and taken out again if need be; what takes the place of present keys waits for the end.
 */
function setAll(call: Call): void {
  const { argc, db } = call;
  staged.clear();
  newness.clear();
  try {
    for (let i = 1; i < argc; i += 2) stage(call, i);
  } catch (full) {
    for (let i = 0; i < staged.count; i++) {
      const entry = staged.at(i);
      if (newness.at(i) === 1) db.detach(entry);
      freeEntry(db.arena, entry);
    }
    throw full;
  }
  // Nothing can fail from here on.
  const lazily = call.settings.lazyServerDel;
  for (let i = 1, at = 0; i < argc; i += 2, at++) {
    if (newness.at(at) === 1) call.event(i, "new", Notify.NEW);
    else db.put(staged.at(at), call.findStored(i), call.hashOf(i), lazily);
    call.changed(i, "set", Notify.STRING);
  }
}

function stage(call: Call, index: number): void {
  const { db } = call;
  const old = call.find(index);
  const entry: Ref = call.createString(index, index + 1, old);
  if (old === NONE) {
    try {
      db.put(entry, NONE, call.hashOf(index), false);
    } catch (full) {
      freeEntry(db.arena, entry);
      throw full;
    }
  }
  staged.push(entry);
  newness.push(old === NONE ? 1 : 0);
}

const msetArity = arityError("mset");

export const mset = command({
  name: "mset",
  group: "string",
  since: "1.0.1",
  summary: "Stores strings at several keys, all in one step.",
  complexity: "O(N) where N is the number of keys.",
  arity: -3,
  flags: ["write", "denyoom"],
  keys: [keyRange(1, -1, 2, "OW", "update")],
  args: [arg.many(arg.block("data", arg.key("key"), arg.string("value")))],
  tips: ["request_policy:multi_shard", "response_policy:all_succeeded"],

  run(call) {
    if (call.argc % 2 === 0) throw msetArity;
    setAll(call);
    call.reply.ok();
  },
});

const msetnxArity = arityError("msetnx");

export const msetnx = command({
  name: "msetnx",
  group: "string",
  since: "1.0.1",
  summary: "Stores strings at several keys, unless one of them exists already.",
  complexity: "O(N) where N is the number of keys.",
  arity: -3,
  flags: ["write", "denyoom"],
  keys: [keyRange(1, -1, 2, "OW", "insert")],
  args: [arg.many(arg.block("data", arg.key("key"), arg.string("value")))],

  run(call) {
    const { argc } = call;
    if (argc % 2 === 0) throw msetnxArity;
    for (let i = 1; i < argc; i += 2) {
      if (call.lookupWrite(i) !== NONE) {
        call.reply.integer(0);
        return;
      }
    }
    // A key that is named twice exists by the second time: the last value stays.
    setAll(call);
    call.reply.integer(1);
  },
});
