/**
 * DictTable: the key table. Maps a byte string to the arena ref of its entry (entry.ts).
 *
 * It is extendible hashing whose order is the order of the hashes. A directory, indexed by the
 * first `depth` bits of the hash, names pages; a page is a small open-addressed table of its own:
 *
 *      hash  = 10 0110100101.. 01        the bits after a page's own depth are the home slot
 *              ^^ directory index        (here depth 2)
 *
 *      directory  00 -> page A (depth 1)      page   slot 0   hash, entry     8 bytes a slot,
 *                 01 -> page A                       slot 1   0, 0            0 = empty entry
 *                 10 -> page B (depth 2)             ...
 *                 11 -> page C (depth 2)             slot 2^bits - 1          probing wraps here
 *
 * A page grows by doubling up to 4096 slots (32 KiB) and is then split in two, so no insertion
 * ever moves more than 3072 slots (tens of microseconds) however large the dict is, and nothing
 * has to be moved along by a timer. Pages are 3/8 to 3/4 full: 11 to 21 bytes a key. The stored
 * hash settles nearly every mismatch and makes splitting free of visits to the entries.
 *
 * Because everything is ordered by hash, a SCAN cursor is just a hash: "all entries below are
 * done". No growing, shrinking or splitting in between can make it miss an entry.
 *
 * The state is a block of 32 bytes (dict-header.ts).
 *
 * A directory slot is two words: the page's ref, and its meta: used << 10 | bits << 5 | depth,
 * where `used` is kept in the first of the slots that name the same page.
 *
 * True whenever no method is running; Dict.check() verifies it:
 *   - every slot between an entry's home and the slot it sits in is full;
 *   - a page's `used` counts its full slots, at most three quarters of them;
 *   - the 2^(depth - page depth) directory slots of a page are neighbours.
 *
 * Keys chosen to collide show as an entry that settles far from its home, or as a page that splits
 * far deeper than the dict's size explains. The dict then takes a new seed, one of those that stand
 * for the keyed hash (hash.ts), and rebuilds itself; at most once per doubling of its size.
 *
 * Not in this file: expiry, eviction, types. A Dict does not know what an entry means.
 */
import { assert } from "../assert.ts";
import { ArenaFullError, NONE, type Ref, SEGMENT_SHIFT, UNIT_MASK } from "../memory/arena.ts";
import { DEEPEST, DIRECTORY, DictHeader, HEADER_BYTES, INLINE, STATE } from "./dict-header.ts";
import {
  BITS_MAX,
  BITS_MIN,
  DEPTH_MAX,
  DEPTH_SLACK,
  explainedDepth,
  pageBits,
  place,
} from "./dict-page.ts";
import { bytesOf, keyEquals, keyIndex, keyLength, viewOf } from "./entry.ts";
import { hashBytes, KEYED_SEED_BIT } from "./hash.ts";

/** Pages may pass BITS_MAX only where not even a new seed parts the keys. */
const BITS_LAST_RESORT = 24;
export const USED_SHIFT = 10;
/** Chance does not make an entry settle farther from its home than this; chosen keys do. */
const WALK_MAX = 512;

/** Room for one page's slots while it is rearranged. */
let scratch = new Int32Array(2 << BITS_MAX);

/** The table itself: finding, adding and removing entries. See the head of this file. */
export class DictTable extends DictHeader {
  /** The page on which the last find() or findRef() found its entry. */
  foundPage: Ref = NONE;
  /** The slot in `foundPage`. */
  foundSlot = 0;
  /** The directory's index of `foundPage`. */
  protected foundIndex = 0;

  /** The dict's hash of a key, signed 32 bits. */
  hash(bytes: Uint8Array, view: DataView, start: number, end: number): number {
    return hashBytes(bytes, view, start, end, this.seed);
  }

