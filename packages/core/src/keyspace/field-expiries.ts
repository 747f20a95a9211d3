/**
 * FieldExpiries: the hashes of one database of which fields expire, by the earliest of those times.
 *
 * One heap of their entries (expiry-heap.ts): whoever looks for fields that have passed finds at once
 * which hash is next, or that there is none. Each entry knows its slot, so a hash whose first field
 * expires at another time than before moves in O(log n). Hashes that are not volatile are never met here.
 */
import { assert } from "../assert.ts";
import { type Arena, NONE, type Ref } from "../memory/arena.ts";
import { isVolatileHash } from "../table/entry.ts";
import { ExpiryHeap, HeapWord } from "../table/expiry-heap.ts";
import { earliestFieldExpiry } from "../values/hash/field-expiry.ts";

/** See the head of this file. */
export class FieldExpiries {
  private readonly arena: Arena;
  private readonly heap: ExpiryHeap;

  constructor(arena: Arena) {
    this.arena = arena;
    this.heap = new ExpiryHeap(arena, HeapWord.LENGTH);
  }

  /** Number of hashes of which some field expires. */
  get count(): number {
    return this.heap.count;
  }

  /** When the next field of any hash expires; Infinity: none does. */
  get earliestMs(): number {
    return this.heap.topExpiryMs;
  }

  /** The hash that it is a field of, or NONE. */
  get earliest(): Ref {
    return this.heap.count === 0 ? NONE : this.heap.entryAt(0);
  }

  /** @internal Sees to it that link() of this entry cannot fail. Throws ArenaFullError. */
  makeRoomFor(entry: Ref): void {
    if (earliestFieldExpiry(this.arena, entry) !== -1) this.heap.makeRoom(1);
  }

  /** @internal An entry is one of the database's from now on. */
  link(entry: Ref): void {
    if (!isVolatileHash(this.arena, entry)) return;
    this.heap.forget(entry);
    const earliestMs = earliestFieldExpiry(this.arena, entry);
    if (earliestMs !== -1) this.heap.insert(entry, earliestMs);
  }

  /** @internal An entry is none of the database's any more. */
  unlink(entry: Ref): void {
    if (!isVolatileHash(this.arena, entry)) return;
    const slot = this.heap.slotOf(entry);
    if (slot !== -1) this.heap.remove(slot);
  }

  /** @internal The slot of an entry, or -1: for dropSlot(). */
  slotOf(entry: Ref): number {
    return isVolatileHash(this.arena, entry) ? this.heap.slotOf(entry) : -1;
  }

  /**
   * @internal The entry that had the slot lies in the block `entry` now, and is no hash any more. The
   * length of its value is to be set anew.
   */
  dropSlot(slot: number, entry: Ref): void {
    this.heap.setEntryAt(slot, entry);
    this.heap.remove(slot);
  }

  /** @internal The entry was given another block. */
  moved(entry: Ref): void {
    if (!isVolatileHash(this.arena, entry)) return;
    const slot = this.heap.slotOf(entry);
    if (slot !== -1) this.heap.setEntryAt(slot, entry);
  }

  /**
   * @internal An entry of the database becomes one of another's by `adopt`, which links it there and
   * may throw: then nothing has changed.
   */
  handOver(entry: Ref, target: FieldExpiries, adopt: () => void): void {
    const isVolatile = isVolatileHash(this.arena, entry);
    const slot = isVolatile ? this.heap.slotOf(entry) : -1;
    adopt();
    if (slot === -1) return;
    // The entry knows one slot, which by now is that of the other heap.
    const targetSlot = target.heap.slotOf(entry);
    this.heap.remove(slot);
    target.heap.setEntryAt(targetSlot, entry);
  }

  /**
   * Sees to it that changed() cannot fail, whatever becomes of a hash. Throws ArenaFullError. When
   * changed() does not follow, tidy() has to.
   */
  prepare(): void {
    this.heap.makeRoom(1);
  }

  /** Gives back what prepare() took in vain. */
  tidy(): void {
    this.heap.tidy();
  }

  /**
   * Fields of a hash in the database came or went, or expire at other times. To be called when it is
   * volatile or was before; after prepare() where a field has been given an expiry.
   */
  changed(entry: Ref): void {
    const { heap } = this;
    const earliestMs = earliestFieldExpiry(this.arena, entry);
    const slot = heap.slotOf(entry);
    if (slot === -1) {
      if (earliestMs !== -1) heap.insert(entry, earliestMs);
    } else if (earliestMs === -1) {
      heap.remove(slot);
    } else if (heap.expiryAt(slot) !== earliestMs) {
      heap.change(slot, earliestMs);
    }
    heap.tidy();
  }

  /** @internal Leaves this empty and hands over what it held: for putBack() or giveUp(). */
  setAside(): Ref {
    const { ref } = this.heap;
    this.heap.attach(NONE);
    return ref;
  }

  /** @internal Takes back what was set aside. Returns what has come in its place. */
  putBack(ref: Ref): Ref {
    const present = this.heap.ref;
    this.heap.attach(ref);
    return present;
  }

  /** @internal Frees what was set aside. */
  giveUp(ref: Ref): void {
    new ExpiryHeap(this.arena, HeapWord.LENGTH).attach(ref).free();
  }

  /** Bytes of the heap. */
  bytes(): number {
    return this.heap.bytes();
  }

  /** @internal Moves its block of this number: see ExpiryHeap.movePage(). */
  movePage(index: number, move: (ref: Ref) => Ref): boolean {
    return this.heap.movePage(index, move);
  }

  /** Throws unless the heap holds what it should. `eachEntry` walks over the database. */
  check(eachEntry: (visit: (entry: Ref) => void) => void): void {
    const { arena, heap } = this;
    heap.check();
    let expected = 0;
    eachEntry((entry) => {
      const earliestMs = earliestFieldExpiry(arena, entry);
      if (earliestMs === -1) return;
      expected++;
      const slot = heap.slotOf(entry);
      assert(slot >= 0 && slot < heap.count, "a hash of which fields expire is known");
      assert(heap.entryAt(slot) === entry, "it is known where it is");
      assert(heap.expiryAt(slot) === earliestMs, "it is known when its first field expires");
    });
    assert(expected === heap.count, "only hashes of which fields expire are known");
  }
}
