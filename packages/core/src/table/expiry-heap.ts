/**
 * ExpiryHeap: entries by the time at which they expire, the earliest at hand.
 *
 * A heap in which each slot has four below it: 0 has 1 to 4, 1 has 5 to 8, and so on. Nothing that is
 * below another expires before it. A slot is 16 bytes, so the four are one cache line, and comparing
 * them does not touch the entries:
 *
 *      slot       0 expiry, 8 bytes: milliseconds since 1970 as a double | 8 ref of the entry | 12 free
 *      page       256 slots; the only page of a small heap has 4, 8, 16 ... of them
 *      directory  word 0 slots in use   1 pages   2 first page, 3 second page ...
 *
 * The heap is named by its directory, which moves when it grows: `ref` is to be kept anew after
 * whatever adds a slot or takes one away. NONE is an empty heap, which takes no memory. Pages do not
 * move to grow but for the first, small one, so there is no stop however large the heap becomes.
 *
 * An entry knows its slot: one word of its header holds the number of that plus 1, or 0 when it is in
 * no heap. Which word the heap is told when it is made: the owners of entries use them differently.
 *
 * Example, one entry 0x40 that expires at 1,000 (the directory, and the page that it names):
 *
 *      01 00 00 00 | 01 00 00 00 | page | ..      00 00 00 00 00 40 8f 40 | 40 00 00 00 | ..
 *
 * Adding may fail for want of room, and then has changed nothing; whatever makes no new slot cannot.
 */
import { assert } from "../assert.ts";
import { type Arena, NONE, type Ref, SEGMENT_SHIFT, UNIT_MASK } from "../memory/arena.ts";
import { wordIndex, wordsOf } from "./entry.ts";

/** Words of an entry's header that can hold a slot's number. */
export const HeapWord = {
  /** Where keys have their idle bits: for fields, which have none. */
  IDLE: 1,
  /** Where strings have their length: for keys that hold hashes. */
  LENGTH: 3,
} as const;

const PAGE_SHIFT = 8;
const PAGE_SLOTS = 1 << PAGE_SHIFT;
const SLOT_BYTES = 16;
const FIRST_SLOTS = 4;
/** Words of the directory before the pages. */
const HEAD = 2;

/** The earliest time in the heap of that directory, which is not empty: without a window. */
export function topExpiryOf(arena: Arena, ref: Ref): number {
  const page = wordsOf(arena, ref)[wordIndex(ref) + HEAD] as number;
  return (arena.doubles[page >>> SEGMENT_SHIFT] as Float64Array)[page & UNIT_MASK] as number;
}

/** A window on one heap at a time: see the head of this file. */
export class ExpiryHeap {
  /** The directory; NONE: the heap is empty. */
  ref: Ref = NONE;
  private readonly arena: Arena;
  private readonly word: number;

  /** `word`: where entries keep the number of their slot, one of HeapWord. */
  constructor(arena: Arena, word: number) {
    this.arena = arena;
    this.word = word;
  }

  /** Makes this the window on the heap of that directory. */
  attach(ref: Ref): this {
    this.ref = ref;
    return this;
  }

  /** Number of entries. */
  get count(): number {
    return this.ref === NONE ? 0 : (wordsOf(this.arena, this.ref)[wordIndex(this.ref)] as number);
  }

  private get pages(): number {
    return wordsOf(this.arena, this.ref)[wordIndex(this.ref) + 1] as number;
  }

  private set count(count: number) {
    wordsOf(this.arena, this.ref)[wordIndex(this.ref)] = count;
  }

  private page(index: number): Ref {
    return wordsOf(this.arena, this.ref)[wordIndex(this.ref) + HEAD + index] as number;
  }

  private setPage(index: number, page: Ref): void {
    wordsOf(this.arena, this.ref)[wordIndex(this.ref) + HEAD + index] = page;
  }

  /** When the entry of a slot expires. */
  expiryAt(slot: number): number {
    const page = this.page(slot >>> PAGE_SHIFT);
    const at = (page & UNIT_MASK) + ((slot & (PAGE_SLOTS - 1)) << 1);
    return (this.arena.doubles[page >>> SEGMENT_SHIFT] as Float64Array)[at] as number;
  }

  /** The entry of a slot. */
  entryAt(slot: number): Ref {
    const page = this.page(slot >>> PAGE_SHIFT);
    return wordsOf(this.arena, page)[this.refIndex(page, slot)] as number;
  }

  private refIndex(page: Ref, slot: number): number {
    return wordIndex(page) + ((slot & (PAGE_SLOTS - 1)) << 2) + 2;
  }

