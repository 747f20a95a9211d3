/**
 * HashValue: the value of a hash key, in either of its two encodings.
 *
 *   LISTPACK    one flat block: field, value, field, value, ... in the order they were added;
 *   HASHTABLE   a Dict whose entries are the fields. A value stands right behind its field; one
 *               over 1 KiB has a block of its own, so that changing it leaves the field alone.
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
import { type Arena, NONE, type Ref, roundedBytes, SMALL_BYTES_MAX } from "../../memory/arena.ts";
import {
  checkListpack,
  createListpack,
  deleteAt,
  find,
  first,
  insertPairAt,
  ListpackValue,
  listpackBytes,
  listpackCount,
  listpackFromBytes,
  next,
  readAt,
  repeatsText,
  replaceAt,
  seek,
  validateListpack,
} from "../../memory/listpack.ts";
import { RefList } from "../../memory/ref-list.ts";
import { Dict } from "../../table/dict.ts";
import {
  bytesOf,
  createEntry,
  Encoding,
  EXPIRY_FLAG,
  EXTERNAL_FLAG,
  encodingOf,
  entryBytes,
  flagsOf,
  keyIndex,
  keyLength,
  kindOf,
  setEncoding,
  setExpiryMs,
  setValueLength,
  setValueRef,
  Type,
  typeOf,
  valueLength,
  valueRef,
} from "../../table/entry.ts";
import { freeElement, freeElements, insertElement } from "../element.ts";
import {
  createField,
  EXTERNAL_VALUE,
  INLINE_VALUE_BYTES_MAX,
  showField,
  showValue,
  writeValue,
} from "./hash-field.ts";

/** When a hash stops being a listpack: hash-max-listpack-entries and -value. */
export interface HashLimits {
  /** Most fields of a listpack. */
  readonly listpackEntriesMax: number;
  /** Longest field or value of a listpack. */
  readonly listpackValueBytesMax: number;
}

/** A listpack stays well below what one block of the arena can be, whatever the limits say. */
const LISTPACK_BYTES_MAX = 2 ** 29;
/** An element's encoding and the length behind it. */
const ELEMENT_OVERHEAD_MAX = 10;
/** Fields that next() fetches from the table at a time. */
const BATCH = 64;
/** Up to so many fields, looking for a duplicate by comparing all with all is the cheaper way. */
const FEW_FIELDS = 16;

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
): Ref {
  const kind = kindOf(Type.HASH, Encoding.LISTPACK);
  const flags = expiryMs === -1 ? EXTERNAL_VALUE : EXTERNAL_VALUE | EXPIRY_FLAG;
  try {
    const entry = createEntry(arena, kind, flags, epoch, bytes, start, end, 0);
    if (expiryMs !== -1) setExpiryMs(arena, entry, expiryMs);
    setValueRef(arena, entry, listpack);
    return entry;
  } catch (full) {
    arena.free(listpack);
    throw full;
  }
}

/** A window on the hash that an entry holds: see the head of this file. */
export class HashValue {
  /** Where the hashes live. */
  readonly arena: Arena;
  /** The key's entry; NONE before attach(). */
  entry: Ref = NONE;
  /** The field that next(), random() or scan() came to. */
  readonly field = new ListpackValue();
  /** The value that belongs to it, or that find() found. In place: read it before writing. */
  readonly value = new ListpackValue();
  /** True when it is a table. */
  isTable = false;
  /** @internal The table, if it is one: hash-change.ts stages fields in it. */
  readonly dict: Dict;
  private readonly seed: number;
  private listpack: Ref = NONE;
  /** For the inside: `field` and `value` may be what the caller hands to set(). */
  private readonly innerField = new ListpackValue();
  private readonly innerValue = new ListpackValue();
  private readonly batch = new RefList();
  private batchIndex = 0;
  /** Where next() goes on: a listpack offset, or the dict's cursor; 0 when that was all. */
  private cursor = 0;

  /** `seed` is the hash seed of the tables to be made. */
  constructor(arena: Arena, seed: number) {
    this.arena = arena;
    this.seed = seed;
    this.dict = new Dict(arena);
  }

  /** Makes this object the window on the hash that `entry` holds. */
  attach(entry: Ref): this {
    assert(typeOf(this.arena, entry) === Type.HASH, "the entry holds a hash");
    this.entry = entry;
    this.isTable = encodingOf(this.arena, entry) === Encoding.HASHTABLE;
    if (this.isTable) this.dict.attach(valueRef(this.arena, entry));
    else this.listpack = valueRef(this.arena, entry);
    return this;
  }

