/**
 * HashFields: single fields of a hash, in any of its encodings: finding, setting and removing them.
 *
 * The part of HashValue (hash-value.ts has the whole) that every command goes through. A field that is
 * overwritten expires no more, unless it is to keep that; field-expiry.ts draws the forms in which fields
 * expire.
 */
import { assert } from "../../assert.ts";
import { type Arena, NONE, type Ref, roundedBytes, SMALL_BYTES_MAX } from "../../memory/arena.ts";
import {
  deleteAt,
  find,
  insertPairAt,
  insertTripleAt,
  ListpackValue,
  listpackBytes,
  listpackCount,
  next,
  readAt,
  replaceAt,
} from "../../memory/listpack.ts";
import { Dict } from "../../table/dict.ts";
import {
  bytesOf,
  Encoding,
  EXPIRY_FLAG,
  EXTERNAL_FLAG,
  encodingOf,
  entryBytes,
  expiryMs as expiryOfEntry,
  flagsOf,
  keyIndex,
  keyLength,
  setEncoding,
  setExpiryMs,
  setValueLength,
  setValueRef,
  Type,
  typeOf,
  VOLATILE_BIT,
  valueRef,
} from "../../table/entry.ts";
import { ExpiryHeap, HeapWord } from "../../table/expiry-heap.ts";
import { freeElement, insertElement } from "../element.ts";
import { passedTriples, placeOfTriple, TRIPLE, tripleExpiry } from "./field-expiry.ts";
import {
  createField,
  INLINE_VALUE_BYTES_MAX,
  showField,
  showValue,
  writeValue,
} from "./hash-field.ts";
import { HashConverter } from "./hash-table.ts";

/** When a hash stops being a listpack: hash-max-listpack-entries and -value. */
export interface HashLimits {
  /** Most fields of a listpack. */
  readonly listpackEntriesMax: number;
  /** Longest field or value of a listpack. */
  readonly listpackValueBytesMax: number;
}

/** A listpack stays well below what one block of the arena can be, whatever the limits say. */
export const LISTPACK_BYTES_MAX = 2 ** 29;
/** An element's encoding and the length behind it. */
const ELEMENT_OVERHEAD_MAX = 10;

/** What expiryOf() says of a field that is not there, and of one that does not expire. */
export const NO_FIELD = -2;
/** A field that does not expire. */
export const NO_EXPIRY = -1;

/** A window on single fields of the hash that an entry holds: see the head of this file. */
export class HashFields {
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
  /** True when fields of it may expire. */
  isVolatile = false;
  /** Fields whose expiry is before this are not there. attach() sets it to 0: all are. */
  nowMs = 0;
  /** @internal The table, if it is one: hash-change.ts stages fields in it. */
  readonly dict: Dict;
  /** @internal The fields of the table that expire: attached by openHeap(). */
  readonly heap: ExpiryHeap;
  /** Makes a table of the listpack. */
  protected readonly converter: HashConverter;
  /** The seed of tables to be made. */
  protected readonly seed: number;
  /** The listpack, if it is one. */
  protected listpack: Ref = NONE;

  /** `seed` is the hash seed of the tables to be made. */
  constructor(arena: Arena, seed: number) {
    this.arena = arena;
    this.seed = seed;
    this.dict = new Dict(arena);
    this.heap = new ExpiryHeap(arena, HeapWord.IDLE);
    this.converter = new HashConverter(arena);
  }

  /** Makes this object the window on the hash that `entry` holds. */
  attach(entry: Ref): this {
    assert(typeOf(this.arena, entry) === Type.HASH, "the entry holds a hash");
    this.entry = entry;
    const encoding = encodingOf(this.arena, entry);
    this.isTable = (encoding & ~VOLATILE_BIT) === Encoding.HASHTABLE;
    this.isVolatile = (encoding & VOLATILE_BIT) !== 0;
    this.nowMs = 0;
    if (this.isTable) this.dict.attach(valueRef(this.arena, entry));
    else this.listpack = valueRef(this.arena, entry);
    return this;
  }

  /** Elements of the listpack for each field. */
  protected get stride(): number {
    return this.isVolatile ? TRIPLE : 2;
  }

  /** Number of fields, those that have passed included. */
  get length(): number {
    if (this.isTable) return this.dict.count;
    const count = listpackCount(this.arena, this.listpack);
    return this.isVolatile ? count / TRIPLE : count >>> 1;
  }

  /** Number of fields that have not passed: what a walk over them meets. */
  get visibleLength(): number {
    return this.isVolatile ? this.length - this.passedCount() : this.length;
  }

  /** Number of fields that have passed. */
  protected passedCount(): number {
    if (this.isTable) return this.openHeap().countBefore(this.nowMs);
    return passedTriples(this.arena, this.listpack, this.nowMs);
  }

  /** True for the expiry of a field that is not there any more. */
  protected isPassed(expiryMs: number): boolean {
    return expiryMs > 0 && expiryMs < this.nowMs;
  }