  /** The hash of the key of an entry. */
  hashOfEntry(entry: Ref): number {
    const { arena } = this;
    const at = keyIndex(arena, entry);
    const end = at + keyLength(arena, entry);
    return hashBytes(bytesOf(arena, entry), viewOf(arena, entry), at, end, this.seed);
  }

  /** Entry of the key bytes[start, end), or NONE. Remembers its place for the calls below. */
  find(bytes: Uint8Array, view: DataView, start: number, end: number, hash: number): Ref {
    const index = (hash >>> 1) >>> (31 - this.depth);
    const at = this.directoryAt + (index << 1);
    const page = this.directoryWords[at] as number;
    const meta = this.directoryWords[at + 1] as number;
    const bits = (meta >>> 5) & 31;
    const mask = (1 << bits) - 1;
    const words = this.arena.words[page >>> SEGMENT_SHIFT] as Int32Array;
    const base = (page & UNIT_MASK) << 1;
    let slot = (hash << (meta & 31)) >>> (32 - bits);
    for (;;) {
      const entry = words[base + (slot << 1) + 1] as number;
      if (entry === NONE) return NONE;
      if (
        words[base + (slot << 1)] === hash &&
        keyEquals(this.arena, entry, bytes, view, start, end)
      ) {
        this.foundPage = page;
        this.foundSlot = slot;
        this.foundIndex = index;
        return entry;
      }
      slot = (slot + 1) & mask;
    }
  }

  /**
   * Reads, for each of the first `count` hashes, the slot where it belongs, so that the memory is
   * on its way when find() comes. `places` is room for as many numbers.
   *
   * Where to read is worked out first, and the loop that reads does nothing else (Arena.touch says
   * why; measured among a million keys: a pipelined GET 440 -> 255 ns).
   */
  touchSlots(hashes: Int32Array, count: number, places: Int32Array): void {
    const { directoryWords, directoryAt } = this;
    const shift = 31 - this.depth;
    for (let i = 0; i < count; i++) {
      const hash = hashes[i] as number;
      const at = directoryAt + (((hash >>> 1) >>> shift) << 1);
      const page = directoryWords[at] as number;
      const meta = directoryWords[at + 1] as number;
      // A slot is as large as the arena's unit, so its place is a ref.
      places[i] = page + ((hash << (meta & 31)) >>> (32 - ((meta >>> 5) & 31)));
    }
    this.arena.touch(places, count);
  }

  /**
   * Reads, for each of the first `count` hashes, the entry that has it: nearly always the one that
   * find() will look for, though no key is compared. As touchSlots(), and to be called after it.
   */
  touchEntries(hashes: Int32Array, count: number, places: Int32Array): void {
    for (let i = 0; i < count; i++) places[i] = this.guess(hashes[i] as number);
    this.arena.touch(places, count);
  }

  /** First entry with this hash, or NONE. */
  private guess(hash: number): Ref {
    const at = this.directoryAt + (((hash >>> 1) >>> (31 - this.depth)) << 1);
    const page = this.directoryWords[at] as number;
    const meta = this.directoryWords[at + 1] as number;
    const bits = (meta >>> 5) & 31;
    const words = this.arena.words[page >>> SEGMENT_SHIFT] as Int32Array;
    const base = (page & UNIT_MASK) << 1;
    const mask = (1 << bits) - 1;
    for (let slot = (hash << (meta & 31)) >>> (32 - bits); ; slot = (slot + 1) & mask) {
      const entry = words[base + (slot << 1) + 1] as number;
      if (entry === NONE || words[base + (slot << 1)] === hash) return entry;
    }
  }

  /** True when `entry` is in the dict; remembers its place as find() does. */
  findRef(entry: Ref, hash: number): boolean {
    const index = (hash >>> 1) >>> (31 - this.depth);
    const page = this.directoryWords[this.directoryAt + (index << 1)] as number;
    const meta = this.directoryWords[this.directoryAt + (index << 1) + 1] as number;
    const bits = (meta >>> 5) & 31;
    const mask = (1 << bits) - 1;
    const words = this.arena.words[page >>> SEGMENT_SHIFT] as Int32Array;
    const base = (page & UNIT_MASK) << 1;
    for (let slot = (hash << (meta & 31)) >>> (32 - bits); ; slot = (slot + 1) & mask) {
      const other = words[base + (slot << 1) + 1] as number;
      if (other === NONE) return false;
      if (other === entry) {
        this.foundPage = page;
        this.foundSlot = slot;
        this.foundIndex = index;
        return true;
      }
    }
  }

