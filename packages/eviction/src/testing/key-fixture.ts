/** KeyFixture: a keyspace with text keys, for tests that care which keys are there. */
import {
  bytesOf,
  createKeyspace,
  type Database,
  type Keyspace,
  keyIndex,
  keyLength,
  NONE,
  type Ref,
  setString,
} from "@kv/core";
import { seededRandom32 } from "./seeded-random.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** A keyspace whose keys are text, on an arena of its own. */
export class KeyFixture {
  /** What the keys live in. */
  readonly keyspace: Keyspace;
  /** The randomness of keyspace and test: 32 bits, from the seed. */
  readonly random32: () => number;

  constructor(seed: number, databaseCount = 16) {
    this.random32 = seededRandom32(seed);
    this.keyspace = createKeyspace({
      databaseCount,
      random32: this.random32,
      arena: { segmentBytes: 2 ** 20 },
    });
  }

  /** One of the databases, from 0 on. */
  database(index: number): Database {
    return this.keyspace.databases[index] as Database;
  }

  /** Sets a string key, with an expiry where one is given. Returns its entry. */
  set(index: number, key: string, value: string, idleBits: number, expiryMs?: number): Ref {
    const database = this.database(index);
    const { bytes, view } = bytesAndView(key);
    const { length } = bytes;
    const hash = database.hash(bytes, view, 0, length);
    const old = database.find(bytes, view, 0, length, hash);
    const text = encoder.encode(value);
    const entry = setString(
      database,
      old,
      bytes,
      0,
      length,
      hash,
      text,
      0,
      text.length,
      false,
      idleBits,
    );
    return expiryMs === undefined ? entry : database.setExpiry(entry, expiryMs);
  }

  /** The key's entry, or NONE. */
  find(index: number, key: string): Ref {
    const { bytes, view } = bytesAndView(key);
    return this.database(index).findKey(bytes, view, 0, bytes.length);
  }

  /** Removes a key that is there. */
  remove(index: number, key: string): void {
    this.database(index).remove(this.find(index, key), false);
  }

  /** Whether the key is there. */
  has(index: number, key: string): boolean {
    return this.find(index, key) !== NONE;
  }

  /** The text of an entry's key. */
  keyOf(entry: Ref): string {
    const { arena } = this.keyspace;
    const at = keyIndex(arena, entry);
    return decoder.decode(bytesOf(arena, entry).subarray(at, at + keyLength(arena, entry)));
  }

  /** All keys of a database, sorted. */
  keys(index: number): string[] {
    const keys: string[] = [];
    this.database(index).dict.eachEntry((entry) => keys.push(this.keyOf(entry)));
    return keys.sort();
  }
}

function bytesAndView(key: string): { bytes: Uint8Array; view: DataView } {
  const bytes = encoder.encode(key);
  return { bytes, view: new DataView(bytes.buffer) };
}