  /** Number of fields. */
  get length(): number {
    return this.isTable ? this.dict.count : listpackCount(this.arena, this.listpack) >>> 1;
  }

  /**
   * True when `pairs` fields and values, of so many bytes together and none too long for a listpack,
   * can be set one after the other for sure: all that is needed is a block for each, at the most.
   */
  hasRoomFor(pairs: number, pairsBytes: number, limits: HashLimits): boolean {
    if (this.isTable || this.length + pairs > limits.listpackEntriesMax) return false;
    const { arena, listpack } = this;
    const bytes = listpackBytes(arena, listpack) + pairsBytes + 2 * pairs * ELEMENT_OVERHEAD_MAX;
    return bytes <= SMALL_BYTES_MAX && arena.hasRoomFor(pairs);
  }

  // The text of `field` and `value`, for callers that need nothing else.
  /** The bytes in which the text of `field` lies. */
  get fieldBytes(): Uint8Array {
    return this.field.bytes;
  }
  /** Index of the first byte of `field`. */
  get fieldStart(): number {
    return this.field.start;
  }
  /** Index behind the last byte of `field`. */
  get fieldEnd(): number {
    return this.field.end;
  }
  /** The bytes in which the text of `value` lies. */
  get valueBytes(): Uint8Array {
    return this.value.bytes;
  }
  /** Index of the first byte of `value`. */
  get valueStart(): number {
    return this.value.start;
  }
  /** Index behind the last byte of `value`. */
  get valueEnd(): number {
    return this.value.end;
  }

  /** True when the hash has the field bytes[start, end); its value is then in `value`. */
  find(bytes: Uint8Array, view: DataView, start: number, end: number): boolean {
    if (this.isTable) {
      const { dict } = this;
      const found = dict.find(bytes, view, start, end, dict.hash(bytes, view, start, end));
      if (found === NONE) return false;
      showValue(this.arena, found, this.value);
      return true;
    }
    const at = find(this.arena, this.listpack, bytes, start, end, 2);
    if (at === 0) return false;
    readAt(this.arena, this.listpack, next(this.arena, this.listpack, at), this.value);
    return true;
  }

  /** Sets a field. True when it is new. The bytes must not lie in this hash's own listpack. */
  set(
    fieldBytes: Uint8Array,
    fieldView: DataView,
    fieldStart: number,
    fieldEnd: number,
    valueBytes: Uint8Array,
    valueStart: number,
    valueEnd: number,
    limits: HashLimits,
  ): boolean {
    if (!this.isTable) {
      const { arena, listpack } = this;
      const fieldLength = fieldEnd - fieldStart;
      const valueLength = valueEnd - valueStart;
      if (
        fieldLength <= limits.listpackValueBytesMax &&
        valueLength <= limits.listpackValueBytesMax &&
        listpackBytes(arena, listpack) + fieldLength + valueLength < LISTPACK_BYTES_MAX
      ) {
        const at = find(arena, listpack, fieldBytes, fieldStart, fieldEnd, 2);
        if (at !== 0) {
          const valueAt = next(arena, listpack, at);
          this.moveTo(replaceAt(arena, listpack, valueAt, valueBytes, valueStart, valueEnd));
          return false;
        }
        if (this.length < limits.listpackEntriesMax) {
          const end = listpackBytes(arena, listpack) - 1;
          this.moveTo(
            insertPairAt(
              arena,
              listpack,
              end,
              fieldBytes,
              fieldStart,
              fieldEnd,
              valueBytes,
              valueStart,
              valueEnd,
            ),
          );
          return true;
        }
      }
      // Before the field is set: a hash that there is no room to convert is what it was.
      this.convert();
    }
    const { dict } = this;
    const hash = dict.hash(fieldBytes, fieldView, fieldStart, fieldEnd);
    const found = dict.find(fieldBytes, fieldView, fieldStart, fieldEnd, hash);
    this.beforeChange(found, fieldBytes, fieldView, fieldStart, fieldEnd);
    if (found !== NONE) {
      this.overwrite(found, valueBytes, valueStart, valueEnd);
      return false;
    }
    const { arena } = this;
    const added = createField(arena, fieldBytes, fieldStart, fieldEnd, valueEnd - valueStart);
    writeValue(arena, added, valueBytes, valueStart, valueEnd);
    insertElement(dict, added, hash);
    return true;
  }