  /** Puts another entry, of the same key, in the place that was found last. */
  replaceFound(entry: Ref): void {
    const words = this.arena.words[this.foundPage >>> SEGMENT_SHIFT] as Int32Array;
    words[((this.foundPage & UNIT_MASK) << 1) + (this.foundSlot << 1) + 1] = entry;
  }

  /**
   * Sees to it that insert() of this entry has the room it needs, so that it cannot fail. Returns
   * the entry's hash: another one than it was given after a reseed.
   */
  makeRoomFor(entry: Ref, hash: number): number {
    for (;;) {
      const index = (hash >>> 1) >>> (31 - this.depth);
      const meta = this.directoryWords[this.directoryAt + (index << 1) + 1] as number;
      const shared = this.depth - (meta & 31);
      const own = (index >>> shared) << shared;
      const firstMeta = this.directoryWords[this.directoryAt + (own << 1) + 1] as number;
      const bits = (firstMeta >>> 5) & 31;
      if (((firstMeta >>> USED_SHIFT) + 1) * 4 <= 3 << bits) return hash;
      if (this.makeRoom(own)) hash = this.hashOfEntry(entry);
    }
  }

  /**
   * Adds an entry whose key is not in the dict. May reseed (see `generation`). When it throws for
   * want of room, nothing has changed but the size of pages.
   */
  insert(entry: Ref, hash: number): void {
    hash = this.makeRoomFor(entry, hash);
    const index = (hash >>> 1) >>> (31 - this.depth);
    const shared =
      this.depth - ((this.directoryWords[this.directoryAt + (index << 1) + 1] as number) & 31);
    const own = (index >>> shared) << shared;
    const page = this.directoryWords[this.directoryAt + (own << 1)] as number;
    const meta = this.directoryWords[this.directoryAt + (own << 1) + 1] as number;
    const words = this.arena.words[page >>> SEGMENT_SHIFT] as Int32Array;
    const base = (page & UNIT_MASK) << 1;
    const walked = place(words, base, meta & 31, (meta >>> 5) & 31, hash, entry);
    this.directoryWords[this.directoryAt + (own << 1) + 1] = meta + (1 << USED_SHIFT);
    this.setCount(this.count + 1);
    if (walked > WALK_MAX && (this.seed & KEYED_SEED_BIT) === 0) this.tryReseed();
  }

  /** As reseed(); where there is no room for that, the dict stays slow. */
  protected tryReseed(): boolean {
    try {
      return this.reseed();
    } catch (full) {
      if (full instanceof ArenaFullError) return false;
      throw full;
    }
  }

  /** Removes what was found last, pulling back the entries that had to settle past it. */
  removeFound(): void {
    const page = this.foundPage;
    const words = this.arena.words[page >>> SEGMENT_SHIFT] as Int32Array;
    const base = (page & UNIT_MASK) << 1;
    let at = this.directoryAt + (this.foundIndex << 1) + 1;
    const depth = (this.directoryWords[at] as number) & 31;
    const bits = ((this.directoryWords[at] as number) >>> 5) & 31;
    const mask = (1 << bits) - 1;
    let gap = this.foundSlot;
    assert(words[base + (gap << 1) + 1] !== NONE, "only a full slot can be removed");
    for (let next = (gap + 1) & mask; ; next = (next + 1) & mask) {
      const entry = words[base + (next << 1) + 1] as number;
      if (entry === NONE) break;
      const hash = words[base + (next << 1)] as number;
      const home = (hash << depth) >>> (32 - bits);
      // An entry whose home lies behind the gap would end up before its home: it stays.
      if (((next - home) & mask) < ((next - gap) & mask)) continue;
      words[base + (gap << 1)] = hash;
      words[base + (gap << 1) + 1] = entry;
      gap = next;
    }
    words[base + (gap << 1)] = 0;
    words[base + (gap << 1) + 1] = NONE;
    const shared = this.depth - depth;
    const own = (this.foundIndex >>> shared) << shared;
    at = this.directoryAt + (own << 1) + 1;
    const meta = (this.directoryWords[at] as number) - (1 << USED_SHIFT);
    this.directoryWords[at] = meta;
    this.foundPage = NONE;
    this.setCount(this.count - 1);
    if ((meta >>> USED_SHIFT) * 8 < 1 << bits) this.tryShrink(own);
  }

