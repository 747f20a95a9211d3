/**
 * Hashes by argument: finding the one at a key, reading its fields, setting them.
 *
 * A HashValue is a window that is moved from hash to hash, so one per engine does; what these
 * functions return is void as soon as the next one is called.
 *
 * Setting is all or nothing: a new hash is a key only when it is whole, several fields of a present
 * one are one change.
 *
 * Fields whose time has passed are not there for whoever reads. Commands that name fields see to it that
 * such ones go first (expired-fields.ts).
 */
import {
  createHash,
  freeEntry,
  HashChange,
  HashValue,
  type ListpackValue,
  NO_EXPIRY,
  NONE,
  type Ref,
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

/** Moves a window to the hash at an entry, of which fields whose time has passed are not there. */
export function moveTo(call: Call, window: HashValue, entry: Ref): HashValue {
  const hash = window.attach(entry);
  if (hash.isVolatile) hash.nowMs = call.expiryNowMs;
  return hash;
}

/** The hash at an argument for reading, or null when missing. Throws wrongType. */
export function readHash(call: Call, index: number): HashValue | null {
  const entry = call.readTyped(index, Type.HASH);
  if (entry === NONE) return null;
  return moveTo(call, windows.of(call).hash, entry);
}

/** The hash at an argument for changing it, or null when missing. Throws wrongType. */
export function writeHash(call: Call, index: number): HashValue | null {
  const entry = call.writeTyped(index, Type.HASH);
  if (entry === NONE) return null;
  return moveTo(call, windows.of(call).hash, entry);
}

/** For several changes of one hash: see HashChange. */
export function hashChange(call: Call): HashChange {
  return windows.of(call).change;
}

function setIn(
  call: Call,
  hash: HashValue,
  field: number,
  bytes: Uint8Array,
  from: number,
  to: number,
  keepsExpiry: boolean,
): boolean {
  const limits = call.settings.limits.hash;
  const start = call.start(field);
  const end = call.end(field);
  return hash.set(call.bytes, call.view, start, end, bytes, from, to, limits, keepsExpiry);
}

/** Sets the pairs of arguments from `first` on. Returns how many are new. */
function setPairsIn(call: Call, hash: HashValue, first: number): number {
  let added = 0;
  for (let i = first; i + 1 < call.argc; i += 2) {
    if (setIn(call, hash, i, call.bytes, call.start(i + 1), call.end(i + 1), false)) added++;
  }
  return added;
}

/** As setPairsIn(), all of them or, when there is no room for the last, none. */
function changePairs(call: Call, hash: HashValue, first: number, expiryMs: number): number {
  const { change } = windows.of(call);
  const { bytes, view } = call;
  const limits = call.settings.limits.hash;
  let added = 0;
  change.begin(hash);
  try {
    for (let i = first; i + 1 < call.argc; i += 2) {
      const start = call.start(i);
      const from = call.start(i + 1);
      const to = call.end(i + 1);
      if (change.set(bytes, view, start, call.end(i), bytes, from, to, limits, expiryMs)) added++;
    }
    change.commit();
    return added;
  } catch (full) {
    change.rollBack();
    throw full;
  }
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

/** The hash has changed, which was volatile before or is now: its database keeps an eye on it. */
function settle(call: Call, hash: HashValue, wasVolatile: boolean): void {
  if (wasVolatile || hash.isVolatile) call.database.fieldExpiries.changed(hash.entry);
}

/**
 * Sets the field at an argument to bytes[from, to) in the hash at argument 1: in `hash`, which
 * writeHash() has found there, or, when that is null, in a new one. True when the field is new. One that
 * is not expires no more, unless it `keepsExpiry`.
 */
export function setField(
  call: Call,
  hash: HashValue | null,
  field: number,
  bytes: Uint8Array,
  from: number,
  to: number,
  keepsExpiry = false,
): boolean {
  if (hash !== null) {
    const { isVolatile } = hash;
    const isNew = setIn(call, hash, field, bytes, from, to, keepsExpiry);
    settle(call, hash, isVolatile);
    return isNew;
  }
  const created = createAside(call);
  try {
    setIn(call, created, field, bytes, from, to, false);
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

/**
 * As setField, for all pairs of a field and its value from an argument on, which expire at `expiryMs`
 * (as HashChange has it). Returns how many are new.
 */
export function setPairs(
  call: Call,
  hash: HashValue | null,
  first: number,
  expiryMs: number = NO_EXPIRY,
): number {
  const { limits } = call.settings;
  const pairs = (call.argc - first) / 2;
  if (hash === null) {
    const created = createAside(call);
    try {
      created.expect(pairs, limits.hash);
      const added =
        expiryMs > 0
          ? changePairs(call, created, first, expiryMs)
          : setPairsIn(call, created, first);
      adopt(call, created);
      return added;
    } catch (full) {
      freeEntry(call.keyspace.arena, created.entry);
      throw full;
    }
  }
  const { isVolatile } = hash;
  hash.expect(pairs, limits.hash);
  let added: number;
  if (expiryMs > 0) {
    const { fieldExpiries } = call.database;
    fieldExpiries.prepare();
    try {
      added = changePairs(call, hash, first, expiryMs);
    } catch (full) {
      fieldExpiries.tidy();
      throw full;
    }
  } else if (expiryMs === NO_EXPIRY && (first + 2 === call.argc || cannotFail(call, hash, first))) {
    added = setPairsIn(call, hash, first);
  } else {
    added = changePairs(call, hash, first, expiryMs);
  }
  settle(call, hash, isVolatile);
  return added;
}

/** True when the hash has the field at an argument; its value is then in `hash.value`. */
export function findField(call: Call, hash: HashValue, field: number): boolean {
  return hash.find(call.bytes, call.view, call.start(field), call.end(field));
}

/** When the field at an argument expires: NO_FIELD, NO_EXPIRY or a time, which may have passed. */
export function expiryOfField(call: Call, hash: HashValue, field: number): number {
  return hash.expiryOf(call.bytes, call.view, call.start(field), call.end(field));
}

/** Replies with the text that a HashValue shows. */
export function replyText(call: Call, text: ListpackValue): void {
  call.reply.bulkFrom(text.bytes, text.view, text.start, text.end);
}