  /** @internal Tells a snapshot that is reading the table. */
  beforeChange(found: Ref, bytes: Uint8Array, view: DataView, start: number, end: number): void {
    const { holds } = this.arena;
    if (holds.size !== 0) holds.get(this.dict.header)?.beforeChange(found, bytes, view, start, end);
  }

  private moveTo(listpack: Ref): void {
    if (listpack === this.listpack) return;
    this.listpack = listpack;
    setValueRef(this.arena, this.entry, listpack);
  }

  /** Gives the field `found`, which dict.find() has just found, another value. */
  private overwrite(found: Ref, bytes: Uint8Array, start: number, end: number): void {
    const { arena, dict } = this;
    const length = end - start;
    const wasExternal = (flagsOf(arena, found) & EXTERNAL_FLAG) !== 0;
    if (wasExternal && length > INLINE_VALUE_BYTES_MAX) {
      const block = valueRef(arena, found);
      const copy = arena.alloc(length);
      arena.write(copy, 0, bytes, start, end);
      arena.free(block);
      setValueRef(arena, found, copy);
      setValueLength(arena, found, length);
      return;
    }
    const fieldLength = keyLength(arena, found);
    if (!wasExternal && length <= INLINE_VALUE_BYTES_MAX) {
      const needed = entryBytes(0, fieldLength, length);
      if (arena.blockBytes(found) === roundedBytes(needed)) {
        setValueLength(arena, found, length);
        writeValue(arena, found, bytes, start, end);
        return;
      }
    }
    const at = keyIndex(arena, found);
    const moved = createField(arena, bytesOf(arena, found), at, at + fieldLength, length);
    writeValue(arena, moved, bytes, start, end);
    dict.replaceFound(moved);
    freeElement(arena, found);
  }

  /** Removes the field bytes[start, end). False when there is none. */
  delete(bytes: Uint8Array, view: DataView, start: number, end: number): boolean {
    if (this.isTable) {
      const { dict } = this;
      const found = dict.find(bytes, view, start, end, dict.hash(bytes, view, start, end));
      if (found === NONE) return false;
      this.beforeChange(found, bytes, view, start, end);
      dict.removeFound();
      freeElement(this.arena, found);
      return true;
    }
    const at = find(this.arena, this.listpack, bytes, start, end, 2);
    if (at === 0) return false;
    this.moveTo(deleteAt(this.arena, this.listpack, at, 2));
    return true;
  }

  /** Starts a walk over all fields. The hash must not change until it is over. */
  rewind(): void {
    this.batch.clear();
    this.batchIndex = 0;
    if (this.isTable) this.cursor = this.dict.scan(0, BATCH, this.batch);
    else this.cursor = first(this.arena, this.listpack);
  }

  /** Puts the walk's next field in `field` and `value`. False when there are no more. */
  next(): boolean {
    if (!this.isTable) {
      if (this.cursor === 0) return false;
      this.cursor = this.readPair(this.cursor, this.field, this.value);
      return true;
    }
    if (!this.nextInTable()) return false;
    this.readField(this.batch.at(this.batchIndex++));
    return true;
  }

  /** As next(), but passes over the field: of a table's, the memory is not even looked at. */
  skip(): boolean {
    if (!this.isTable) return this.next();
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
      this.cursor = this.dict.scan(this.cursor, BATCH, this.batch);
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
    const entry = this.dict.random(next32);
    if (entry !== NONE) this.readField(entry);
    return entry;
  }

  /** Puts a random field in `field` and `value`; false when empty. `next32`: random 32 bits. */
  random(next32: () => number): boolean {
    if (this.isTable) return this.randomEntry(next32) !== NONE;
    const { length } = this;
    if (length === 0) return false;
    const index = Math.floor(((next32() >>> 0) / 2 ** 32) * length);
    this.readPair(seek(this.arena, this.listpack, index * 2), this.field, this.value);
    return true;
  }