  /** Removing never fails: a page that finds no room for its smaller self stays as it is. */
  protected tryShrink(own: number): void {
    try {
      this.shrink(own);
    } catch (full) {
      if (!(full instanceof ArenaFullError)) throw full;
    }
  }

  /** Sets the number of entries, in the header too. */
  protected setCount(count: number): void {
    this.count = count;
    this.headerWords[this.headerAt] = count;
  }

  /**
   * Prepares an empty table for so many entries, if there is room: as deep as they will make it, its
   * pages as large. Then they may come in the order of their hashes, as another table of the same seed
   * has them. One that grows would heap the first of them up, and take them for chosen keys.
   */
  reserve(count: number): void {
    const { arena, headerWords, headerAt } = this;
    assert(this.count === 0 && this.depth === 0, "a table is prepared while it is empty");
    const depth = Math.min(explainedDepth(count), DEPTH_MAX);
    const bits = pageBits(count / 2 ** depth);
    if (depth === 0) {
      this.tryRebuild(bits);
      return;
    }
    let directory = NONE;
    let made = 0;
    try {
      directory = arena.alloc(8 << depth);
      const words = arena.words[directory >>> SEGMENT_SHIFT] as Int32Array;
      const at = (directory & UNIT_MASK) << 1;
      for (; made < 1 << depth; made++) {
        words[at + (made << 1)] = arena.allocZeroed(8 << bits);
        words[at + (made << 1) + 1] = (bits << 5) | depth;
      }
    } catch (full) {
      if (!(full instanceof ArenaFullError)) throw full;
      if (directory === NONE) return;
      const words = arena.words[directory >>> SEGMENT_SHIFT] as Int32Array;
      const at = (directory & UNIT_MASK) << 1;
      while (made > 0) arena.free(words[at + (--made << 1)] as number);
      arena.free(directory);
      return;
    }
    arena.free(headerWords[headerAt + INLINE] as number);
    headerWords[headerAt + STATE] = (this.generation << 8) | depth;
    headerWords[headerAt + DIRECTORY] = directory;
    headerWords[headerAt + DEEPEST] = made;
    this.attach(this.header);
  }

  private tryRebuild(bits: number): void {
    try {
      this.rebuildPage(0, bits);
    } catch (full) {
      if (!(full instanceof ArenaFullError)) throw full;
    }
  }

  /** Enlarges or splits the page at directory index `own`. True when the dict was reseeded. */
  protected makeRoom(own: number): boolean {
    const meta = this.directoryWords[this.directoryAt + (own << 1) + 1] as number;
    const depth = meta & 31;
    const bits = (meta >>> 5) & 31;
    if (bits < BITS_MAX) {
      this.rebuildPage(own, bits + 1);
      return false;
    }
    // With good hashes all pages are about equally deep. So many levels more than the size of the
    // dict explains do not happen by chance: somebody chose these keys.
    if (depth > explainedDepth(this.count) + DEPTH_SLACK || depth >= DEPTH_MAX) {
      if (this.tryReseed()) return true;
      assert(bits < BITS_LAST_RESORT, "a page is not fuller than the whole dict may be");
      this.rebuildPage(own, bits + 1);
      return false;
    }
    this.split(own);
    return false;
  }

