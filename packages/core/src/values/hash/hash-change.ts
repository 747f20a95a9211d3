/**
 * HashChange: several fields of one hash, set as one change: all of them or, when the arena has no
 * room for the last one, none.
 *
 *      change.begin(hash);
 *      try { change.set(...); change.set(...); } catch (full) { change.rollBack(); throw full; }
 *      change.commit();
 *
 * Of a listpack begin() keeps a copy. In a table nothing is overwritten before commit(): new fields
 * are added, and taken out again if need be; new values of present fields wait aside. Neither
 * commit() nor rollBack() allocates anything. Fields that expire get into the heap of the table with
 * commit(); the room for them is there before.
 *
 * Nobody looks at the hash in between, and a snapshot learns of each change as ever.
 */
import { assert } from "../../assert.ts";
import { type Arena, NONE, type Ref } from "../../memory/arena.ts";
import { RefList } from "../../memory/ref-list.ts";
import {
  bytesOf,
  encodingOf,
  expiryMs as expiryOfEntry,
  keyIndex,
  keyLength,
  setEncoding,
  setValueRef,
  valueRef,
  viewOf,
} from "../../table/entry.ts";
import { freeElement, insertElement } from "../element.ts";
import { copyBlock } from "../one-block.ts";
import { freeValue } from "../value.ts";
import { createField, writeValue } from "./hash-field.ts";
import { type HashLimits, NO_EXPIRY } from "./hash-fields.ts";
import type { HashValue } from "./hash-value.ts";

/** Instead of a time: a field that is there expires when it did. */
export const KEEP_EXPIRY = 0;

/**
 * Sets several fields of a hash as one change: see the head of this file. One object does for all
 * hashes of an arena.
 */
export class HashChange {
  private readonly arena: Arena;
  private hash: HashValue | null = null;
  /** The listpack as it was; NONE: the hash was a table already. */
  private backup: Ref = NONE;
  /** The encoding of the listpack as it was. */
  private encoding = 0;
  /** Fields that will have to go into the heap. */
  private expiringCount = 0;
  /** Fields that are new in the table, and those that wait to take the place of present ones. */
  private readonly added = new RefList();
  private readonly waiting = new RefList();

  constructor(arena: Arena) {
    this.arena = arena;
  }

  /** Begins a change of the hash that `hash` is attached to. Throws before anything has changed. */
  begin(hash: HashValue): void {
    assert(this.hash === null, "one change ends before the next begins");
    if (!hash.isTable) this.backup = copyBlock(this.arena, valueRef(this.arena, hash.entry));
    this.encoding = encodingOf(this.arena, hash.entry);
    this.hash = hash;
  }

  /**
   * As HashValue.set(), of a field that expires at `expiryMs`: NO_EXPIRY, or KEEP_EXPIRY. When it
   * throws, rollBack() is to follow.
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
    expiryMs: number = NO_EXPIRY,
  ): boolean {
    const hash = this.hash as HashValue;
    if (this.backup !== NONE) {
      const isNew = hash.set(
        fieldBytes,
        fieldView,
        fieldStart,
        fieldEnd,
        valueBytes,
        valueStart,
        valueEnd,
        limits,
        expiryMs !== NO_EXPIRY,
      );
      if (expiryMs > 0) {
        hash.prepareExpiry(fieldBytes, fieldView, fieldStart, fieldEnd, 1);
        hash.setExpiry(fieldBytes, fieldView, fieldStart, fieldEnd, expiryMs);
      }
      return isNew;
    }
    const { arena } = this;
    const { dict } = hash;
    const code = dict.hash(fieldBytes, fieldView, fieldStart, fieldEnd);
    const found = dict.find(fieldBytes, fieldView, fieldStart, fieldEnd, code);
    let ownMs = expiryMs;
    if (expiryMs === KEEP_EXPIRY) ownMs = found === NONE ? NO_EXPIRY : expiryOfEntry(arena, found);
    const flagMs = ownMs === NO_EXPIRY ? 0 : ownMs;
    if (flagMs !== 0) hash.makeHeapRoom(++this.expiringCount);
    const length = valueEnd - valueStart;
    const field = createField(arena, fieldBytes, fieldStart, fieldEnd, length, flagMs);
    writeValue(arena, field, valueBytes, valueStart, valueEnd);
    if (found !== NONE) {
      this.waiting.push(field);
      return false;
    }
    hash.beforeChange(NONE, fieldBytes, fieldView, fieldStart, fieldEnd);
    insertElement(dict, field, code);
    this.added.push(field);
    return true;
  }

  /** Makes the change. */
  commit(): void {
    const { arena, waiting, backup } = this;
    const hash = this.hash as HashValue;
    if (backup !== NONE) arena.free(backup);
    for (let i = 0; i < this.added.count; i++) this.enterHeap(hash, this.added.at(i));
    for (let i = 0; i < waiting.count; i++) this.replace(hash, waiting.at(i));
    this.endHeap(hash);
    this.end();
  }

  /** A field that expires is one of its heap's from now on. */
  private enterHeap(hash: HashValue, field: Ref): void {
    const expiryMs = expiryOfEntry(this.arena, field);
    if (expiryMs === NO_EXPIRY) return;
    hash.openHeap().insert(field, expiryMs);
    hash.closeHeap();
  }

  /** No heap stays that nobody needed. */
  private endHeap(hash: HashValue): void {
    if (this.expiringCount !== 0) hash.endPreparation();
  }

  /** The present field of the same name makes way: it may be one that this very change has set. */
  private replace(hash: HashValue, field: Ref): void {
    const { arena } = this;
    const { dict } = hash;
    const bytes = bytesOf(arena, field);
    const view = viewOf(arena, field);
    const start = keyIndex(arena, field);
    const end = start + keyLength(arena, field);
    const found = dict.find(bytes, view, start, end, dict.hash(bytes, view, start, end));
    assert(found !== NONE, "a field that was there is still there");
    hash.beforeChange(found, bytes, view, start, end);
    dict.replaceFound(field);
    if (expiryOfEntry(arena, found) !== NO_EXPIRY) hash.endExpiry(found);
    freeElement(arena, found);
    this.enterHeap(hash, field);
  }

  /** Makes the hash what it was. */
  rollBack(): void {
    const { arena, added, waiting, backup } = this;
    const hash = this.hash as HashValue;
    const { dict, entry } = hash;
    if (backup !== NONE) {
      freeValue(arena, entry);
      setValueRef(arena, entry, backup);
      setEncoding(arena, entry, this.encoding);
      hash.attach(entry);
    }
    for (let i = 0; i < waiting.count; i++) freeElement(arena, waiting.at(i));
    for (let i = 0; i < added.count; i++) {
      const field = added.at(i);
      assert(dict.findRef(field, dict.hashOfEntry(field)), "a field that was added is there");
      dict.removeFound();
      freeElement(arena, field);
    }
    this.endHeap(hash);
    this.end();
  }

  private end(): void {
    this.hash = null;
    this.backup = NONE;
    this.expiringCount = 0;
    this.added.clear();
    this.waiting.clear();
  }
}
