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
import { type Arena, NONE, type Ref, roundedBytes, SMALL_BYTES_MAX } from "../../memory/arena.ts";
import {
  checkListpack,
  createListpack,
  deleteAt,
  find,
  first,
  insertPairAt,
  insertTripleAt,
  ListpackValue,
  listpackBytes,
  listpackCount,
  listpackFromBytes,
  next,
  readAt,
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
  expiryMs as expiryOfEntry,
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
  VOLATILE_BIT,
  valueLength,
  valueRef,
} from "../../table/entry.ts";
import { ExpiryHeap, HeapWord } from "../../table/expiry-heap.ts";
import { freeElement, insertElement } from "../element.ts";
import {
  checkFieldHeap,
  checkTriples,
  hasOrderedExpiries,
  nextTriple,
  passedTriples,
  placeOfTriple,
  TRIPLE,
  tripleExpiry,
  triplesOf,
} from "./field-expiry.ts";
import {
  createField,
  EXTERNAL_VALUE,
  fieldWithFlag,
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
const LISTPACK_BYTES_MAX = 2 ** 29;
/** An element's encoding and the length behind it. */
const ELEMENT_OVERHEAD_MAX = 10;
/** Fields that next() fetches from the table at a time. */
const BATCH = 64;
/** Picks of a random field that may have passed, before those that have not are counted. */
const PICKS_MAX = 32;
/** Up to so many bytes the copy of a value is kept room for. */
const KEPT_COPY_BYTES_MAX = 4096;

/** What expiryOf() says of a field that is not there, and of one that does not expire. */
export const NO_FIELD = -2;
/** A field that does not expire. */
export const NO_EXPIRY = -1;

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
  const kind = kindOf(Type.HASH, encoding);
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
  /** True when fields of it may expire. */
  isVolatile = false;
  /** Fields whose expiry is before this are not there. attach() sets it to 0: all are. */
  nowMs = 0;
  /** @internal The table, if it is one: hash-change.ts stages fields in it. */
  readonly dict: Dict;
  /** @internal The fields of the table that expire: attached by openHeap(). */
  readonly heap: ExpiryHeap;
  private readonly converter: HashConverter;
  private copyBytes = new Uint8Array(64);
  private readonly seed: number;
  private listpack: Ref = NONE;
  private readonly batch = new RefList();
  private batchIndex = 0;
  /** Where next() goes on: a listpack offset, or the dict's cursor; 0 when that was all. */
  private cursor = 0;

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
  private get stride(): number {
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

  private passedCount(): number {
    if (this.isTable) return this.openHeap().countBefore(this.nowMs);
    return passedTriples(this.arena, this.listpack, this.nowMs);
  }

  /** True for the expiry of a field that is not there any more. */
  private isPassed(expiryMs: number): boolean {
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
   * Gets a hash ready for setExpiry() of a field: a listpack becomes volatile, the entry of a table gets
   * the room it needs, and so does the heap, for `more` fields. Nobody sees a difference. Throws
   * ArenaFullError.
   */
  prepareExpiry(
    bytes: Uint8Array,
    view: DataView,
    start: number,
    end: number,
    more: number,
  ): void {
    const { arena, dict } = this;
    if (!this.isTable) {
      if (this.isVolatile) return;
      const triples = triplesOf(arena, this.listpack);
      arena.free(this.listpack);
      this.listpack = triples;
      this.isVolatile = true;
      setValueRef(arena, this.entry, triples);
      setEncoding(arena, this.entry, Encoding.LISTPACK_EX);
      return;
    }
    const found = dict.find(bytes, view, start, end, dict.hash(bytes, view, start, end));
    if (found === NONE) return;
    if ((flagsOf(arena, found) & EXPIRY_FLAG) === 0) {
      const flagged = fieldWithFlag(arena, found);
      dict.replaceFound(flagged);
      arena.free(found);
    }
    this.makeHeapRoom(more);
  }

  /** @internal Room in the heap of the table for so many fields more. Throws ArenaFullError. */
  makeHeapRoom(more: number): void {
    const heap = this.openHeap();
    try {
      heap.makeRoom(more);
    } finally {
      this.dict.attachment = heap.ref;
    }
  }

  /** Gives back what prepareExpiry() has taken and nobody needed. */
  endPreparation(): void {
    if (!this.isTable) return;
    this.openHeap().tidy();
    this.closeHeap();
  }

  /**
   * Says when the field bytes[start, end), which is there and which prepareExpiry() was told of,
   * expires; NO_EXPIRY: not at all. Of a table this cannot fail; of a listpack it throws
   * ArenaFullError, and has changed nothing.
   */
  setExpiry(bytes: Uint8Array, view: DataView, start: number, end: number, expiryMs: number): void {
    const { arena, dict } = this;
    if (!this.isTable) {
      if (this.isVolatile) this.setTripleExpiry(bytes, start, end, Math.max(0, expiryMs));
      return;
    }
    const found = dict.find(bytes, view, start, end, dict.hash(bytes, view, start, end));
    assert(found !== NONE, "a field that is to expire is there");
    this.beforeChange(found, bytes, view, start, end);
    if (expiryMs === NO_EXPIRY) {
      if ((flagsOf(arena, found) & EXPIRY_FLAG) !== 0) this.endExpiry(found);
      return;
    }
    const heap = this.openHeap();
    const slot = heap.slotOf(found);
    setExpiryMs(arena, found, expiryMs);
    if (slot === -1) heap.insert(found, expiryMs);
    else heap.change(slot, expiryMs);
    this.closeHeap();
  }

  /** The triple of the field goes where its expiry belongs. */
  private setTripleExpiry(bytes: Uint8Array, start: number, end: number, expiryMs: number): void {
    const { arena, listpack, value } = this;
    const at = find(arena, listpack, bytes, start, end, TRIPLE);
    assert(at !== 0, "a field that is to expire is there");
    if (tripleExpiry(arena, listpack, at) === expiryMs) return;
    readAt(arena, listpack, next(arena, listpack, at), value);
    // A listpack takes in nothing that lies in itself.
    const length = value.end - value.start;
    if (this.copyBytes.length < length) this.copyBytes = new Uint8Array(length);
    const copy = this.copyBytes;
    for (let i = 0; i < length; i++) copy[i] = value.bytes[value.start + i] as number;
    this.moveTriple(at, bytes, start, end, copy, 0, length, expiryMs);
    if (copy.length > KEPT_COPY_BYTES_MAX) this.copyBytes = new Uint8Array(64);
  }

  /** The triple at `old` is replaced by another of the same field, at the place of its expiry. */
  private moveTriple(
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
        if (at !== 0 && this.isVolatile && !keepsExpiry && tripleExpiry(arena, listpack, at) !== 0) {
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
        if (at !== 0) {
          const valueAt = next(arena, listpack, at);
          this.moveTo(replaceAt(arena, listpack, valueAt, valueBytes, valueStart, valueEnd));
          return false;
        }
        if (this.length < limits.listpackEntriesMax) {
          const end = listpackBytes(arena, listpack) - 1;
          this.moveTo(
            this.isVolatile
              ? insertTripleAt(
                  arena,
                  listpack,
                  end,
                  fieldBytes,
                  fieldStart,
                  fieldEnd,
                  valueBytes,
                  valueStart,
                  valueEnd,
                  0,
                )
              : insertPairAt(
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
      this.overwrite(found, valueBytes, valueStart, valueEnd, keepsExpiry);
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
  private overwrite(
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
   * Removes up to `wanted` fields that have passed at `nowMs`. Shows each of them in `field` and calls
   * `each`, which must not look at the hash. Returns how many there were.
   */
  removePassed(nowMs: number, wanted: number, each: () => void): number {
    const { arena, dict, field } = this;
    if (!this.isVolatile) return 0;
    let removed = 0;
    if (!this.isTable) {
      removed = Math.min(wanted, passedTriples(arena, this.listpack, nowMs));
      let at = first(arena, this.listpack);
      for (let left = removed; left > 0; left--, at = nextTriple(arena, this.listpack, at)) {
        readAt(arena, this.listpack, at, field);
        each();
      }
      const start = first(arena, this.listpack);
      if (removed > 0) this.moveTo(deleteAt(arena, this.listpack, start, removed * TRIPLE));
      return removed;
    }
    while (removed < wanted && this.openHeap().topExpiryMs < nowMs) {
      const passed = this.heap.entryAt(0);
      this.readField(passed);
      each();
      this.readField(passed);
      this.beforeChange(passed, field.bytes, field.view, field.start, field.end);
      assert(dict.findRef(passed, dict.hashOfEntry(passed)), "what is in the heap is in the table");
      dict.removeFound();
      this.endExpiry(passed);
      freeElement(arena, passed);
      removed++;
    }
    return removed;
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

  /** Turns the listpack into a table. */
  private convert(): void {
    const { arena, entry, listpack } = this;
    const table = this.converter.table(listpack, this.stride, this.seed);
    assert(table !== NONE, "a listpack names no field twice");
    arena.free(listpack);
    this.listpack = NONE;
    this.isTable = true;
    this.dict.attach(table);
    this.isVolatile = this.dict.attachment !== NONE;
    setValueRef(arena, entry, table);
    setEncoding(arena, entry, this.isVolatile ? Encoding.HASHTABLE_EX : Encoding.HASHTABLE);
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

  /** Puts the element of a table in `field` and `value`; no hash need be attached. */
  readField(element: Ref): void {
    showField(this.arena, element, this.field, this.value);
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