  /** Bytes of the directories that so many insertions may lead to: the last, and all on the way. */
  directoryBytesMax(insertions: number): number {
    return 32 << Math.min(explainedDepth(this.count + insertions) + DEPTH_SLACK, DEPTH_MAX);
  }

  /** Moves a page's entries to a new one of 2^bits slots. */
  protected rebuildPage(own: number, bits: number): void {
    const at = this.directoryAt + (own << 1);
    const page = this.directoryWords[at] as number;
    const meta = this.directoryWords[at + 1] as number;
    const depth = meta & 31;
    const oldBits = (meta >>> 5) & 31;
    const grown = this.arena.allocZeroed(8 << bits);
    const from = this.arena.words[page >>> SEGMENT_SHIFT] as Int32Array;
    const fromAt = (page & UNIT_MASK) << 1;
    const to = this.arena.words[grown >>> SEGMENT_SHIFT] as Int32Array;
    const toAt = (grown & UNIT_MASK) << 1;
    for (let i = fromAt, end = fromAt + (2 << oldBits); i < end; i += 2) {
      const entry = from[i + 1] as number;
      if (entry !== NONE) place(to, toAt, depth, bits, from[i] as number, entry);
    }
    this.arena.free(page);
    this.namePage(own, grown, depth, bits, meta >>> USED_SHIFT);
  }

  /** Writes a page's ref and meta into all directory slots that name it. */
  protected namePage(own: number, page: Ref, depth: number, bits: number, used: number): void {
    const first = this.directoryAt + (own << 1);
    const end = first + (2 << (this.depth - depth));
    const meta = (bits << 5) | depth;
    this.finest = 0;
    for (let at = first; at < end; at += 2) {
      this.directoryWords[at] = page;
      this.directoryWords[at + 1] = meta;
    }
    this.directoryWords[first + 1] = meta | (used << USED_SHIFT);
  }

  /** Makes two pages of one, by the next bit of the hashes. */
  protected split(own: number): void {
    const { arena } = this;
    if (((this.directoryWords[this.directoryAt + (own << 1) + 1] as number) & 31) === this.depth) {
      this.resizeDirectory(this.depth + 1);
      own <<= 1;
    }
    const at = this.directoryAt + (own << 1);
    const lower = this.directoryWords[at] as number;
    const meta = this.directoryWords[at + 1] as number;
    const depth = (meta & 31) + 1;
    const bits = (meta >>> 5) & 31;
    const size = 2 << bits;
    if (scratch.length < size) scratch = new Int32Array(size);
    const lowerWords = arena.words[lower >>> SEGMENT_SHIFT] as Int32Array;
    const lowerAt = (lower & UNIT_MASK) << 1;
    scratch.set(lowerWords.subarray(lowerAt, lowerAt + size));
    const upper = arena.allocZeroed(8 << bits);
    const upperWords = arena.words[upper >>> SEGMENT_SHIFT] as Int32Array;
    const upperAt = (upper & UNIT_MASK) << 1;
    lowerWords.fill(0, lowerAt, lowerAt + size);
    let upperUsed = 0;
    for (let i = 0; i < size; i += 2) {
      const entry = scratch[i + 1] as number;
      if (entry === NONE) continue;
      const hash = scratch[i] as number;
      if (hash << (depth - 1) < 0) {
        place(upperWords, upperAt, depth, bits, hash, entry);
        upperUsed++;
      } else {
        place(lowerWords, lowerAt, depth, bits, hash, entry);
      }
    }
    // A page so large is a rarity, and its scratch is not kept.
    if (bits > BITS_MAX) scratch = new Int32Array(2 << BITS_MAX);
    this.namePage(own, lower, depth, bits, (meta >>> USED_SHIFT) - upperUsed);
    this.namePage(own + (1 << (this.depth - depth)), upper, depth, bits, upperUsed);
    if (depth === this.depth) this.headerWords[this.headerAt + DEEPEST]! += 2;
  }

