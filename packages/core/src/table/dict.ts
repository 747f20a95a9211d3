/**
 * Dict: walking and measuring the key table of dict-table.ts: SCAN, random keys, samples, check().
 *
 * Order is the order of the hashes, so a cursor is a hash: "all entries below are done". Nothing
 * here changes a table.
 */
import { assert } from "../assert.ts";
import { type Arena, NONE, type Ref, SEGMENT_SHIFT, UNIT_MASK } from "../memory/arena.ts";
import type { RefList } from "../memory/ref-list.ts";
import { ATTACHMENT, DEEPEST, DIRECTORY } from "./dict-header.ts";
import { DictTable, USED_SHIFT } from "./dict-table.ts";

/** The sign of a 32-bit integer. */
const SIGN = 1 << 31;
/** Slots that walk() takes at a time, and parts of a page that a cursor of it has room for. */
const PART_SLOTS = 128;
const PARTS = 2 ** 25;
/** So often random() draws again; a table so empty is a rarity. */
const RANDOM_TRIES = 1024;

/** A hash table of entries by their keys: see dict-table.ts for its layout. */
export class Dict extends DictTable {
  /** Number of entries of the dict whose header block is `header`, without attaching to it. */
  static countAt(arena: Arena, header: Ref): number {
    return (arena.words[header >>> SEGMENT_SHIFT] as Int32Array)[
      (header & UNIT_MASK) << 1
    ] as number;
  }

  /** The `attachment` of the dict whose header block is `header`, without attaching to it. */
  static attachmentAt(arena: Arena, header: Ref): Ref {
    return (arena.words[header >>> SEGMENT_SHIFT] as Int32Array)[
      ((header & UNIT_MASK) << 1) + ATTACHMENT
    ] as number;
  }

  /**
   * Adds to `out` the entries from `cursor` on (0 at first), at least `wanted` of them unless the
   * end comes first or ten times as many slots were empty. Returns the next cursor; 0 at the end.
   * Every entry that is there from the first call to the last is returned exactly once, whatever
   * else comes, goes, grows or shrinks (after a reseed the scan starts anew: see `generation`).
   */
  scan(cursor: number, wanted: number, out: RefList): number {
    const target = out.count + wanted;
    let slotsLeft = wanted * 10;
    cursor >>>= 0;
    for (;;) {
      const index = this.slotOf(cursor);
      const meta = this.directoryWords[this.directoryAt + (index << 1) + 1] as number;
      const page = this.directoryWords[this.directoryAt + (index << 1)] as number;
      const depth = meta & 31;
      // Past 32 bits of depth and slot a home is less than one hash wide: take the page whole.
      const bits = Math.min((meta >>> 5) & 31, 32 - depth);
      const slots = 1 << bits;
      const width = 2 ** (32 - depth - bits);
      const pageStart = depth === 0 ? 0 : ((cursor >>> (32 - depth)) << (32 - depth)) >>> 0;
      const first = Math.floor((cursor - pageStart) / width);
      const homes = Math.min(slots - first, Math.max(8, target - out.count));
      const next = pageStart + (first + homes) * width;
      this.collect(page, (meta >>> 5) & 31, depth, cursor, next, out);
      slotsLeft -= homes;
      if (next >= 2 ** 32) return 0;
      cursor = next;
      if (out.count >= target || slotsLeft <= 0) return cursor;
    }
  }

  /**
   * As scan(), while the table does not change: the entries as they lie, a part of a page at a time. Twice
   * as fast, since no hash is looked at. Returns the next cursor, which is none of scan()'s; 0 at the end.
   */
  walk(cursor: number, out: RefList): number {
    const index = Math.floor(cursor / PARTS);
    const part = cursor % PARTS;
    const page = this.directoryWords[this.directoryAt + (index << 1)] as number;
    const meta = this.directoryWords[this.directoryAt + (index << 1) + 1] as number;
    const words = this.arena.words[page >>> SEGMENT_SHIFT] as Int32Array;
    const base = (page & UNIT_MASK) << 1;
    const slots = 1 << ((meta >>> 5) & 31);
    const end = Math.min((part + 1) * PART_SLOTS, slots);
    for (let slot = part * PART_SLOTS; slot < end; slot++) {
      const entry = words[base + (slot << 1) + 1] as number;
      if (entry !== NONE) out.push(entry);
    }
    if (end < slots) return cursor + 1;
    const next = index + (1 << (this.depth - (meta & 31)));
    return next < 1 << this.depth ? next * PARTS : 0;
  }

