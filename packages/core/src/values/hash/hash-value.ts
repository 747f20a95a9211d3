/**
 * HashValue: the value of a hash key, in any of its encodings.
 *
 *   LISTPACK    one flat block: field, value, field, value, ... in the order they were added;
 *   HASHTABLE   a Dict whose entries are the fields. A value stands right behind its field; one
 *               over 1 KiB has a block of its own, so that changing it leaves the field alone.
 *
 * When fields expire it is LISTPACK_EX or HASHTABLE_EX: field-expiry.ts draws these. To whom `nowMs` is
 * told, fields that have passed by then are not there; without it, all are.
 *
 * The key's entry has type HASH, the flags WORD and EXTERNAL, and refers to the listpack or to the
 * Dict's header block. A HashValue is a window: attach() it to an entry, use it, attach it to the
 * next one. No hash costs a JavaScript object. Writing may move the listpack, and then the entry
 * is told; replacing the entry itself makes the window void.
 *
 * A hash starts as a listpack and becomes a table, for good, when it has more fields than
 * `listpackEntriesMax` or a field or value longer than `listpackValueBytesMax` bytes. A field costs at
 * least 4 bytes over its text in a listpack; in a table 16 for its header and 11 to 21 for its slot.
 *
 * Whoever writes sees to the rest: an empty hash is to be deleted, a snapshot wants to know before
 * the first change. Freeing, copying and measuring are the same for all types: see value.ts.
 */
import { assert } from "../../assert.ts";
import { type Arena, NONE, type Ref, roundedBytes } from "../../memory/arena.ts";
import {
  checkListpack,
  createListpack,
  first,
  type ListpackValue,
  listpackCount,
  listpackFromBytes,
  next,
  readAt,
  seek,
  validateListpack,
} from "../../memory/listpack.ts";
import { RefList } from "../../memory/ref-list.ts";
import { Dict } from "../../table/dict.ts";
import {
  Encoding,
  EXTERNAL_FLAG,
  encodingOf,
  entryBytes,
  expiryMs as expiryOfEntry,
  flagsOf,
  keyLength,
  Type,
  VOLATILE_BIT,
  valueLength,
  valueRef,
} from "../../table/entry.ts";
import { createBlockEntry, EXTERNAL_VALUE } from "../block-entry.ts";
import {
  checkFieldHeap,
  checkTriples,
  hasOrderedExpiries,
  nextTriple,
  tripleExpiry,
} from "./field-expiry.ts";
import { HashExpiries } from "./hash-expiries.ts";
import { INLINE_VALUE_BYTES_MAX } from "./hash-field.ts";
import { type HashLimits, LISTPACK_BYTES_MAX } from "./hash-fields.ts";

/** Picks of a random field that may have passed, before those that have not are counted. */
const PICKS_MAX = 32;

/**
 * As createHash(), but a table from the start, made for `expected` fields, whose hashes have this seed.
 * Throws ArenaFullError.
 */
export function createHashTable(
  arena: Arena,
  seed: number,
  expected: number,
  epoch: number,
  bytes: Uint8Array,
  start: number,
  end: number,
  expiryMs: number,
): Ref {
  const table = Dict.create(arena, seed, 0, expected);
  try {
    return createBlockEntry(
      arena,
      Type.HASH,
      Encoding.HASHTABLE,
      table,
      epoch,
      bytes,
      start,
      end,
      expiryMs,
    );
  } catch (full) {
    new Dict(arena).attach(table).free();
    throw full;
  }
}

/** A new entry for the key bytes[start, end), holding an empty hash. `expiryMs`: its expiry, or -1. */
export function createHash(
  arena: Arena,
  epoch: number,
  bytes: Uint8Array,
  start: number,
  end: number,
  expiryMs = -1,
): Ref {
  return entryOf(arena, createListpack(arena), epoch, bytes, start, end, expiryMs);
}