  /**
   * True when `pairs` fields and values, of so many bytes together and none too long for a listpack,
   * can be set one after the other for sure: all that is needed is a block for each, at the most.
   */
  hasRoomFor(pairs: number, pairsBytes: number, limits: HashLimits): boolean {
    if (this.isTable || this.isVolatile || this.length + pairs > limits.listpackEntriesMax)
      return false;
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
      if (this.isVolatile && this.isPassed(expiryOfEntry(this.arena, found))) return false;
      showValue(this.arena, found, this.value);
      return true;
    }
    const at = find(this.arena, this.listpack, bytes, start, end, this.stride);
    if (at === 0) return false;
    if (this.isVolatile && this.isPassed(tripleExpiry(this.arena, this.listpack, at))) return false;
    readAt(this.arena, this.listpack, next(this.arena, this.listpack, at), this.value);
    return true;
  }

  /**
   * When the field bytes[start, end) expires, passed or not; NO_EXPIRY, or NO_FIELD when there is
   * none.
   */
  expiryOf(bytes: Uint8Array, view: DataView, start: number, end: number): number {
    if (this.isTable) {
      const { dict } = this;
      const found = dict.find(bytes, view, start, end, dict.hash(bytes, view, start, end));
      return found === NONE ? NO_FIELD : expiryOfEntry(this.arena, found);
    }
    const at = find(this.arena, this.listpack, bytes, start, end, this.stride);
    if (at === 0) return NO_FIELD;
    if (!this.isVolatile) return NO_EXPIRY;
    return tripleExpiry(this.arena, this.listpack, at) || NO_EXPIRY;
  }

  /** @internal Makes `heap` the window on the fields of the table that expire. */
  openHeap(): ExpiryHeap {
    return this.heap.attach(this.dict.attachment);
  }

  /** @internal The heap has changed: the table is volatile as long as there is one. */
  closeHeap(): void {
    this.dict.attachment = this.heap.ref;
    const isVolatile = this.heap.ref !== NONE;
    if (isVolatile === this.isVolatile) return;
    this.isVolatile = isVolatile;
    const encoding = isVolatile ? Encoding.HASHTABLE_EX : Encoding.HASHTABLE;
    setEncoding(this.arena, this.entry, encoding);
  }

  /** @internal The field's entry of a table expires no more. */
  endExpiry(field: Ref): void {
    const heap = this.openHeap();
    const slot = heap.slotOf(field);
    setExpiryMs(this.arena, field, NO_EXPIRY);
    if (slot === -1) return;
    heap.remove(slot);
    this.closeHeap();
  }

  /**
   * The triple at `old` (0: there is none yet) is replaced by another of the same field, at the place of
   * its expiry.
   */
  protected moveTriple(
    old: number,
    fieldBytes: Uint8Array,
    fieldStart: number,
    fieldEnd: number,
    valueBytes: Uint8Array,
    valueStart: number,
    valueEnd: number,
    expiryMs: number,
  ): void {
    const { arena } = this;
    const place = placeOfTriple(arena, this.listpack, expiryMs);
    const bytesBefore = listpackBytes(arena, this.listpack);
    // First the new one: only that can fail.
    this.moveTo(
      insertTripleAt(
        arena,
        this.listpack,
        place,
        fieldBytes,
        fieldStart,
        fieldEnd,
        valueBytes,
        valueStart,
        valueEnd,
        expiryMs,
      ),
    );
    if (old === 0) return;
    const shift = place <= old ? listpackBytes(arena, this.listpack) - bytesBefore : 0;
    this.moveTo(deleteAt(arena, this.listpack, old + shift, TRIPLE));
  }

  /**
   * Sets a field. True when it is new. The bytes must not lie in this hash's own listpack. A field that
   * was there expires no more, unless it `keepsExpiry`.
   */
  set(
    fieldBytes: Uint8Array,
    fieldView: DataView,
    fieldStart: number,
    fieldEnd: number,
    valueBytes: Uint8Array,
    valueStart: number,
    valueEnd: number,
    limits: HashLimits,
    keepsExpiry = false,
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
        const at = find(arena, listpack, fieldBytes, fieldStart, fieldEnd, this.stride);
        if (at !== 0) {
          if (this.isVolatile && !keepsExpiry && tripleExpiry(arena, listpack, at) !== 0) {
            this.moveTriple(
              at,
              fieldBytes,
              fieldStart,
              fieldEnd,
              valueBytes,
              valueStart,
              valueEnd,
              0,
            );
            return false;
          }
          const valueAt = next(arena, listpack, at);
          this.moveTo(replaceAt(arena, listpack, valueAt, valueBytes, valueStart, valueEnd));
          return false;
        }
        if (this.length < limits.listpackEntriesMax) {
          this.append(fieldBytes, fieldStart, fieldEnd, valueBytes, valueStart, valueEnd);
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
      this.overwrite(found, valueBytes, valueStart, valueEnd, keepsExpiry);
      return false;
    }
    const { arena } = this;
    const added = createField(arena, fieldBytes, fieldStart, fieldEnd, valueEnd - valueStart);
    writeValue(arena, added, valueBytes, valueStart, valueEnd);
    insertElement(dict, added, hash);
    return true;
  }

  /** Puts a field behind all others of the listpack. */
  private append(
    fieldBytes: Uint8Array,
    fieldStart: number,
    fieldEnd: number,
    valueBytes: Uint8Array,
    valueStart: number,
    valueEnd: number,
  ): void {
    const { arena, listpack } = this;
    if (this.isVolatile) {
      this.moveTriple(0, fieldBytes, fieldStart, fieldEnd, valueBytes, valueStart, valueEnd, 0);
      return;
    }
    this.moveTo(
      insertPairAt(
        arena,
        listpack,
        listpackBytes(arena, listpack) - 1,
        fieldBytes,
        fieldStart,
        fieldEnd,
        valueBytes,
        valueStart,
        valueEnd,
      ),
    );
  }

  /** @internal Tells a snapshot that is reading the table. */
  beforeChange(found: Ref, bytes: Uint8Array, view: DataView, start: number, end: number): void {
    const { holds } = this.arena;
    if (holds.size !== 0) holds.get(this.dict.header)?.beforeChange(found, bytes, view, start, end);
  }

  /** The listpack lies there now. */
  protected moveTo(listpack: Ref): void {
    if (listpack === this.listpack) return;
    this.listpack = listpack;
    setValueRef(this.arena, this.entry, listpack);
  }

  /** Gives the field `found`, which dict.find() has just found, another value. */
  protected overwrite(
    found: Ref,
    bytes: Uint8Array,
    start: number,
    end: number,
    keepsExpiry: boolean,
  ): void {
    const { arena, dict } = this;
    const length = end - start;
    const flags = flagsOf(arena, found);
    const isFlagged = (flags & EXPIRY_FLAG) !== 0;
    const wasExternal = (flags & EXTERNAL_FLAG) !== 0;
    if (wasExternal && length > INLINE_VALUE_BYTES_MAX) {
      const block = valueRef(arena, found);
      const copy = arena.alloc(length);
      arena.write(copy, 0, bytes, start, end);
      arena.free(block);
      setValueRef(arena, found, copy);
      setValueLength(arena, found, length);
      if (isFlagged && !keepsExpiry) this.endExpiry(found);
      return;
    }
    const fieldLength = keyLength(arena, found);
    if (!wasExternal && length <= INLINE_VALUE_BYTES_MAX) {
      const needed = entryBytes(flags, fieldLength, length);
      if (arena.blockBytes(found) === roundedBytes(needed)) {
        setValueLength(arena, found, length);
        writeValue(arena, found, bytes, start, end);
        if (isFlagged && !keepsExpiry) this.endExpiry(found);
        return;
      }
    }
    const at = keyIndex(arena, found);
    const expiryMs = isFlagged && keepsExpiry ? expiryOfEntry(arena, found) : NO_EXPIRY;
    const keptMs = expiryMs === NO_EXPIRY ? 0 : expiryMs;
    const own = bytesOf(arena, found);
    const moved = createField(arena, own, at, at + fieldLength, length, keptMs);
    writeValue(arena, moved, bytes, start, end);
    dict.replaceFound(moved);
    if (keptMs !== 0) this.heap.setEntryAt(this.openHeap().slotOf(found), moved);
    else if (isFlagged) this.endExpiry(found);
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
      if (this.isVolatile && (flagsOf(this.arena, found) & EXPIRY_FLAG) !== 0)
        this.endExpiry(found);
      freeElement(this.arena, found);
      return true;
    }
    const at = find(this.arena, this.listpack, bytes, start, end, this.stride);
    if (at === 0) return false;
    this.moveTo(deleteAt(this.arena, this.listpack, at, this.stride));
    return true;
  }

  /**
   * So many fields are about to be set: a listpack that could not hold as many becomes a table at once, as
   * in Redis 7.2, whether or not they are there already. Throws ArenaFullError, and nothing has changed.
   */
  expect(fields: number, limits: HashLimits): void {
    if (!this.isTable && fields > limits.listpackEntriesMax) this.convert(fields);
  }

  /** Turns the listpack into a table, to which `more` fields come. */
  protected convert(more = 1): void {
    const { arena, entry, listpack } = this;
    const table = this.converter.table(listpack, this.stride, this.seed, more);
    assert(table !== NONE, "a listpack names no field twice");
    arena.free(listpack);
    this.listpack = NONE;
    this.isTable = true;
    this.dict.attach(table);
    this.isVolatile = this.dict.attachment !== NONE;
    setValueRef(arena, entry, table);
    setEncoding(arena, entry, this.isVolatile ? Encoding.HASHTABLE_EX : Encoding.HASHTABLE);
  }

  /** Puts the element of a table in `field` and `value`; no hash need be attached. */
  readField(element: Ref): void {
    showField(this.arena, element, this.field, this.value);
  }
}