  /** The directory's slot that a scan of this cursor goes on with. */
  slotOf(cursor: number): number {
    return (cursor >>> 1) >>> (31 - this.depth);
  }

  /** Adds the entries of one page whose hash lies in [low, high). */
  private collect(
    page: Ref,
    bits: number,
    depth: number,
    low: number,
    high: number,
    out: RefList,
  ): void {
    const words = this.arena.words[page >>> SEGMENT_SHIFT] as Int32Array;
    const base = (page & UNIT_MASK) << 1;
    const mask = (1 << bits) - 1;
    const first = ((low | 0) << depth) >>> (32 - bits);
    const last = (((high - 1) | 0) << depth) >>> (32 - bits);
    // With the sign turned, hashes compare as 32-bit integers do, which is quicker than as doubles.
    const lowest = (low | 0) ^ SIGN;
    const highest = ((high - 1) | 0) ^ SIGN;
    for (let slot = first, walked = 0; walked <= mask; walked++, slot = (slot + 1) & mask) {
      const entry = words[base + (slot << 1) + 1] as number;
      if (entry === NONE) {
        // Entries settle without gaps behind their homes, so the first gap past them ends it.
        if (walked >= last - first) break;
        continue;
      }
      const hash = (words[base + (slot << 1)] as number) ^ SIGN;
      if (hash >= lowest && hash <= highest) out.push(entry);
    }
  }

  /**
   * A random entry, each equally likely; NONE when empty. `next32` gives random 32 bits.
   *
   * A random hash chooses a page, and a random number one of its slots. Slots are not equally wide: a
   * page with half the slots of another one, or half as deep, would be met twice as often for each of
   * them. So a page is let pass as often as makes up for that, and an empty slot is drawn again.
   */
  random(next32: () => number): Ref {
    if (this.count === 0) return NONE;
    const finest = this.finestBits();
    for (let tries = 0; ; ) {
      const index = (next32() >>> 1) >>> (31 - this.depth);
      const page = this.directoryWords[this.directoryAt + (index << 1)] as number;
      const meta = this.directoryWords[this.directoryAt + (index << 1) + 1] as number;
      const bits = (meta >>> 5) & 31;
      const coarser = finest - bits - (meta & 31);
      if (coarser !== 0 && next32() >>> (32 - coarser) !== 0) continue;
      const mask = (1 << bits) - 1;
      const words = this.arena.words[page >>> SEGMENT_SHIFT] as Int32Array;
      const base = (page & UNIT_MASK) << 1;
      let slot = next32() & mask;
      // A page is at least an eighth full as a rule, so a few tries do; then the next one counts.
      for (let walked = 0; walked <= mask; walked++, slot = (slot + 1) & mask) {
        const entry = words[base + (slot << 1) + 1] as number;
        if (entry !== NONE) return entry;
        if (tries++ < RANDOM_TRIES) break;
      }
    }
  }

  /** The most bits of depth and slot that a page has: counted anew after a page has changed its shape. */
  private finestBits(): number {
    if (this.finest !== 0) return this.finest;
    let most = 0;
    for (let index = 0; index < 1 << this.depth; ) {
      const meta = this.directoryWords[this.directoryAt + (index << 1) + 1] as number;
      most = Math.max(most, ((meta >>> 5) & 31) + (meta & 31));
      index += 1 << (this.depth - (meta & 31));
    }
    this.finest = most;
    return most;
  }