  /** The earliest time of all, or Infinity. */
  get topExpiryMs(): number {
    return this.count === 0 ? Number.POSITIVE_INFINITY : this.expiryAt(0);
  }

  /** The slot of an entry, or -1: it is in no heap of this kind. */
  slotOf(entry: Ref): number {
    return (wordsOf(this.arena, entry)[wordIndex(entry) + this.word] as number) - 1;
  }

  /** Says that the entry is in no heap, whatever was copied into it. */
  forget(entry: Ref): void {
    wordsOf(this.arena, entry)[wordIndex(entry) + this.word] = 0;
  }

  /** The entry of a slot is another block now: it was copied, or takes the other's place. */
  setEntryAt(slot: number, entry: Ref): void {
    const page = this.page(slot >>> PAGE_SHIFT);
    wordsOf(this.arena, page)[this.refIndex(page, slot)] = entry;
    wordsOf(this.arena, entry)[wordIndex(entry) + this.word] = slot + 1;
  }

  private put(slot: number, entry: Ref, expiryMs: number): void {
    const page = this.page(slot >>> PAGE_SHIFT);
    const at = (page & UNIT_MASK) + ((slot & (PAGE_SLOTS - 1)) << 1);
    (this.arena.doubles[page >>> SEGMENT_SHIFT] as Float64Array)[at] = expiryMs;
    wordsOf(this.arena, page)[this.refIndex(page, slot)] = entry;
    if (entry !== NONE) wordsOf(this.arena, entry)[wordIndex(entry) + this.word] = slot + 1;
  }

  /**
   * Sees to it that so many entries can be added for sure. Throws ArenaFullError; `ref` may change.
   * When none of them comes after all, tidy() is to follow.
   */
  makeRoom(more: number): void {
    const wanted = this.count + more;
    if (wanted === 0) return;
    try {
      if (this.ref === NONE) this.begin();
      if (this.pages === 1) this.growFirst(Math.min(wanted, PAGE_SLOTS));
      for (let pages = this.pages; pages << PAGE_SHIFT < wanted && wanted > PAGE_SLOTS; pages++)
        this.addPage(pages);
    } catch (full) {
      this.tidy();
      throw full;
    }
  }

  /** Gives back the memory of a heap that is empty. */
  tidy(): void {
    if (this.ref !== NONE && this.count === 0) this.free();
  }

  private begin(): void {
    const { arena } = this;
    const page = arena.alloc(FIRST_SLOTS * SLOT_BYTES);
    let directory: Ref;
    try {
      directory = arena.allocZeroed((HEAD + 2) * 4);
    } catch (full) {
      arena.free(page);
      throw full;
    }
    this.ref = directory;
    wordsOf(arena, directory)[wordIndex(directory) + 1] = 1;
    this.setPage(0, page);
  }

  /** The first page as large as so many slots need. */
  private growFirst(slots: number): void {
    const { arena } = this;
    const page = this.page(0);
    let has = arena.blockBytes(page) / SLOT_BYTES;
    if (has >= slots) return;
    while (has < slots) has *= 2;
    const larger = arena.alloc(has * SLOT_BYTES);
    arena.copy(larger, 0, page, 0, this.count * SLOT_BYTES);
    arena.free(page);
    this.setPage(0, larger);
  }

  private addPage(pages: number): void {
    const { arena } = this;
    if ((HEAD + pages + 1) << 2 > arena.blockBytes(this.ref)) {
      const larger = arena.alloc((HEAD + pages * 2) << 2);
      arena.copy(larger, 0, this.ref, 0, (HEAD + pages) << 2);
      arena.free(this.ref);
      this.ref = larger;
    }
    const page = arena.alloc(PAGE_SLOTS * SLOT_BYTES);
    this.setPage(pages, page);
    wordsOf(arena, this.ref)[wordIndex(this.ref) + 1] = pages + 1;
  }

  /** Adds an entry. Throws ArenaFullError, unless makeRoom() has been called; `ref` may change. */
  insert(entry: Ref, expiryMs: number): void {
    this.makeRoom(1);
    const slot = this.count;
    this.count = slot + 1;
    this.rise(slot, entry, expiryMs);
  }

  /** The entry of a slot expires at another time. */
  change(slot: number, expiryMs: number): void {
    this.settle(slot, this.entryAt(slot), expiryMs);
  }

