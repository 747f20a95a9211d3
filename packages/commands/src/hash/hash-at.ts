/**
 * Hashes by argument: finding the one at a key, making it, reading and setting its fields.
 *
 * A HashValue is a window that is moved from hash to hash, so one per keyspace does; what these
 * functions return is void as soon as the next one is called.
 */
import {
  Encoding,
  type HashLimits,
  HashValue,
  type Keyspace,
  type ListpackValue,
  listpack,
  NONE,
  type Ref,
  Type,
} from "@kv/core";
import type { Call } from "../call.ts";

const windows = new WeakMap<Keyspace, HashValue>();
let lastKeyspace: Keyspace | null = null;
let lastWindow: HashValue | null = null;

function windowOf(keyspace: Keyspace): HashValue {
  if (keyspace === lastKeyspace) return lastWindow as HashValue;
  let window = windows.get(keyspace);
  if (window === undefined) {
    window = new HashValue(keyspace.arena, keyspace.seed);
    windows.set(keyspace, window);
  }
  lastKeyspace = keyspace;
  lastWindow = window;
  return window;
}

/** The hash at an argument for reading, or null when missing. Throws wrongType. */
export function readHash(call: Call, index: number): HashValue | null {
  const entry = call.readTyped(index, Type.HASH);
  return entry === NONE ? null : windowOf(call.keyspace).attach(entry);
}

/** The hash at an argument for changing it, or null when missing. Throws wrongType. */
export function writeHash(call: Call, index: number): HashValue | null {
  const entry = call.writeTyped(index, Type.HASH);
  return entry === NONE ? null : windowOf(call.keyspace).attach(entry);
}

/** As writeHash; a missing one is made, empty. */
export function writeOrCreateHash(call: Call, index: number): HashValue {
  return writeHash(call, index) ?? createHashAt(call, index);
}

function createHashAt(call: Call, index: number): HashValue {
  const { arena } = call.keyspace;
  const value = listpack.createListpack(arena);
  let entry: Ref;
  try {
    entry = call.putCollection(index, Type.HASH, Encoding.LISTPACK, value);
  } catch (full) {
    arena.free(value);
    throw full;
  }
  return windowOf(call.keyspace).attach(entry);
}

const limits: HashLimits = { maxListpackEntries: 0, maxListpackValue: 0 };

/** Sets the field at an argument to bytes[from, to). True when it is new. */
export function setField(
  call: Call,
  hash: HashValue,
  field: number,
  bytes: Uint8Array,
  from: number,
  to: number,
): boolean {
  limits.maxListpackEntries = call.settings.hashListpackEntriesMax;
  limits.maxListpackValue = call.settings.hashListpackValueBytesMax;
  try {
    return hash.set(
      call.bytes,
      call.view,
      call.start(field),
      call.end(field),
      bytes,
      from,
      to,
      limits,
    );
  } catch (full) {
    // There is no memory for even the first field: an empty hash must not stay.
    if (hash.length === 0) call.db.remove(hash.entry, false);
    throw full;
  }
}

/** As setField, with the value at another argument. */
export function setFieldTo(call: Call, hash: HashValue, field: number, value: number): boolean {
  return setField(call, hash, field, call.bytes, call.start(value), call.end(value));
}

/** True when the hash has the field at an argument; its value is then in `hash.value`. */
export function findField(call: Call, hash: HashValue, field: number): boolean {
  return hash.find(call.bytes, call.view, call.start(field), call.end(field));
}

/** Replies with the text that a HashValue shows. */
export function replyText(call: Call, text: ListpackValue): void {
  call.reply.bulkFrom(text.bytes, text.view, text.start, text.end);
}
