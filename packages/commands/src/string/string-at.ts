/**
 * Strings by argument: showing the one in an entry, giving a key another one.
 *
 * What putString() and its kin return or replace is void for whoever kept the entry before: a value
 * that does not fit where the old one lies moves. They keep the rules that all strings share: an
 * overwritten key is no newcomer to LFU, and a key that was not there publishes its "new" event.
 */
import {
  addZeros,
  createString,
  expiryMs as expiryOf,
  freeEntry,
  NONE,
  type Ref,
  type StringView,
  setIdleBits,
  setInteger,
  setString,
  setText,
  Type,
  typeOf,
} from "@kv/core";
import type { Call } from "../call/call.ts";
import { Notify } from "../call/notify.ts";

/** Shows the text of a string entry in `call.value`. */
export function readString(call: Call, entry: Ref): void {
  call.value.read(call.keyspace.arena, entry);
}

/** Replies with a string entry's text. */
export function replyString(call: Call, entry: Ref): void {
  const { value } = call;
  value.read(call.keyspace.arena, entry);
  call.reply.bulkFrom(value.bytes, value.view, value.start, value.end);
}

/**
 * True when what the entry holds may be large, and is to be given back by and by: then it is not
 * overwritten.
 */
function goesLazily(call: Call, entry: Ref): boolean {
  if (entry === NONE || !call.settings.lazyServerDel) return false;
  return typeOf(call.keyspace.arena, entry) !== Type.STRING;
}

/** Gives the key at an argument a new entry with the string value[from, to), whatever it holds now. */
function replaceString(
  call: Call,
  keyArgument: number,
  value: Uint8Array,
  from: number,
  to: number,
  expiryMs: number,
): Ref {
  const { arena, cuts } = call.keyspace;
  const start = call.start(keyArgument);
  const end = call.end(keyArgument);
  const { bytes, idle } = call;
  const { epoch } = cuts;
  const made = createString(arena, epoch, bytes, start, end, value, from, to, idle.fresh, expiryMs);
  putAside(call, keyArgument, made);
  return made;
}

/** Gives the key at `keyArgument` the string value[from, to), in place of `entry`. */
function putString(
  call: Call,
  keyArgument: number,
  entry: Ref,
  value: Uint8Array,
  from: number,
  to: number,
  keepExpiry: boolean,
  expiryMs = -1,
): Ref {
  if (goesLazily(call, entry)) {
    const keptMs = keepExpiry ? expiryOf(call.keyspace.arena, entry) : -1;
    const momentMs = expiryMs === -1 ? keptMs : expiryMs;
    return replaceString(call, keyArgument, value, from, to, momentMs);
  }
  const stored = setString(
    call.database,
    entry,
    call.bytes,
    call.start(keyArgument),
    call.end(keyArgument),
    call.hashOf(keyArgument),
    value,
    from,
    to,
    keepExpiry,
    call.idleOf(entry),
    expiryMs,
  );
  if (entry === NONE) call.event(keyArgument, "new", Notify.NEW);
  return stored;
}

/** As putString, with the value at another argument. */
export function putArgument(
  call: Call,
  keyArgument: number,
  entry: Ref,
  valueArgument: number,
  keepExpiry: boolean,
  expiryMs = -1,
): Ref {
  const from = call.start(valueArgument);
  const to = call.end(valueArgument);
  return putString(call, keyArgument, entry, call.bytes, from, to, keepExpiry, expiryMs);
}

/**
 * Gives the key at an argument, whose entry writeTyped() found, the string value[from, to). Text
 * stays text, be it an integer, and the expiry stays.
 */
export function putText(
  call: Call,
  entry: Ref,
  value: Uint8Array,
  from: number,
  to: number,
  keyArgument = 1,
): Ref {
  const stored = setText(
    call.database,
    entry,
    call.bytes,
    call.start(keyArgument),
    call.end(keyArgument),
    call.hashOf(keyArgument),
    value,
    from,
    to,
    true,
    call.idleOfKnown(entry),
    -1,
  );
  if (entry === NONE) call.event(keyArgument, "new", Notify.NEW);
  return stored;
}

/** As putText, with an integer: its upper and lower half. */
export function putInteger(call: Call, entry: Ref, hi: number, lo: number): Ref {
  const stored = setInteger(
    call.database,
    entry,
    call.bytes,
    call.start(1),
    call.end(1),
    call.hashOf(1),
    hi,
    lo,
    true,
    call.idleOfKnown(entry),
  );
  if (entry === NONE) call.event(1, "new", Notify.NEW);
  return stored;
}

/** A new key at argument 1 with a string of zero bytes; `out` shows them, to be written to. */
export function putZeros(call: Call, length: number, out: StringView): void {
  const hash = call.hashOf(1);
  addZeros(
    call.database,
    call.bytes,
    call.start(1),
    call.end(1),
    hash,
    length,
    call.idle.fresh,
    out,
  );
  call.event(1, "new", Notify.NEW);
}

/** An entry for the key at an argument with the string at another: in no database yet. */
export function createAside(call: Call, keyArgument: number, valueArgument: number): Ref {
  const { arena, cuts } = call.keyspace;
  return createString(
    arena,
    cuts.epoch,
    call.bytes,
    call.start(keyArgument),
    call.end(keyArgument),
    call.bytes,
    call.start(valueArgument),
    call.end(valueArgument),
    call.idle.fresh,
    -1,
  );
}

/**
 * Gives the key at an argument the entry that was made for it in no database yet, whatever it holds
 * now. The entry is freed when there is no room for it.
 */
export function putAside(call: Call, keyArgument: number, entry: Ref): void {
  const { database, keyspace } = call;
  const old = call.find(keyArgument);
  setIdleBits(keyspace.arena, entry, call.idleOf(old));
  try {
    database.put(entry, old, call.hashOf(keyArgument), call.settings.lazyServerDel);
  } catch (full) {
    freeEntry(keyspace.arena, entry);
    throw full;
  }
  if (old === NONE) call.event(keyArgument, "new", Notify.NEW);
}
