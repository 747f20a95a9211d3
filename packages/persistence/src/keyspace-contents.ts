/**
 * For tests: what a keyspace holds as plain JavaScript values, and the few writes that fill one.
 * Bytes appear as strings with one character per byte.
 */
import {
  bytesOf,
  createHash,
  type Database,
  expiryMs,
  type HashLimits,
  HashValue,
  type Keyspace,
  keyIndex,
  keyLength,
  NONE,
  type Ref,
  StringView,
  setString,
  Type,
  typeOf,
} from "@kv/core";

export const HASH_LIMITS: HashLimits = { maxListpackEntries: 128, maxListpackValue: 64 };

/** A key as a test sees it. Fields are sorted by name. */
export interface KeyContents {
  value: string | [field: string, value: string][];
  expiryMs: number;
}

/** Keys by "database:key". */
export type Contents = Map<string, KeyContents>;

export function bytesOfText(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

export function textOfBytes(bytes: Uint8Array, start = 0, end = bytes.length): string {
  let text = "";
  for (let i = start; i < end; i++) text += String.fromCharCode(bytes[i]);
  return text;
}

export function contentsOf(keyspace: Keyspace): Contents {
  const { arena } = keyspace;
  const contents: Contents = new Map();
  const string = new StringView();
  const hash = new HashValue(arena, keyspace.seed);
  for (const database of keyspace.databases) {
    database.dict.eachEntry((entry) => {
      const at = keyIndex(arena, entry);
      const key = textOfBytes(bytesOf(arena, entry), at, at + keyLength(arena, entry));
      let value: KeyContents["value"];
      if (typeOf(arena, entry) === Type.STRING) {
        string.read(arena, entry);
        value = textOfBytes(string.bytes, string.start, string.end);
      } else {
        value = fieldsOf(hash.attach(entry));
      }
      contents.set(`${database.index}:${key}`, { value, expiryMs: expiryMs(arena, entry) });
    });
  }
  return contents;
}

function fieldsOf(hash: HashValue): [string, string][] {
  const fields: [string, string][] = [];
  hash.rewind();
  while (hash.next()) {
    fields.push([
      textOfBytes(hash.fieldBytes, hash.fieldStart, hash.fieldEnd),
      textOfBytes(hash.valueBytes, hash.valueStart, hash.valueEnd),
    ]);
  }
  return fields.sort(([one], [other]) => (one < other ? -1 : one > other ? 1 : 0));
}

/** True when both hold the same keys with the same values and expiries. */
export function sameContents(one: Contents, other: Contents): boolean {
  if (one.size !== other.size) return false;
  for (const [key, { value, expiryMs }] of one) {
    const twin = other.get(key);
    if (twin === undefined || twin.expiryMs !== expiryMs) return false;
    if (JSON.stringify(twin.value) !== JSON.stringify(value)) return false;
  }
  return true;
}

function find(database: Database, key: Uint8Array): Ref {
  return database.findKey(key, new DataView(key.buffer), 0, key.length);
}

/** SET, with an expiry unless that is -1. */
export function putString(database: Database, key: string, text: string, whenMs = -1): void {
  const bytes = bytesOfText(key);
  const value = bytesOfText(text);
  const hash = database.hash(bytes, new DataView(bytes.buffer), 0, bytes.length);
  const entry = setString(
    database,
    find(database, bytes),
    bytes,
    0,
    bytes.length,
    hash,
    value,
    0,
    value.length,
    false,
    0,
  );
  if (whenMs !== -1) database.setExpiry(entry, whenMs);
}

/** HSET; the key must hold a hash or nothing. */
export function putField(database: Database, key: string, field: string, text: string): void {
  const { arena, keyspace } = database;
  const bytes = bytesOfText(key);
  let entry = find(database, bytes);
  if (entry === NONE) {
    entry = createHash(arena, keyspace.cuts.epoch, bytes, 0, bytes.length);
    database.adopt(entry);
  }
  database.preserve(entry);
  const name = bytesOfText(field);
  const value = bytesOfText(text);
  const hash = new HashValue(arena, keyspace.seed).attach(entry);
  hash.set(name, new DataView(name.buffer), 0, name.length, value, 0, value.length, HASH_LIMITS);
}

/** HDEL; the key must hold a hash or nothing. */
export function removeField(database: Database, key: string, field: string): void {
  const { arena, keyspace } = database;
  const entry = find(database, bytesOfText(key));
  if (entry === NONE) return;
  database.preserve(entry);
  const name = bytesOfText(field);
  const hash = new HashValue(arena, keyspace.seed).attach(entry);
  hash.delete(name, new DataView(name.buffer), 0, name.length);
  if (hash.length === 0) database.remove(entry, false);
}

/** DEL. */
export function removeKey(database: Database, key: string): void {
  const entry = find(database, bytesOfText(key));
  if (entry !== NONE) database.remove(entry, false);
}