  /** Takes out the entry of a slot. `ref` may change: to NONE with the last one. */
  remove(slot: number): void {
    const { arena } = this;
    const last = this.count - 1;
    this.forget(this.entryAt(slot));
    const entry = this.entryAt(last);
    const expiryMs = this.expiryAt(last);
    this.count = last;
    if (slot !== last) this.settle(slot, entry, expiryMs);
    if (last === 0) {
      this.free();
      return;
    }
    // A page stays as long as the one before it is nearly full, so that two changes in turn are cheap.
    const { pages } = this;
    if (pages > 1 && last <= ((pages - 1) << PAGE_SHIFT) - (PAGE_SLOTS >>> 1)) {
      arena.free(this.page(pages - 1));
      wordsOf(arena, this.ref)[wordIndex(this.ref) + 1] = pages - 1;
    }
  }

  /** The empty `slot`, or one that may be overwritten, gets the entry: there, above or below. */
  private settle(slot: number, entry: Ref, expiryMs: number): void {
    if (slot > 0 && this.expiryAt((slot - 1) >>> 2) > expiryMs) this.rise(slot, entry, expiryMs);
    else this.sink(slot, entry, expiryMs);
  }

  private rise(slot: number, entry: Ref, expiryMs: number): void {
    while (slot > 0) {
      const above = (slot - 1) >>> 2;
      const aboveMs = this.expiryAt(above);
      if (aboveMs <= expiryMs) break;
      this.put(slot, this.entryAt(above), aboveMs);
      slot = above;
    }
    this.put(slot, entry, expiryMs);
  }

  private sink(slot: number, entry: Ref, expiryMs: number): void {
    const { count } = this;
    for (;;) {
      const first = (slot << 2) + 1;
      if (first >= count) break;
      let least = first;
      let leastMs = this.expiryAt(first);
      const end = Math.min(first + 4, count);
      for (let below = first + 1; below < end; below++) {
        const belowMs = this.expiryAt(below);
        if (belowMs >= leastMs) continue;
        least = below;
        leastMs = belowMs;
      }
      if (leastMs >= expiryMs) break;
      this.put(slot, this.entryAt(least), leastMs);
      slot = least;
    }
    this.put(slot, entry, expiryMs);
  }

  /** How many entries expire before `nowMs`. Looks at those, and at four times as many. */
  countBefore(nowMs: number, slot = 0): number {
    if (slot >= this.count || this.expiryAt(slot) >= nowMs) return 0;
    let sum = 1;
    for (let below = (slot << 2) + 1; below <= (slot << 2) + 4; below++)
      sum += this.countBefore(nowMs, below);
    return sum;
  }

  /**
   * Makes this, which is attached to none, a heap of the same form as `model`, without its entries:
   * setEntryAt() puts them in. Throws ArenaFullError.
   */
  shapeLike(model: ExpiryHeap): void {
    const { count } = model;
    this.ref = NONE;
    this.makeRoom(count);
    if (count === 0) return;
    this.count = count;
    for (let slot = 0; slot < count; slot++) this.put(slot, NONE, model.expiryAt(slot));
  }

  /** Gives back the heap, not the entries, and forgets it. */
  free(): void {
    const { arena, ref } = this;
    if (ref === NONE) return;
    for (let index = this.pages - 1; index >= 0; index--) arena.free(this.page(index));
    arena.free(ref);
    this.ref = NONE;
  }

  /** Bytes of its blocks. */
  bytes(): number {
    const { arena, ref } = this;
    if (ref === NONE) return 0;
    let sum = arena.blockBytes(ref);
    for (let index = this.pages - 1; index >= 0; index--) sum += arena.blockBytes(this.page(index));
    return sum;
  }

  /**
   * Moves the page of this number (from 0 on): see MoveBlock in values/kind.ts. False when there is
   * none: then the directory has moved, and `ref` with it.
   */
  movePage(index: number, move: (ref: Ref) => Ref): boolean {
    if (this.ref === NONE) return false;
    if (index >= this.pages) {
      this.ref = move(this.ref);
      return false;
    }
    this.setPage(index, move(this.page(index)));
    return true;
  }

  /** Throws unless every promise in the header holds. For tests and fuzzers: slow. */
  check(): void {
    const { arena, count } = this;
    if (this.ref === NONE) return;
    assert(count > 0, "an empty heap takes no memory");
    const { pages } = this;
    const slots = pages === 1 ? arena.blockBytes(this.page(0)) / SLOT_BYTES : pages << PAGE_SHIFT;
    assert(count <= slots, "a heap has a slot for each entry");
    assert((HEAD + pages) << 2 <= arena.blockBytes(this.ref), "a directory holds its pages");
    for (let slot = 0; slot < count; slot++) {
      assert(this.slotOf(this.entryAt(slot)) === slot, "an entry knows its slot");
      if (slot === 0) continue;
      assert(this.expiryAt((slot - 1) >>> 2) <= this.expiryAt(slot), "the earlier is above");
    }
  }
}