  /** Makes the directory twice as fine, or half: every page keeps its entries. */
  protected resizeDirectory(depth: number): void {
    const { arena, headerWords, headerAt } = this;
    const finer = depth > this.depth;
    const old = headerWords[headerAt + DIRECTORY] as number;
    const from = this.directoryWords;
    const fromAt = this.directoryAt;
    let to = headerWords;
    let toAt = headerAt + INLINE;
    let directory = NONE;
    if (depth > 0) {
      directory = arena.alloc(8 << depth);
      to = arena.words[directory >>> SEGMENT_SHIFT] as Int32Array;
      toAt = (directory & UNIT_MASK) << 1;
    }
    let deepest = 0;
    for (let i = 0; i < 1 << depth; i++) {
      const source = fromAt + ((finer ? i >>> 1 : i << 1) << 1);
      const meta = from[source + 1] as number;
      to[toAt + (i << 1)] = from[source] as number;
      // `used` stands in the first slot of a page only.
      to[toAt + (i << 1) + 1] = finer && (i & 1) === 1 ? meta & ((1 << USED_SHIFT) - 1) : meta;
      if ((meta & 31) === depth) deepest++;
    }
    headerWords[headerAt + STATE] = (this.generation << 8) | depth;
    headerWords[headerAt + DIRECTORY] = directory;
    headerWords[headerAt + DEEPEST] = deepest;
    if (old !== NONE) arena.free(old);
    this.depth = depth;
    this.directoryWords = to;
    this.directoryAt = toAt;
  }

  /** After removals: merges a nearly empty page with its other half, or halves the page. */
  protected shrink(own: number): void {
    const at = this.directoryAt + (own << 1) + 1;
    const meta = this.directoryWords[at] as number;
    const depth = meta & 31;
    const bits = (meta >>> 5) & 31;
    const used = meta >>> USED_SHIFT;
    if (depth > 0) {
      const width = 1 << (this.depth - depth);
      const buddy = own ^ width;
      const buddyMeta = this.directoryWords[this.directoryAt + (buddy << 1) + 1] as number;
      const sum = used + (buddyMeta >>> USED_SHIFT);
      const roomiest = Math.max(bits, (buddyMeta >>> 5) & 31);
      if ((buddyMeta & 31) === depth && sum * 8 < 3 << roomiest) {
        this.merge(Math.min(own, buddy), Math.max(own, buddy), roomiest, sum);
        return;
      }
    }
    if (bits > BITS_MIN) this.rebuildPage(own, bits - 1);
  }

  /** Makes one page of two neighbours. */
  protected merge(lower: number, upper: number, bits: number, used: number): void {
    const { arena } = this;
    const depth = ((this.directoryWords[this.directoryAt + (lower << 1) + 1] as number) & 31) - 1;
    const merged = arena.allocZeroed(8 << bits);
    const to = arena.words[merged >>> SEGMENT_SHIFT] as Int32Array;
    const toAt = (merged & UNIT_MASK) << 1;
    for (const index of [lower, upper]) {
      const at = this.directoryAt + (index << 1);
      const page = this.directoryWords[at] as number;
      const oldBits = ((this.directoryWords[at + 1] as number) >>> 5) & 31;
      const from = arena.words[page >>> SEGMENT_SHIFT] as Int32Array;
      const fromAt = (page & UNIT_MASK) << 1;
      for (let i = fromAt, end = fromAt + (2 << oldBits); i < end; i += 2) {
        const entry = from[i + 1] as number;
        if (entry !== NONE) place(to, toAt, depth, bits, from[i] as number, entry);
      }
      arena.free(page);
    }
    this.namePage(lower, merged, depth, bits, used);
    if (depth + 1 === this.depth) {
      const deepest = (this.headerWords[this.headerAt + DEEPEST] as number) - 2;
      this.headerWords[this.headerAt + DEEPEST] = deepest;
      while (this.depth > 0 && (this.headerWords[this.headerAt + DEEPEST] as number) === 0)
        this.resizeDirectory(this.depth - 1);
    }
  }

