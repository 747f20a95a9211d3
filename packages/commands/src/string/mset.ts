/** MGET, MSET, MSETNX: several keys at once. */
import {
  type Arena,
  fitsInPlace,
  freeEntry,
  idleBits,
  isStringEntry,
  NONE,
  type Ref,
  RefList,
  setIdleBits,
  Type,
  typeOf,
  wordIndex,
  wordsOf,
} from "@kv/core";
import type { Call } from "../call/call.ts";
import { arityError } from "../call/errors.ts";
import { Kept } from "../call/kept.ts";
import { Notify } from "../call/notify.ts";
import { arg } from "../declare/arg.ts";
import { command } from "../declare/command.ts";
import { keyRange } from "../declare/key-spec.ts";
import { createAside, putArgument, putAside, replyString } from "./string-at.ts";

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
      else replyString(call, entry);
    }
  },
});

/** A key and a value of together so many bytes fit a small block, whatever else stands in it. */
const PLAIN_BYTES_MAX = 8192;

/** What the MSET that runs now does with each pair: Pair, and the entry that belongs to it. */
const plans = new Kept(() => ({ kinds: new RefList(), entries: new RefList() }));
const Pair = {
  /** Overwrites a present entry where it lies. */
  IN_PLACE: 1,
  /** A new entry is to take the place of the present one, at the end. Expired keys go then, too. */
  REPLACING: 2,
  /** A new entry of a new key, which is in the database already. */
  NEW: 3,
} as const;
/** Set in a present entry's word of idle bits, which has room for it, while another is to replace it. */
const REPLACED_MARK = 1 << 24;

/**
 * Sets all keys, or none when the arena has no room for the last one. Whatever needs memory comes
 * first: new keys, to be taken out again if need be, and what will take the place of present ones.
 */
function setAll(call: Call): void {
  const { argc } = call;
  if (cannotFail(call)) {
    for (let i = 1; i < argc; i += 2) {
      putArgument(call, i, call.find(i), i + 1, false);
      call.changed(i, "set", Notify.STRING);
    }
    return;
  }
  const { kinds, entries } = plans.of(call);
  kinds.clear();
  entries.clear();
  try {
    for (let i = 1; i < argc; i += 2) prepare(call, i);
  } catch (full) {
    for (let at = entries.count - 1; at >= 0; at--) undo(call, at);
    throw full;
  }
  // Nothing can fail from here on: what has expired leaves its room in the table.
  for (let i = 1, at = 0; i < argc; i += 2, at++) {
    const kind = kinds.at(at);
    const entry = entries.at(at);
    if (kind === Pair.IN_PLACE) putArgument(call, i, entry, i + 1, false);
    else if (kind === Pair.NEW) call.event(i, "new", Notify.NEW);
    else putAside(call, i, entry);
    call.changed(i, "set", Notify.STRING);
  }
}

/** True when there is room for all pairs whatever becomes of them. */
function cannotFail(call: Call): boolean {
  const { argc } = call;
  for (let i = 1; i < argc; i += 2)
    if (call.length(i) + call.length(i + 1) > PLAIN_BYTES_MAX) return false;
  return call.database.hasRoomFor((argc - 1) / 2);
}

function prepare(call: Call, index: number): void {
  const { database } = call;
  const { arena } = database;
  const old = call.findStored(index);
  if (
    old !== NONE &&
    !call.isExpired(old) &&
    // A key that comes twice may have another entry by then.
    !isMarked(arena, old) &&
    isStringEntry(arena, old) &&
    fitsInPlace(arena, old, call.bytes, call.start(index + 1), call.end(index + 1))
  ) {
    add(call, Pair.IN_PLACE, old);
    return;
  }
  const entry = createAside(call, index, index + 1);
  if (old === NONE) {
    try {
      database.put(entry, NONE, call.hashOf(index), false);
    } catch (full) {
      freeEntry(arena, entry);
      throw full;
    }
    add(call, Pair.NEW, entry);
  } else {
    mark(arena, old, REPLACED_MARK);
    add(call, Pair.REPLACING, entry);
  }
}

function add(call: Call, kind: number, entry: Ref): void {
  const { kinds, entries } = plans.of(call);
  kinds.push(kind);
  entries.push(entry);
}

function undo(call: Call, at: number): void {
  const { database } = call;
  const { arena } = database;
  const { kinds, entries } = plans.of(call);
  const kind = kinds.at(at);
  const entry = entries.at(at);
  if (kind === Pair.IN_PLACE) return;
  if (kind === Pair.NEW) database.detach(entry);
  else mark(arena, call.findStored(1 + 2 * at), 0);
  freeEntry(arena, entry);
}

function isMarked(arena: Arena, entry: Ref): boolean {
  return ((wordsOf(arena, entry)[wordIndex(entry) + 1] as number) & REPLACED_MARK) !== 0;
}

function mark(arena: Arena, entry: Ref, bit: number): void {
  setIdleBits(arena, entry, idleBits(arena, entry) | bit);
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