  /**
   * A new entry for the key key[keyStart, keyEnd) with a hash of foreign bytes, a listpack of
   * fields and values; this object becomes the window on it. NONE when they are malformed, empty,
   * of an odd number or name a field twice. `expiryMs` is the key's expiry, or -1.
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
  ): Ref {
    const { arena } = this;
    if (!validateListpack(bytes, start, end, true)) return NONE;
    const loaded = listpackFromBytes(arena, bytes, start, end);
    this.isTable = false;
    this.listpack = loaded;
    let isHash = false;
    try {
      const count = listpackCount(arena, loaded);
      isHash = count > 0 && count % 2 === 0 && !this.hasDuplicate();
    } finally {
      if (!isHash) arena.free(loaded);
    }
    if (!isHash) return NONE;
    const entry = entryOf(arena, loaded, epoch, key, keyStart, keyEnd, expiryMs);
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

  /** True when the listpack names a field twice. */
  private hasDuplicate(): boolean {
    if (this.length <= FEW_FIELDS) return this.repeatsField();
    const table = this.tableOfListpack();
    if (table === NONE) return true;
    freeElements(this.dict.attach(table));
    return false;
  }

  /** As hasDuplicate(), by comparing all fields with all: needs no memory. */
  private repeatsField(): boolean {
    const { arena, listpack, innerField: field } = this;
    const answer = repeatsText(arena, listpack, 2);
    if (answer !== undefined) return answer;
    for (let at = first(arena, listpack); at !== 0; ) {
      readAt(arena, listpack, at, field);
      if (find(arena, listpack, field.bytes, field.start, field.end, 2) !== at) return true;
      at = next(arena, listpack, next(arena, listpack, at));
    }
    return false;
  }

  /** Turns the listpack into a table. */
  private convert(): void {
    const { arena, entry, listpack } = this;
    const table = this.tableOfListpack();
    assert(table !== NONE, "a listpack names no field twice");
    arena.free(listpack);
    this.listpack = NONE;
    this.isTable = true;
    this.dict.attach(table);
    setValueRef(arena, entry, table);
    setEncoding(arena, entry, Encoding.HASHTABLE);
  }

  /** A new table with what the listpack holds; NONE when a field comes twice. */
  private tableOfListpack(): Ref {
    const { arena, listpack, dict, innerField, innerValue } = this;
    dict.attach(Dict.create(arena, this.seed));
    let complete = false;
    try {
      for (let at = first(arena, listpack); at !== 0; ) {
        at = this.readPair(at, innerField, innerValue);
        const { bytes, view, start, end } = innerField;
        const hash = dict.hash(bytes, view, start, end);
        if (dict.find(bytes, view, start, end, hash) !== NONE) return NONE;
        const added = createField(arena, bytes, start, end, innerValue.end - innerValue.start);
        writeValue(arena, added, innerValue.bytes, innerValue.start, innerValue.end);
        insertElement(dict, added, hash);
      }
      complete = true;
      return dict.header;
    } finally {
      // Also when the arena is full: the listpack is still whole then, and goes on being used.
      if (!complete) freeElements(dict);
    }
  }

  /** Reads the field at `offset` of the listpack and its value; returns where the next one is. */
  private readPair(offset: number, field: ListpackValue, value: ListpackValue): number {
    const { arena, listpack } = this;
    readAt(arena, listpack, offset, field);
    const valueAt = next(arena, listpack, offset);
    readAt(arena, listpack, valueAt, value);
    return next(arena, listpack, valueAt);
  }

  /** Puts the element of a table in `field` and `value`; no hash need be attached. */
  readField(element: Ref): void {
    showField(this.arena, element, this.field, this.value);
  }

  /** Throws unless every promise in the header holds. For tests and fuzzers: slow. */
  check(): void {
    const { arena, entry, dict } = this;
    assert(flagsOf(arena, entry) >>> 1 === EXTERNAL_VALUE >>> 1, "a hash has a block of its own");
    if (!this.isTable) {
      assert(encodingOf(arena, entry) === Encoding.LISTPACK, "the entry knows its encoding");
      assert(valueRef(arena, entry) === this.listpack, "the entry knows its listpack");
      checkListpack(arena, this.listpack);
      assert(listpackCount(arena, this.listpack) % 2 === 0, "every field has a value");
      assert(!this.repeatsField(), "no field comes twice");
      return;
    }
    assert(encodingOf(arena, entry) === Encoding.HASHTABLE, "the entry knows its encoding");
    assert(valueRef(arena, entry) === dict.header, "the entry knows its table");
    dict.check();
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
