/**
 * Hashes by argument: finding the one at a key, reading its fields, setting them.
 *
 * A HashValue is a window that is moved from hash to hash, so one per engine does; what these
 * functions return is void as soon as the next one is called.
 *
 * Setting is all or nothing: a new hash is a key only when it is whole, several fields of a present
 * one are one change.
 */
import {
  createHash,
  freeEntry,
  HashChange,
  HashValue,
  type ListpackValue,
  NONE,
  setIdleBits,
  Type,
} from "@kv/core";
import type { Call } from "../call/call.ts";
import { Kept } from "../call/kept.ts";
import { Notify } from "../call/notify.ts";

/** Windows on the hashes of an engine's keyspace. */
const windows = new Kept(({ keyspace: { arena, seed } }) => ({
  hash: new HashValue(arena, seed),
  change: new HashChange(arena),
}));

/** The hash at an argument for reading, or null when missing. Throws wrongType. */
export function readHash(call: Call, index: number): HashValue | null {
  const entry = call.readTyped(index, Type.HASH);
  return entry === NONE ? null : windows.of(call).hash.attach(entry);
}

/** The hash at an argument for changing it, or null when missing. Throws wrongType. */
export function writeHash(call: Call, index: number): HashValue | null {
  const entry = call.writeTyped(index, Type.HASH);
  return entry === NONE ? null : windows.of(call).hash.attach(entry);
}

/** Whatever a field is set in: a hash, or a change of one. */
type FieldTarget = Pick<HashValue, "set">;

function setIn(
  call: Call,
  target: FieldTarget,
  field: number,
  bytes: Uint8Array,
  from: number,
  to: number,
): boolean {
  const limits = call.settings.limits.hash;
  const start = call.start(field);
  return target.set(call.bytes, call.view, start, call.end(field), bytes, from, to, limits);
}

/** Sets the pairs of arguments from `first` on in a hash or a change. Returns how many are new. */
function setPairsIn(call: Call, target: FieldTarget, first: number): number {
  let added = 0;
  for (let i = first; i + 1 < call.argc; i += 2) {
    if (setIn(call, target, i, call.bytes, call.start(i + 1), call.end(i + 1))) added++;
  }
  return added;
}

/** An empty hash for the key at argument 1, which is in no database yet. */
function createAside(call: Call): HashValue {
  const { arena, cuts } = call.keyspace;
  const entry = createHash(arena, cuts.epoch, call.bytes, call.start(1), call.end(1));
  setIdleBits(arena, entry, call.idle.fresh);
  return windows.of(call).hash.attach(entry);
}

/** Makes it the value of its key. */
function adopt(call: Call, hash: HashValue): void {
  call.database.put(hash.entry, NONE, call.hashOf(1), false);
  call.event(1, "new", Notify.NEW);
}

/**
 * Sets the field at an argument to bytes[from, to) in the hash at argument 1: in `hash`, which
 * writeHash() has found there, or, when that is null, in a new one. True when the field is new.
 */
export function setField(
  call: Call,
  hash: HashValue | null,
  field: number,
  bytes: Uint8Array,
  from: number,
  to: number,
): boolean {
  if (hash !== null) return setIn(call, hash, field, bytes, from, to);
  const created = createAside(call);
  try {
    setIn(call, created, field, bytes, from, to);
    adopt(call, created);
  } catch (full) {
    freeEntry(call.keyspace.arena, created.entry);
    throw full;
  }
  return true;
}

/** True when there is room for all pairs whatever their number: nothing will have to be undone. */
function cannotFail(call: Call, hash: HashValue, first: number): boolean {
  const { argc } = call;
  const limits = call.settings.limits.hash;
  let bytes = 0;
  for (let i = first; i < argc; i++) {
    const length = call.length(i);
    if (length > limits.listpackValueBytesMax) return false;
    bytes += length;
  }
  return hash.hasRoomFor((argc - first) / 2, bytes, limits);
}

/** As setField, for all pairs of a field and its value from an argument on. Returns how many are new. */
export function setPairs(call: Call, hash: HashValue | null, first: number): number {
  if (hash === null) {
    const created = createAside(call);
    try {
      const added = setPairsIn(call, created, first);
      adopt(call, created);
      return added;
    } catch (full) {
      freeEntry(call.keyspace.arena, created.entry);
      throw full;
    }
  }
  if (first + 2 === call.argc || cannotFail(call, hash, first))
    return setPairsIn(call, hash, first);
  const { change } = windows.of(call);
  change.begin(hash);
  try {
    const added = setPairsIn(call, change, first);
    change.commit();
    return added;
  } catch (full) {
    change.rollBack();
    throw full;
  }
}

/** True when the hash has the field at an argument; its value is then in `hash.value`. */
export function findField(call: Call, hash: HashValue, field: number): boolean {
  return hash.find(call.bytes, call.view, call.start(field), call.end(field));
}

/** Replies with the text that a HashValue shows. */
export function replyText(call: Call, text: ListpackValue): void {
  call.reply.bulkFrom(text.bytes, text.view, text.start, text.end);
}