/** A new entry that holds the listpack, which is freed when there is no room for the entry. */
function entryOf(
  arena: Arena,
  listpack: Ref,
  epoch: number,
  bytes: Uint8Array,
  start: number,
  end: number,
  expiryMs: number,
  encoding: number = Encoding.LISTPACK,
): Ref {
  try {
    return createBlockEntry(
      arena,
      Type.HASH,
      encoding,
      listpack,
      epoch,
      bytes,
      start,
      end,
      expiryMs,
    );
  } catch (full) {
    arena.free(listpack);
    throw full;
  }
}

/** A window on the hash that an entry holds: see the head of this file. */
export class HashValue extends HashExpiries {
  private readonly batch = new RefList();
  private batchIndex = 0;
  /** Where next() goes on: a listpack offset, or the dict's cursor; 0 when that was all. */
  private cursor = 0;

  /** Starts a walk over all fields. The hash must not change until it is over. */
  rewind(): void {
    this.batch.clear();
    this.batchIndex = 0;
    if (this.isTable) this.cursor = this.dict.walk(0, this.batch);
    else this.cursor = first(this.arena, this.listpack);
  }

  /** Puts the walk's next field in `field` and `value`. False when there are no more. */
  next(): boolean {
    if (!this.isTable) {
      if (this.isVolatile) this.skipPassed();
      if (this.cursor === 0) return false;
      this.cursor = this.readPair(this.cursor, this.field, this.value);
      return true;
    }
    while (this.nextInTable()) {
      const field = this.batch.at(this.batchIndex++);
      if (this.isVolatile && this.isPassed(expiryOfEntry(this.arena, field))) continue;
      this.readField(field);
      return true;
    }
    return false;
  }

  /** Of a volatile listpack: what has passed comes first. */
  private skipPassed(): void {
    const { arena, listpack } = this;
    while (this.cursor !== 0 && this.isPassed(tripleExpiry(arena, listpack, this.cursor)))
      this.cursor = nextTriple(arena, listpack, this.cursor);
  }

  /** As next(), but passes over the field: of a table's, the memory is not even looked at. */
  skip(): boolean {
    if (!this.isTable || this.isVolatile) return this.next();
    if (!this.nextInTable()) return false;
    this.batchIndex++;
    return true;
  }

  /** Sees to it that the batch goes on at its index; false at the end. */
  private nextInTable(): boolean {
    while (this.batchIndex === this.batch.count) {
      if (this.cursor === 0) return false;
      this.batch.clear();
      this.batchIndex = 0;
      this.cursor = this.dict.walk(this.cursor, this.batch);
    }
    return true;
  }

  /**
   * Makes next() walk over a part of the fields: about `wanted` of them, from `cursor` on (0 at
   * first). Returns the cursor of the following part, an unsigned 32-bit number, or 0. As Dict's
   * scan; a listpack is one part.
   */
  scan(cursor: number, wanted: number): number {
    if (!this.isTable) {
      this.rewind();
      return 0;
    }
    this.batch.clear();
    this.batchIndex = 0;
    this.cursor = 0;
    return this.dict.scan(cursor, wanted, this.batch);
  }

  /**
   * As random(), in a table: also returns the field's entry, which names it until the next change.
   */
  randomEntry(next32: () => number): Ref {
    const entry = this.isVolatile ? this.randomVisible(next32) : this.dict.random(next32);
    if (entry !== NONE) this.readField(entry);
    return entry;
  }

  /** A random field of a table that has not passed. */
  private randomVisible(next32: () => number): Ref {
    const { arena, dict } = this;
    for (let picks = 0; picks < PICKS_MAX; picks++) {
      const entry = dict.random(next32);
      if (entry === NONE || !this.isPassed(expiryOfEntry(arena, entry))) return entry;
    }
    // Nearly all have passed: the others are counted through.
    let index = Math.floor(((next32() >>> 0) / 2 ** 32) * this.visibleLength);
    for (this.rewind(); this.next(); index--)
      if (index === 0) return this.batch.at(this.batchIndex - 1);
    return NONE;
  }

  /** Puts a random field in `field` and `value`; false when empty. `next32`: random 32 bits. */
  random(next32: () => number): boolean {
    if (this.isTable) return this.randomEntry(next32) !== NONE;
    const { length, visibleLength } = this;
    if (visibleLength === 0) return false;
    let index = Math.floor(((next32() >>> 0) / 2 ** 32) * visibleLength);
    index += length - visibleLength;
    const at = seek(this.arena, this.listpack, index * this.stride);
    this.readPair(at, this.field, this.value);
    return true;
  }

