/**
 * For tests: what a keyspace holds as plain JavaScript values, and the few writes that fill one.
 * Bytes appear as strings with one character per byte.
 */
import {
  type Arena,
  bytesOf,
  createHash,
  type Database,
  defaultLimits,
  ElementVisitor,
  eachElement,
  expiryMs,
  HashValue,
  type Keyspace,
  keyIndex,
  keyLength,
  kindOfEntry,
  type ListpackValue,
  NONE,
  type Ref,
  setString,
  type ValueLimits,
} from "@kv/core";

export const LIMITS: ValueLimits = {
  ...defaultLimits,
  hash: { listpackEntriesMax: 128, listpackValueBytesMax: 64 },
  sortedSet: { listpackEntriesMax: 128, listpackValueBytesMax: 64 },
};

/**
 * A key as a test sees it: a text, elements, fields with values or members with scores; sorted where
 * order is nothing.
 */
export interface KeyContents {
  value: string | string[] | [field: string, value: string][];
  expiryMs: number;
}

/** Keys by "database:key". */
export type Contents = Map<string, KeyContents>;

export function bytesOfText(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

export function textOfBytes(bytes: Uint8Array, start = 0, end = bytes.length): string {
  let text = "";
  for (let i = start; i < end; i++) text += String.fromCharCode(bytes[i]);
  return text;
}

/** Takes down what a value holds. */
class ContentsVisitor extends ElementVisitor {
  texts: string[] = [];
  pairs: [string, string][] = [];

  element(): void {
    this.texts.push(textOf(this.text));
  }

  pair(): void {
    this.pairs.push([textOf(this.text), textOf(this.value)]);
  }

  /** Of entries the ID is a text, and so are each field and its value. */
  override entry(): void {
    this.texts.push(`${this.id}`);
  }

  override entryField(): void {
    this.texts.push(textOf(this.text), textOf(this.value));
  }

  override scored(): void {
    this.pairs.push([textOf(this.text), Object.is(this.score, -0) ? "-0" : `${this.score}`]);
  }
}

function textOf({ bytes, start, end }: ListpackValue): string {
  return textOfBytes(bytes, start, end);
}

function contentOf(arena: Arena, entry: Ref): KeyContents["value"] {
  const visitor = new ContentsVisitor();
  eachElement(arena, entry, visitor);
  const { shape } = kindOfEntry(arena, entry);
  if (shape === "text") return visitor.texts[0];
  if (shape === "pairs" || shape === "scored")
    return visitor.pairs.sort(([one], [other]) => (one < other ? -1 : one > other ? 1 : 0));
  return shape === "members" ? visitor.texts.sort() : visitor.texts;
}

export function contentsOf(keyspace: Keyspace): Contents {
  const { arena } = keyspace;
  const contents: Contents = new Map();
  for (const database of keyspace.databases) {
    database.dict.eachEntry((entry) => {
      const at = keyIndex(arena, entry);
      const key = textOfBytes(bytesOf(arena, entry), at, at + keyLength(arena, entry));
      const value = contentOf(arena, entry);
      contents.set(`${database.index}:${key}`, { value, expiryMs: expiryMs(arena, entry) });
    });
  }
  return contents;
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
export function putString(database: Database, key: string, text: string, expiryMs = -1): void {
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
  if (expiryMs !== -1) database.setExpiry(entry, expiryMs);
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
  hash.set(name, new DataView(name.buffer), 0, name.length, value, 0, value.length, LIMITS.hash);
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
