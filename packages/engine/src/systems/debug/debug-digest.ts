/**
 * Digests of data sets, equal to those that DEBUG DIGEST and DIGEST-VALUE of Redis print for the
 * same data. Two operations make them:
 *
 *      xor(x)   digest ^= SHA-1(x)                      order does not matter
 *      mix(x)   xor(x), then digest = SHA-1(digest)     order matters
 *
 *      data set   for each database with keys: mix(number); for each key: xor(key digest)
 *      key        mix(key), then its value
 *      value      mix(type); a string, and the elements of a sequence: mix(bytes); members: xor(bytes);
 *                 fields: xor(field's own digest), which is mix(field), mix(value), and for a field
 *                 with an expiry xor("!!hexpire!!"); members with scores likewise, mix(member),
 *                 mix(score with seventeen digits, as 7.0 prints it); entries: mix(ID, as 1.2 of 1-2),
 *                 mix(field), mix(value); a key with an expiry also xor("!!expire!!")
 *
 * Numbers are four bytes, the highest first.
 */
import {
  bytesOf,
  type Database,
  ElementVisitor,
  eachElement,
  expiryMs,
  type Keyspace,
  keyIndex,
  keyLength,
  kindOfEntry,
  type Ref,
  STREAM_ID_TEXT_BYTES,
} from "@kv/core";
import { latin1Bytes, seventeenDigits } from "@kv/resp";
import { SHA1_BYTES, sha1 } from "../../kernel/sha1.ts";

const EXPIRE = latin1Bytes("!!expire!!");
const FIELD_EXPIRE = latin1Bytes("!!hexpire!!");
const DOT = 46;
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

/** Adds elements to the digest of a value: in their order, or in none. */
class ElementDigester extends ElementVisitor {
  digest = new Digest();
  /** The order counts. */
  isOrdered = true;
  private readonly one = new Digest();
  private readonly idText = new Uint8Array(STREAM_ID_TEXT_BYTES);

  element(): void {
    const { bytes, start, end } = this.text;
    if (this.isOrdered) this.digest.mix(bytes, start, end);
    else this.digest.xor(bytes, start, end);
  }

  pair(): void {
    const { one, text, value } = this;
    one.clear().mix(text.bytes, text.start, text.end);
    one.mix(value.bytes, value.start, value.end);
    if (this.expiryMs !== -1) one.xor(FIELD_EXPIRE, 0, FIELD_EXPIRE.length);
    this.digest.xor(one.bytes, 0, SHA1_BYTES);
  }

  override entry(): void {
    const { idText } = this;
    this.digest.mix(idText, 0, this.id.format(idText, 0, DOT));
  }

  override entryField(): void {
    const { digest, text, value } = this;
    digest.mix(text.bytes, text.start, text.end);
    digest.mix(value.bytes, value.start, value.end);
  }

  override scored(): void {
    const { one, text } = this;
    const score = latin1Bytes(seventeenDigits(this.score));
    one.clear().mix(text.bytes, text.start, text.end);
    one.mix(score, 0, score.length);
    this.digest.xor(one.bytes, 0, SHA1_BYTES);
  }
}

/** Makes digests of one keyspace. */
export class Digester {
  private readonly keyspace: Keyspace;
  private readonly elements = new ElementDigester();

  constructor(keyspace: Keyspace) {
    this.keyspace = keyspace;
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
    const { elements, keyspace } = this;
    const { arena } = keyspace;
    const { type, shape } = kindOfEntry(arena, entry);
    digest.mixNumber(type);
    elements.digest = digest;
    elements.isOrdered = shape !== "members";
    eachElement(arena, entry, elements);
    if (expiryMs(arena, entry) !== -1) digest.xor(EXPIRE, 0, EXPIRE.length);
  }
}