  /** Takes a new seed and rebuilds everything. False when that was done at this size already. */
  protected reseed(): boolean {
    const { generation, attachment } = this;
    if (generation > 32 - Math.clz32(this.count)) return false;
    const seed = Math.imul(this.seed ^ (this.seed >>> 15) ^ (generation + 1), 0x2c1b3c6d);
    const fresh = new DictTable(this.arena);
    const mixed = seed ^ (seed >>> 12) ^ 0x297a2d39;
    fresh.attach(DictHeader.create(this.arena, mixed | KEYED_SEED_BIT));
    fresh.setGeneration(33); // No second reseed from within the rebuilding.
    try {
      this.eachEntry((entry) => fresh.insert(entry, fresh.hashOfEntry(entry)));
    } catch (full) {
      fresh.free();
      throw full;
    }
    // Nothing can fail any more: the new table moves into this one's header.
    this.freePagesAndDirectory(0);
    for (let word = 0; word < HEADER_BYTES >>> 2; word++)
      this.headerWords[this.headerAt + word] = fresh.headerWords[fresh.headerAt + word] as number;
    this.setGeneration(generation + 1);
    this.attachment = attachment;
    this.arena.free(fresh.header);
    this.attach(this.header);
    return true;
  }

  /**
   * Gives back the pages of the directory's slots from `from` on that lie below slot `to`. Returns the
   * slot of the first page that is left. Nothing but scan() beyond and free() may follow.
   */
  freePages(from: number, to: number): number {
    let index = from;
    while (index < to) {
      const at = this.directoryAt + (index << 1);
      const next = index + (1 << (this.depth - ((this.directoryWords[at + 1] as number) & 31)));
      if (next > to) break;
      this.arena.free(this.directoryWords[at] as number);
      index = next;
    }
    return index;
  }

  private freePagesAndDirectory(from: number): void {
    this.freePages(from, 1 << this.depth);
    const directory = this.headerWords[this.headerAt + DIRECTORY] as number;
    if (directory !== NONE) this.arena.free(directory);
  }

  /** Gives back the table, not the entries, and forgets it. Pages before slot `from` are free already. */
  free(from = 0): void {
    this.freePagesAndDirectory(from);
    this.arena.free(this.header);
    this.header = NONE;
    this.count = 0;
  }

  /** Reads from every entry on a page, so that their cache misses overlap: see Arena.touch(). */
  private touchPage(page: Int32Array, from: number, end: number): void {
    const { arena } = this;
    let sum = arena.touchedSum;
    for (let i = from; i < end; i += 2) {
      const entry = page[i + 1] as number;
      // What NONE names is there, too.
      sum ^= (arena.words[entry >>> SEGMENT_SHIFT] as Int32Array)[
        (entry & UNIT_MASK) << 1
      ] as number;
    }
    arena.touchedSum = sum;
  }

  /** Calls `visit` with every entry, in no order to rely on. The dict must not change meanwhile. */
  eachEntry(visit: (entry: Ref) => void): void {
    for (let index = 0; index < 1 << this.depth; ) {
      const page = this.directoryWords[this.directoryAt + (index << 1)] as number;
      const meta = this.directoryWords[this.directoryAt + (index << 1) + 1] as number;
      const words = this.arena.words[page >>> SEGMENT_SHIFT] as Int32Array;
      const from = (page & UNIT_MASK) << 1;
      const end = from + (2 << ((meta >>> 5) & 31));
      this.touchPage(words, from, end);
      for (let i = from; i < end; i += 2) {
        const entry = words[i + 1] as number;
        if (entry !== NONE) visit(entry);
      }
      index += 1 << (this.depth - (meta & 31));
    }
  }
}