  /** Adds up to `wanted` neighbouring entries from a random place on: cheap, not independent. */
  sample(wanted: number, next32: () => number, out: RefList): void {
    if (this.count === 0) return;
    const target = out.count + Math.min(wanted, this.count);
    let index = (next32() >>> 1) >>> (31 - this.depth);
    let slot = next32();
    for (let steps = wanted * 10; out.count < target && steps > 0; ) {
      const page = this.directoryWords[this.directoryAt + (index << 1)] as number;
      const meta = this.directoryWords[this.directoryAt + (index << 1) + 1] as number;
      const mask = (1 << ((meta >>> 5) & 31)) - 1;
      const words = this.arena.words[page >>> SEGMENT_SHIFT] as Int32Array;
      const base = (page & UNIT_MASK) << 1;
      slot &= mask;
      for (let walked = 0; walked <= mask && out.count < target && steps > 0; walked++, steps--) {
        const entry = words[base + (slot << 1) + 1] as number;
        if (entry !== NONE) out.push(entry);
        slot = (slot + 1) & mask;
      }
      if (this.depth === 0) break;
      const shared = this.depth - (meta & 31);
      index = (((index >>> shared) << shared) + (1 << shared)) & ((1 << this.depth) - 1);
    }
  }

  /** Bytes that the table itself takes: header, directory and pages. */
  tableBytes(): number {
    let sum = this.arena.blockBytes(this.header);
    const directory = this.headerWords[this.headerAt + DIRECTORY] as number;
    if (directory !== NONE) sum += this.arena.blockBytes(directory);
    for (let index = 0; index < 1 << this.depth; ) {
      const at = this.directoryAt + (index << 1);
      sum += this.arena.blockBytes(this.directoryWords[at] as number);
      index += 1 << (this.depth - ((this.directoryWords[at + 1] as number) & 31));
    }
    return sum;
  }

  /** Slots in all pages: what `count` is to be compared with. */
  slotCount(): number {
    let sum = 0;
    for (let index = 0; index < 1 << this.depth; ) {
      const meta = this.directoryWords[this.directoryAt + (index << 1) + 1] as number;
      sum += 1 << ((meta >>> 5) & 31);
      index += 1 << (this.depth - (meta & 31));
    }
    return sum;
  }

  /** Throws unless every promise in the header holds. For tests and fuzzers: slow. */
  check(): void {
    let total = 0;
    let deepest = 0;
    for (let index = 0; index < 1 << this.depth; ) {
      const at = this.directoryAt + (index << 1);
      const page = this.directoryWords[at] as number;
      const meta = this.directoryWords[at + 1] as number;
      const depth = meta & 31;
      assert(depth <= this.depth, "no page is deeper than the directory");
      const width = 1 << (this.depth - depth);
      assert(index % width === 0, "a page's directory slots are aligned");
      for (let i = 1; i < width; i++) {
        assert(this.directoryWords[at + (i << 1)] === page, "a page's slots are neighbours");
        assert(
          this.directoryWords[at + (i << 1) + 1] === (meta & ((1 << USED_SHIFT) - 1)),
          "a page's other slots repeat its shape",
        );
      }
      this.checkPage(page, meta, index >>> (this.depth - depth));
      total += meta >>> USED_SHIFT;
      if (depth === this.depth) deepest++;
      index += width;
    }
    assert(total === this.count, "count is the sum of the pages");
    assert(this.headerWords[this.headerAt] === this.count, "the header knows the count");
    assert(this.headerWords[this.headerAt + DEEPEST] === deepest, "the deepest pages are counted");
  }

  private checkPage(page: Ref, meta: number, prefix: number): void {
    const depth = meta & 31;
    const bits = (meta >>> 5) & 31;
    const mask = (1 << bits) - 1;
    const words = this.arena.words[page >>> SEGMENT_SHIFT] as Int32Array;
    const base = (page & UNIT_MASK) << 1;
    let used = 0;
    for (let slot = 0; slot <= mask; slot++) {
      const entry = words[base + (slot << 1) + 1] as number;
      if (entry === NONE) continue;
      used++;
      const hash = words[base + (slot << 1)] as number;
      assert(hash === this.hashOfEntry(entry), "the stored hash is the key's");
      assert((hash >>> 1) >>> (31 - depth) === prefix, "the entry is in the page of its hash");
      for (let at = (hash << depth) >>> (32 - bits); at !== slot; at = (at + 1) & mask)
        assert(words[base + (at << 1) + 1] !== NONE, "no gap between home and slot");
    }
    assert(used === meta >>> USED_SHIFT, "a page's used counts its full slots");
    assert(used * 4 <= 3 << bits, "a page is at most three quarters full");
  }
}
