/**
 * For tests of whatever is built on a keyspace: one that is spoken to in text, seeded and small.
 */
import type { Database } from "./keyspace/database.ts";
import type { Keyspace } from "./keyspace/keyspace.ts";
import { type Arena, ArenaFullError, NONE, type Ref } from "./memory/arena.ts";
import { createKeyspace } from "./plain-access.ts";
import { bytesOf, keyIndex, keyLength } from "./table/entry.ts";
import { growString, setString } from "./values/string/string-value.ts";
import { StringView } from "./values/string/string-view.ts";
import { entryMemory } from "./values/value.ts";

/** The bytes of text, one for each character. */
export function latin1Bytes(text: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

/**
 * Runs `run` while the arena refuses allocation number `failing` (from 1 on), and all after it
 * unless `once`. False when `run` made fewer than that: then it has not been hindered.
 */
export function withoutRoom(
  arena: Arena,
  failing: number,
  once: boolean,
  run: () => void,
): boolean {
  const { alloc, hasRoomFor } = arena;
  let count = 0;
  arena.alloc = (bytes) => {
    count++;
    if (count === failing || (count > failing && !once)) throw new ArenaFullError("full");
    return alloc.call(arena, bytes);
  };
  arena.hasRoomFor = () => false;
  try {
    run();
  } finally {
    arena.alloc = alloc;
    arena.hasRoomFor = hasRoomFor;
  }
  return count >= failing;
}

/** Bytes that the keys and the tables of all databases take, found by visiting every one. */
export function walkedBytes({ arena, databases }: Keyspace): number {
  let sum = 0;
  for (const { dict, expires, fieldExpiries } of databases) {
    sum += dict.tableBytes() + expires.tableBytes() + fieldExpiries.bytes();
    dict.eachEntry((entry) => {
      sum += entryMemory(arena, entry, 0);
    });
  }
  return sum;
}

/** A keyspace spoken to in text, one character a byte. */
export class TextKeyspace {
  /** The keyspace, of segments of 1 MiB. */
  readonly keyspace: Keyspace;
  private readonly view = new StringView();

  constructor(seed = 7) {
    let state = seed;
    this.keyspace = createKeyspace({
      random32: () => {
        state = (Math.imul(state, 1664525) + 1013904223) | 0;
        return state ^ (state >>> 13);
      },
      arena: { segmentBytes: 2 ** 20 },
    });
  }

  /** The database of this number. */
  database(index = 0): Database {
    return this.keyspace.databases[index] as Database;
  }

  /** The entry of a key, or NONE. */
  find(key: string, index = 0): Ref {
    const bytes = latin1Bytes(key);
    return this.database(index).findKey(bytes, new DataView(bytes.buffer), 0, bytes.length);
  }

  /** SET. Returns the entry. */
  set(key: string, value: string, keepExpiry = false, index = 0): Ref {
    const bytes = latin1Bytes(key);
    const view = new DataView(bytes.buffer);
    const database = this.database(index);
    const hash = database.hash(bytes, view, 0, bytes.length);
    const entry = database.find(bytes, view, 0, bytes.length, hash);
    const data = latin1Bytes(value);
    return setString(
      database,
      entry,
      bytes,
      0,
      bytes.length,
      hash,
      data,
      0,
      data.length,
      keepExpiry,
      0,
    );
  }

  /** The string that an entry holds. */
  text(entry: Ref): string {
    this.view.read(this.keyspace.arena, entry);
    const { bytes, start, end } = this.view;
    return String.fromCharCode(...bytes.subarray(start, end));
  }

  /** GET; null when there is no key. */
  get(key: string, index = 0): string | null {
    const entry = this.find(key, index);
    return entry === NONE ? null : this.text(entry);
  }

  /** The key of an entry. */
  keyOf(entry: Ref): string {
    const { arena } = this.keyspace;
    const at = keyIndex(arena, entry);
    return String.fromCharCode(...bytesOf(arena, entry).subarray(at, at + keyLength(arena, entry)));
  }

  /** SETRANGE of a key that holds a string. */
  write(key: string, offset: number, patch: string): void {
    const out = new StringView();
    growString(this.database(), this.find(key), offset + patch.length, out);
    out.bytes.set(latin1Bytes(patch), out.start + offset);
  }
}
