/**
 * Plain access: whole byte arrays in and out, for whoever embeds a keyspace and does not count
 * nanoseconds. A key whose time has passed is not there.
 */

import type { Database } from "./keyspace/database.ts";
import { NONE, type Ref } from "./memory/arena.ts";
import { expiryMs } from "./table/entry.ts";
import { setString } from "./values/string/string-value.ts";
import { isStringEntry, StringView } from "./values/string/string-view.ts";

const shown = new StringView();

function viewOver(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Sets the string at a key. `expiresMs` is a time in milliseconds since 1970. */
export function putBytes(
  database: Database,
  key: Uint8Array,
  value: Uint8Array,
  expiresMs?: number,
): void {
  const hash = database.hash(key, viewOver(key), 0, key.length);
  const old = database.find(key, viewOver(key), 0, key.length, hash);
  setString(
    database,
    old,
    key,
    0,
    key.length,
    hash,
    value,
    0,
    value.length,
    false,
    0,
    expiresMs ?? -1,
  );
}

/** A copy of the string at a key; null when there is none at the time `nowMs`. */
export function getBytes(database: Database, key: Uint8Array, nowMs: number): Uint8Array | null {
  const entry = find(database, key, nowMs);
  if (entry === NONE || !isStringEntry(database.arena, entry)) return null;
  shown.read(database.arena, entry);
  return shown.bytes.slice(shown.start, shown.end);
}

/** Removes a key. False when there was none at the time `nowMs`. */
export function removeKey(database: Database, key: Uint8Array, nowMs: number): boolean {
  const entry = find(database, key, nowMs);
  if (entry === NONE) return false;
  database.remove(entry, false);
  return true;
}

function find(database: Database, key: Uint8Array, nowMs: number): Ref {
  const entry = database.findKey(key, viewOver(key), 0, key.length);
  if (entry === NONE) return NONE;
  const whenMs = expiryMs(database.arena, entry);
  return whenMs !== -1 && whenMs < nowMs ? NONE : entry;
}
