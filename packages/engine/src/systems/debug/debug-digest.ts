/**
 * Digests of data sets, equal to those that DEBUG DIGEST and DIGEST-VALUE of Redis print for the
 * same data. Two operations make them:
 *
 *      xor(x)   digest ^= SHA-1(x)                      order does not matter
 *      mix(x)   xor(x), then digest = SHA-1(digest)     order matters
 *
 *      data set   for each database with keys: mix(number); for each key: xor(key digest)
 *      key        mix(key), then its value
 *      value      mix(type); a string: mix(bytes); a hash: for each field xor(field's own digest),
 *                 which is mix(field), mix(value); with an expiry also xor("!!expire!!")
 *
 * Numbers are four bytes, the highest first.
 */
import {
  bytesOf,
  type Database,
  expiryMs,
  HashValue,
  InvariantError,
  type Keyspace,
  keyIndex,
  keyLength,
  type Ref,
  StringView,
  Type,
  typeOf,
} from "@kv/core";
import { latin1Bytes } from "@kv/resp";
import { SHA1_BYTES, sha1 } from "../../kernel/sha1.ts";

const EXPIRE = latin1Bytes("!!expire!!");
const sum = new Uint8Array(SHA1_BYTES);
const number = new Uint8Array(4);

export class Digest {
  readonly bytes = new Uint8Array(SHA1_BYTES);

  clear(): this {
    this.bytes.fill(0);
    return this;
  }

  xor(bytes: Uint8Array, start: number, end: number): void {
    sha1(bytes, start, end, sum);
    for (let i = 0; i < SHA1_BYTES; i++)
      this.bytes[i] = (this.bytes[i] as number) ^ (sum[i] as number);
  }

  mix(bytes: Uint8Array, start: number, end: number): void {
    this.xor(bytes, start, end);
    sha1(this.bytes, 0, SHA1_BYTES, this.bytes);
  }

  mixNumber(value: number): void {
    for (let i = 0; i < 4; i++) number[i] = value >>> (24 - i * 8);
    this.mix(number, 0, 4);
  }

  get hex(): string {
    let text = "";
    for (const byte of this.bytes) text += byte.toString(16).padStart(2, "0");
    return text;
  }
}

/** Makes digests of one keyspace. */
export class Digester {
  private readonly keyspace: Keyspace;
  private readonly string = new StringView();
  private readonly hash: HashValue;
  private readonly element = new Digest();

  constructor(keyspace: Keyspace) {
    this.keyspace = keyspace;
    this.hash = new HashValue(keyspace.arena, keyspace.seed);
  }

  /** Of everything. Of an empty data set it is all zeros. */
  dataSet(): string {
    const whole = new Digest();
    const key = new Digest();
    for (const database of this.keyspace.databases) {
      if (database.size === 0) continue;
      whole.mixNumber(database.index);
      this.keysOf(database, key, whole);
    }
    return whole.hex;
  }

  private keysOf(database: Database, key: Digest, whole: Digest): void {
    const { arena } = this.keyspace;
    database.dict.eachEntry((entry) => {
      const start = keyIndex(arena, entry);
      key.clear().mix(bytesOf(arena, entry), start, start + keyLength(arena, entry));
      this.addValue(entry, key);
      whole.xor(key.bytes, 0, SHA1_BYTES);
    });
  }

  /** Of the value of one entry. */
  value(entry: Ref): string {
    const digest = new Digest();
    this.addValue(entry, digest);
    return digest.hex;
  }

  private addValue(entry: Ref, digest: Digest): void {
    const { arena } = this.keyspace;
    const { string } = this;
    const type = typeOf(arena, entry);
    digest.mixNumber(type);
    switch (type) {
      case Type.STRING:
        string.read(arena, entry);
        digest.mix(string.bytes, string.start, string.end);
        break;
      case Type.HASH:
        this.addHash(entry, digest);
        break;
      default:
        throw new InvariantError("a value has a type that digests know");
    }
    if (expiryMs(arena, entry) !== -1) digest.xor(EXPIRE, 0, EXPIRE.length);
  }

  private addHash(entry: Ref, digest: Digest): void {
    const { element } = this;
    const hash = this.hash.attach(entry);
    hash.rewind();
    while (hash.next()) {
      element.clear().mix(hash.fieldBytes, hash.fieldStart, hash.fieldEnd);
      element.mix(hash.valueBytes, hash.valueStart, hash.valueEnd);
      digest.xor(element.bytes, 0, SHA1_BYTES);
    }
  }
}