  /**
   * A new entry for the key key[keyStart, keyEnd) with a hash of foreign bytes, a listpack of
   * fields and values; this object becomes the window on it. NONE when they are malformed, empty,
   * of an odd number or name a field twice. `expiryMs` is the key's expiry, or -1. Where fields may
   * expire (`isVolatile`) it is a listpack of triples; NONE also when those are in no order.
   */
  load(
    epoch: number,
    key: Uint8Array,
    keyStart: number,
    keyEnd: number,
    expiryMs: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    limits: HashLimits,
    isVolatile = false,
  ): Ref {
    const { arena, seed, converter } = this;
    if (!validateListpack(bytes, start, end, true)) return NONE;
    const loaded = listpackFromBytes(arena, bytes, start, end);
    this.isTable = false;
    this.isVolatile = isVolatile;
    this.nowMs = 0;
    this.listpack = loaded;
    const { stride } = this;
    let isHash = false;
    try {
      const count = listpackCount(arena, loaded);
      isHash =
        count > 0 &&
        count % stride === 0 &&
        (!isVolatile || hasOrderedExpiries(arena, loaded)) &&
        !converter.hasDuplicate(loaded, stride, seed);
    } finally {
      if (!isHash) arena.free(loaded);
    }
    if (!isHash) return NONE;
    const encoding = isVolatile ? Encoding.LISTPACK_EX : Encoding.LISTPACK;
    const entry = entryOf(arena, loaded, epoch, key, keyStart, keyEnd, expiryMs, encoding);
    this.entry = entry;
    if (this.length > limits.listpackEntriesMax || end - start >= LISTPACK_BYTES_MAX) {
      try {
        this.convert();
      } catch (full) {
        arena.free(loaded);
        arena.free(entry);
        throw full;
      }
    }
    return entry;
  }

  /** Reads the field at `offset` of the listpack and its value; returns where the next one is. */
  private readPair(offset: number, field: ListpackValue, value: ListpackValue): number {
    const { arena, listpack } = this;
    readAt(arena, listpack, offset, field);
    const valueAt = next(arena, listpack, offset);
    readAt(arena, listpack, valueAt, value);
    const after = next(arena, listpack, valueAt);
    return this.isVolatile ? next(arena, listpack, after) : after;
  }

  /** Throws unless every promise in the header holds. For tests and fuzzers: slow. */
  check(): void {
    const { arena, entry, dict, isVolatile } = this;
    assert(flagsOf(arena, entry) >>> 1 === EXTERNAL_VALUE >>> 1, "a hash has a block of its own");
    const bit = isVolatile ? VOLATILE_BIT : 0;
    const encoding = encodingOf(arena, entry);
    if (!this.isTable) {
      assert(encoding === (Encoding.LISTPACK | bit), "the entry knows its encoding");
      assert(valueRef(arena, entry) === this.listpack, "the entry knows its listpack");
      checkListpack(arena, this.listpack);
      const { stride } = this;
      assert(listpackCount(arena, this.listpack) % stride === 0, "every field has a value");
      assert(!this.converter.repeatsField(this.listpack, stride), "no field comes twice");
      if (isVolatile) checkTriples(arena, this.listpack);
      return;
    }
    assert(encoding === (Encoding.HASHTABLE | bit), "the entry knows its encoding");
    assert(valueRef(arena, entry) === dict.header, "the entry knows its table");
    dict.check();
    checkFieldHeap(dict, isVolatile);
    dict.eachEntry((field) => {
      const length = valueLength(arena, field);
      const isExternal = (flagsOf(arena, field) & EXTERNAL_FLAG) !== 0;
      assert(isExternal === length > INLINE_VALUE_BYTES_MAX, "only long values are apart");
      const inline = isExternal ? 0 : length;
      const needed = entryBytes(flagsOf(arena, field), keyLength(arena, field), inline);
      assert(arena.blockBytes(field) === roundedBytes(needed), "a field's block fits it");
    });
  }
}
