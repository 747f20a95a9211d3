/**
 * Arena: all user bytes live here, outside the JavaScript heap.
 *
 * Memory is a list of segments, each one fixed-size ArrayBuffer. A ref is a 32-bit number of
 * 8-byte units: its upper 5 bits name the segment, the lower 27 the unit in it, so a segment is
 * at most 1 GiB and 32 of them make the address space. Refs are kept as *signed* 32-bit numbers,
 * as typed arrays return them; 0 is "none" (NONE), and the first page of the arena is never used.
 *
 *      ref   = sssss uuu uuuuuuuu uuuuuuuu uuuuuuuu
 *      words = arena.words[ref >>> 27],  index of its first word = (ref & 0x7ffffff) << 1
 *
 * A segment is cut in pages of 4 KiB, and pages are grouped into spans:
 *
 *   small   one span holds blocks of one size class (8 B to 16 KiB), 32 or 64 KiB a span;
 *   large   one span is one block of whole pages, found best-fit;
 *   free    a run of unused pages, merged with its neighbours when it becomes free.
 *
 * `pageSpan` says for each page which span it belongs to (for large and free spans only the first
 * and the last page are kept up to date), so free(ref) and blockBytes(ref) need no size and no
 * header in the block: a block costs its class's size and nothing more. The bookkeeping is 4 bytes
 * a page and 32 a span: about 0.2 %.
 *
 * True whenever no method is running (check() verifies it):
 *   - `usedBytes` is the sum of all handed-out blocks' sizes, `pageBytes` of the pages under them;
 *   - every page belongs to exactly one span; two free spans never touch;
 *   - a span with room is on its class's list, a full one is not.
 *
 * Blocks are 8-byte aligned and not zeroed. Untouched pages of a segment cost no resident memory.
 * An empty segment (other than the first) is given back.
 */
import { assert } from "./assert.ts";

/** An address in the arena, as a signed 32-bit number of 8-byte units. */
export type Ref = number;
export const NONE: Ref = 0;

export const SEGMENT_SHIFT = 27;
export const UNIT_MASK = 0x7ffffff;
const PAGE_SHIFT = 9; // 512 units are 4 KiB.
const PAGE_BYTES = 4096;
const PAGES_PER_STRIDE_SHIFT = SEGMENT_SHIFT - PAGE_SHIFT;
const SEGMENT_COUNT_MAX = 32;
const SEGMENT_BYTES_MAX = 2 ** 30;
const SMALL_UNITS_MAX = 2048; // 16 KiB.

/** Bytes that do not fit anywhere any more: thrown by alloc, answered by the server as an OOM. */
export class ArenaFullError extends Error {
  override name = "ArenaFullError";
}

export interface ArenaOptions {
  /** Size of the first segment in bytes; later ones double up to 1 GiB. Default 64 MiB. */
  segmentBytes?: number;
  /** Most bytes that segments may take together. Default 32 GiB. */
  limitBytes?: number;
}

/** Who still needs what hangs on a block, whatever its owner does with it: see table-walk.ts. */
export interface BlockHold {
  /** The owner would free the block and what hangs on it: that is left to the hold. */
  letGo(): void;
  /** The owner is about to change what it has under this name: `entry`, or NONE. */
  beforeChange(entry: Ref, bytes: Uint8Array, view: DataView, start: number, end: number): void;
}

const CLASS_UNITS: number[] = [];
for (let units = 1; units <= 16; units++) CLASS_UNITS.push(units);
for (let base = 16; base < SMALL_UNITS_MAX; base *= 2)
  for (let step = 1; step <= 8; step++) CLASS_UNITS.push(base + (base / 8) * step);
const CLASS_COUNT = CLASS_UNITS.length;
/** Class of a block of so many units. */
const CLASS_OF = new Uint8Array(SMALL_UNITS_MAX + 1);
for (let units = 1, cls = 0; units <= SMALL_UNITS_MAX; units++) {
  if (units > (CLASS_UNITS[cls] as number)) cls++;
  CLASS_OF[units] = cls;
}
const CLASS_SIZE = Int32Array.from(CLASS_UNITS);
/** Pages of a span of each class: 32 KiB, and 64 KiB above 4 KiB a block. */
const CLASS_PAGES = Int32Array.from(CLASS_UNITS, (units) => (units > 512 ? 16 : 8));
const CLASS_BLOCKS = Int32Array.from(CLASS_UNITS, (units, cls) =>
  Math.floor(((CLASS_PAGES[cls] as number) << PAGE_SHIFT) / units),
);

const LARGE = -1;
const FREE = -2;
const UNUSED = -3;
/** Free runs of up to 32 pages have a list each; longer ones share one per power of two. */
const BIN_COUNT = 64;

const NO_BYTES = new Uint8Array(0);
/** Longest copy that is done word by word; beyond, the runtime's own is faster. */
const WRITE_BY_WORDS_MAX = 192;
/** A larger buffer is not remembered: that would keep it alive. */
const SOURCE_KEPT_BYTES_MAX = 2 ** 18;

function binOf(pages: number): number {
  return pages <= 32 ? pages : 32 + (31 - Math.clz32(pages)) - 4;
}

/** Bytes that a block asked for with `bytes` has. */
export function roundedBytes(bytes: number): number {
  const units = (bytes + 7) >>> 3;
  if (units > SMALL_UNITS_MAX) return Math.ceil(bytes / PAGE_BYTES) * PAGE_BYTES;
  return (CLASS_SIZE[CLASS_OF[units] as number] as number) << 3;
}

/** @internal Blocks that a span of the class holds. */
export function spanCapacity(cls: number): number {
  return CLASS_BLOCKS[cls] as number;
}

export class Arena {
  /** The segments, as 32-bit words, bytes, doubles and views over the same memory. */
  readonly words: Int32Array[] = [];
  readonly bytes: Uint8Array[] = [];
  readonly doubles: Float64Array[] = [];
  readonly views: DataView[] = [];
  /** Blocks that somebody else than their owner needs. */
  readonly holds = new Map<Ref, BlockHold>();
  /** Bytes in blocks handed out. */
  usedBytes = 0;
  /** Bytes of the pages that hold them. */
  pageBytes = 0;
  /** Bytes of all segments; most of them may never have been touched. */
  segmentBytes = 0;
  /** Blocks handed out. */
  blockCount = 0;
  /** Highest value that pageBytes has had: what the operating system has seen touched. */
  pagePeakBytes = 0;
  /** @internal What touch() read: it has no meaning, but keeps the reads from being optimised away. */
  touchedSum = 0;

  /** The two buffers that were last copied from, the last one first, and views over them. */
  private lastSource: Uint8Array = NO_BYTES;
  private lastSourceView: DataView = new DataView(NO_BYTES.buffer);
  private priorSource: Uint8Array = NO_BYTES;
  private priorSourceView: DataView = this.lastSourceView;
  private pageSpan: Int32Array = new Int32Array(0);
  /** @internal What evacuation.ts must know of spans: this, spanUsed, spanNext, spanCount, partial. */
  spanClass: Int32Array = new Int32Array(1024).fill(UNUSED);
  private spanPage: Int32Array = new Int32Array(1024);
  private spanPages: Int32Array = new Int32Array(1024);
  spanUsed: Int32Array = new Int32Array(1024);
  private spanFree: Int32Array = new Int32Array(1024);
  private spanBump: Int32Array = new Int32Array(1024);
  spanNext: Int32Array = new Int32Array(1024);
  private spanPrevious: Int32Array = new Int32Array(1024);
  spanCount = 1; // Span 0 is "no span".
  private spanRecycled = 0;
  readonly partial = new Int32Array(CLASS_COUNT);
  private readonly bins = new Int32Array(BIN_COUNT);
  private nextSegmentBytes: number;
  private readonly limitBytes: number;

  constructor(options: ArenaOptions = {}) {
    const first = options.segmentBytes ?? 64 * 2 ** 20;
    assert(
      first >= 65536 && first <= SEGMENT_BYTES_MAX && first % PAGE_BYTES === 0,
      "a segment has 64 KiB to 1 GiB, in whole pages",
    );
    this.nextSegmentBytes = first;
    this.limitBytes = options.limitBytes ?? SEGMENT_COUNT_MAX * SEGMENT_BYTES_MAX;
    this.addSegment(first);
  }

  /** A block of at least `bytes` bytes (at least 1), not zeroed. Throws ArenaFullError. */
  alloc(bytes: number): Ref {
    const units = (bytes + 7) >>> 3;
    if (units > SMALL_UNITS_MAX) return this.allocLarge(bytes);
    const cls = CLASS_OF[units] as number;
    let span = this.partial[cls] as number;
    if (span === 0) span = this.addSpan(cls);
    const size = CLASS_SIZE[cls] as number;
    let ref = this.spanFree[span] as number;
    if (ref !== NONE) {
      const words = this.words[ref >>> SEGMENT_SHIFT] as Int32Array;
      this.spanFree[span] = words[(ref & UNIT_MASK) << 1] as number;
    } else {
      ref = this.spanBump[span] as number;
      this.spanBump[span] = (ref + size) | 0;
    }
    const used = (this.spanUsed[span] as number) + 1;
    this.spanUsed[span] = used;
    if (used === CLASS_BLOCKS[cls]) this.unlinkPartial(span, cls);
    this.usedBytes += size << 3;
    this.blockCount++;
    return ref;
  }

  /** As alloc, with every byte zero. */
  allocZeroed(bytes: number): Ref {
    const ref = this.alloc(bytes);
    const at = (ref & UNIT_MASK) << 1;
    (this.words[ref >>> SEGMENT_SHIFT] as Int32Array).fill(0, at, at + (((bytes + 7) >>> 3) << 1));
    return ref;
  }

  /** Gives a block back. */
  free(ref: Ref): void {
    const span = this.spanOf(ref);
    const cls = this.spanClass[span] as number;
    this.blockCount--;
    if (cls === LARGE) {
      const pages = this.spanPages[span] as number;
      this.usedBytes -= pages * PAGE_BYTES;
      this.releasePages(span);
      return;
    }
    assert(cls >= 0, "only a block that was handed out can be freed");
    this.usedBytes -= (CLASS_SIZE[cls] as number) << 3;
    const used = (this.spanUsed[span] as number) - 1;
    this.spanUsed[span] = used;
    if (used === 0) {
      // The last span of a class stays, so that one key coming and going costs no page work.
      // (No class has a single block a span, so an empty span was on its list before.)
      if (this.partial[cls] !== span || this.spanNext[span] !== 0) {
        this.unlinkPartial(span, cls);
        this.releasePages(span);
        return;
      }
      this.spanFree[span] = NONE;
      this.spanBump[span] = ((this.spanPage[span] as number) << PAGE_SHIFT) | 0;
      return;
    }
    const words = this.words[ref >>> SEGMENT_SHIFT] as Int32Array;
    words[(ref & UNIT_MASK) << 1] = this.spanFree[span] as number;
    this.spanFree[span] = ref;
    if (used + 1 === CLASS_BLOCKS[cls]) this.linkPartial(span, cls);
  }

  /** Bytes that the block at `ref` really has: at least what was asked for. */
  blockBytes(ref: Ref): number {
    const span = this.spanOf(ref);
    const cls = this.spanClass[span] as number;
    return cls === LARGE
      ? (this.spanPages[span] as number) * PAGE_BYTES
      : (CLASS_SIZE[cls] as number) << 3;
  }

  /**
   * A block of at least `bytes` bytes whose first `keepBytes` are those of `ref`; the same block
   * when its size class already fits, or when there is no room for a smaller one. `ref` is void afterwards unless it is what was returned.
   */
  resize(ref: Ref, bytes: number, keepBytes: number): Ref {
    const has = this.blockBytes(ref);
    if (roundedBytes(bytes) === has) return ref;
    let moved: Ref;
    try {
      moved = this.alloc(bytes);
    } catch (full) {
      // Becoming smaller must not fail: then the block stays larger than it would have to be.
      if (bytes <= has && full instanceof ArenaFullError) return ref;
      throw full;
    }
    this.copy(moved, 0, ref, 0, keepBytes);
    this.free(ref);
    return moved;
  }

  /** Copies `length` bytes between two blocks, or within one; the ranges may overlap. */
  copy(to: Ref, toOffset: number, from: Ref, fromOffset: number, length: number): void {
    if (length === 0) return;
    const target = this.bytes[to >>> SEGMENT_SHIFT] as Uint8Array;
    const source = this.bytes[from >>> SEGMENT_SHIFT] as Uint8Array;
    const targetAt = ((to & UNIT_MASK) << 3) + toOffset;
    const sourceAt = ((from & UNIT_MASK) << 3) + fromOffset;
    if (target === source) target.copyWithin(targetAt, sourceAt, sourceAt + length);
    else target.set(source.subarray(sourceAt, sourceAt + length), targetAt);
  }

  /** Copies source[start, end) into the block at `to`, from byte `toOffset` on. */
  write(to: Ref, toOffset: number, source: Uint8Array, start: number, end: number): void {
    const length = end - start;
    let at = ((to & UNIT_MASK) << 3) + toOffset;
    if (
      length > WRITE_BY_WORDS_MAX ||
      (length > 8 && source !== this.lastSource && !this.knowsSource(source))
    ) {
      const target = this.bytes[to >>> SEGMENT_SHIFT] as Uint8Array;
      target.set(start === 0 && end === source.length ? source : source.subarray(start, end), at);
      return;
    }
    let from = start;
    if (length > 8) {
      // Eight bytes at a time: a sixth of what the call into the runtime costs that set() makes.
      // Requests come in the same buffer again and again, so its view is kept.
      const view = this.lastSourceView;
      const target = this.views[to >>> SEGMENT_SHIFT] as DataView;
      for (; from + 8 <= end; from += 8, at += 8)
        target.setBigInt64(at, view.getBigInt64(from, true), true);
    }
    const target = this.bytes[to >>> SEGMENT_SHIFT] as Uint8Array;
    while (from < end) target[at++] = source[from++] as number;
  }

  /**
   * Puts `source` in front of the buffers that are remembered. False when it is copied from for
   * the first time. A file being loaded alternates between its bytes and decompressed strings.
   */
  private knowsSource(source: Uint8Array): boolean {
    const isKnown = source === this.priorSource;
    if (!isKnown && source.length > SOURCE_KEPT_BYTES_MAX) return false;
    const view = isKnown
      ? this.priorSourceView
      : new DataView(source.buffer, source.byteOffset, source.byteLength);
    this.priorSource = this.lastSource;
    this.priorSourceView = this.lastSourceView;
    this.lastSource = source;
    this.lastSourceView = view;
    return isKnown;
  }

  /**
   * Reads a word at each of the first `count` refs, and one 32 bytes on: a key and a short value,
   * or the slots that are probed next, reach into the next cache line as often as not.
   *
   * A processor overlaps the cache misses of as many reads as it can look ahead to, a few hundred
   * instructions. So this loop does nothing else, and callers touch a dozen or more at a time.
   */
  touch(refs: Int32Array, count: number): void {
    const { words } = this;
    let sum = this.touchedSum;
    for (let i = 0; i < count; i++) {
      const ref = refs[i] as number;
      const segment = words[ref >>> SEGMENT_SHIFT] as Int32Array;
      const at = (ref & UNIT_MASK) << 1;
      // Past the end of a segment there is nothing to read, and undefined counts as 0.
      sum ^= (segment[at] as number) ^ (segment[at + 8] as number);
    }
    this.touchedSum = sum;
  }

  /** @internal */
  spanOf(ref: Ref): number {
    const page = ref >>> PAGE_SHIFT;
    assert(ref !== NONE && page < this.pageSpan.length, "a ref lies inside the arena");
    return this.pageSpan[page] as number;
  }

  /** @internal */
  linkPartial(span: number, cls: number): void {
    const head = this.partial[cls] as number;
    this.spanNext[span] = head;
    this.spanPrevious[span] = 0;
    if (head !== 0) this.spanPrevious[head] = span;
    this.partial[cls] = span;
  }

  /** @internal */
  unlinkPartial(span: number, cls: number): void {
    const next = this.spanNext[span] as number;
    const previous = this.spanPrevious[span] as number;
    if (previous !== 0) this.spanNext[previous] = next;
    else this.partial[cls] = next;
    if (next !== 0) this.spanPrevious[next] = previous;
    this.spanNext[span] = 0;
    this.spanPrevious[span] = 0;
  }

  private addSpan(cls: number): number {
    const pages = CLASS_PAGES[cls] as number;
    const span = this.takePages(pages);
    const page = this.spanPage[span] as number;
    this.spanClass[span] = cls;
    this.spanUsed[span] = 0;
    this.spanFree[span] = NONE;
    this.spanBump[span] = (page << PAGE_SHIFT) | 0;
    this.pageSpan.fill(span, page, page + pages);
    this.linkPartial(span, cls);
    return span;
  }

  private allocLarge(bytes: number): Ref {
    if (!(bytes <= SEGMENT_BYTES_MAX - PAGE_BYTES)) throw new ArenaFullError("block over 1 GiB");
    const span = this.takePages(Math.ceil(bytes / PAGE_BYTES));
    this.spanClass[span] = LARGE;
    this.usedBytes += (this.spanPages[span] as number) * PAGE_BYTES;
    this.blockCount++;
    return ((this.spanPage[span] as number) << PAGE_SHIFT) | 0;
  }

  /** Takes a run of exactly `pages` pages out of the free ones; its class is set by the caller. */
  private takePages(pages: number): number {
    let span = this.findRun(pages);
    if (span === 0) {
      this.addSegment(pages * PAGE_BYTES);
      span = this.findRun(pages);
      assert(span !== 0, "a new segment has room for what it was made for");
    }
    this.unlinkRun(span);
    const page = this.spanPage[span] as number;
    const rest = (this.spanPages[span] as number) - pages;
    if (rest > 0) {
      this.setRun(span, page, pages);
      this.linkRun(this.newSpan(), page + pages, rest);
    }
    this.pageBytes += pages * PAGE_BYTES;
    if (this.pageBytes > this.pagePeakBytes) this.pagePeakBytes = this.pageBytes;
    return span;
  }

  /** The smallest free run of at least `pages` pages (to within its list), or 0. */
  private findRun(pages: number): number {
    for (let bin = binOf(pages); bin < BIN_COUNT; bin++) {
      let best = 0;
      let steps = 0;
      for (let span = this.bins[bin] as number; span !== 0; span = this.spanNext[span] as number) {
        const size = this.spanPages[span] as number;
        if (size === pages) return span;
        if (size > pages && (best === 0 || size < (this.spanPages[best] as number))) best = span;
        if (++steps === 64 && best !== 0) break; // Good enough: bounds the search.
      }
      if (best !== 0) return best;
    }
    return 0;
  }

  /** @internal Turns a used span into a free run, merged with the free runs on both sides. */
  releasePages(span: number): void {
    let page = this.spanPage[span] as number;
    let pages = this.spanPages[span] as number;
    this.pageBytes -= pages * PAGE_BYTES;
    const segment = page >>> PAGES_PER_STRIDE_SHIFT;
    const first = segment << PAGES_PER_STRIDE_SHIFT;
    const last = first + (this.bytes[segment] as Uint8Array).length / PAGE_BYTES;
    if (page + pages < last) {
      const after = this.pageSpan[page + pages] as number;
      if (this.spanClass[after] === FREE) {
        pages += this.spanPages[after] as number;
        this.unlinkRun(after);
        this.recycleSpan(after);
      }
    }
    if (page > first) {
      const before = this.pageSpan[page - 1] as number;
      if (before !== 0 && this.spanClass[before] === FREE) {
        page = this.spanPage[before] as number;
        pages += this.spanPages[before] as number;
        this.unlinkRun(before);
        this.recycleSpan(before);
      }
    }
    this.linkRun(span, page, pages);
    if (segment > 0 && page === first && page + pages === last) this.dropSegment(segment, span);
  }

  private setRun(span: number, page: number, pages: number): void {
    this.spanPage[span] = page;
    this.spanPages[span] = pages;
    this.pageSpan[page] = span;
    this.pageSpan[page + pages - 1] = span;
  }

  private linkRun(span: number, page: number, pages: number): void {
    this.setRun(span, page, pages);
    this.spanClass[span] = FREE;
    const bin = binOf(pages);
    const head = this.bins[bin] as number;
    this.spanNext[span] = head;
    this.spanPrevious[span] = 0;
    if (head !== 0) this.spanPrevious[head] = span;
    this.bins[bin] = span;
  }

  private unlinkRun(span: number): void {
    const next = this.spanNext[span] as number;
    const previous = this.spanPrevious[span] as number;
    if (previous !== 0) this.spanNext[previous] = next;
    else this.bins[binOf(this.spanPages[span] as number)] = next;
    if (next !== 0) this.spanPrevious[next] = previous;
    this.spanNext[span] = 0;
    this.spanPrevious[span] = 0;
  }

  private newSpan(): number {
    const recycled = this.spanRecycled;
    if (recycled !== 0) {
      this.spanRecycled = this.spanNext[recycled] as number;
      this.spanNext[recycled] = 0;
      return recycled;
    }
    if (this.spanCount === this.spanClass.length) {
      const size = this.spanCount * 2;
      this.spanClass = grown(this.spanClass, size).fill(UNUSED, this.spanCount);
      this.spanPage = grown(this.spanPage, size);
      this.spanPages = grown(this.spanPages, size);
      this.spanUsed = grown(this.spanUsed, size);
      this.spanFree = grown(this.spanFree, size);
      this.spanBump = grown(this.spanBump, size);
      this.spanNext = grown(this.spanNext, size);
      this.spanPrevious = grown(this.spanPrevious, size);
    }
    return this.spanCount++;
  }

  private recycleSpan(span: number): void {
    this.spanClass[span] = UNUSED;
    this.spanNext[span] = this.spanRecycled;
    this.spanRecycled = span;
  }

  private addSegment(atLeastBytes: number): void {
    let segment = this.bytes.findIndex((bytes) => bytes.length === 0);
    if (segment === -1) segment = this.bytes.length;
    const needed = Math.ceil(atLeastBytes / PAGE_BYTES) * PAGE_BYTES;
    const size = Math.max(this.nextSegmentBytes, needed);
    if (segment === SEGMENT_COUNT_MAX || this.segmentBytes + size > this.limitBytes) {
      throw new ArenaFullError("the arena's address space is used up");
    }
    let buffer: ArrayBuffer;
    try {
      buffer = new ArrayBuffer(size);
    } catch {
      throw new ArenaFullError(`the operating system has no ${size} bytes for a segment`);
    }
    this.words[segment] = new Int32Array(buffer);
    this.bytes[segment] = new Uint8Array(buffer);
    this.doubles[segment] = new Float64Array(buffer);
    this.views[segment] = new DataView(buffer);
    this.segmentBytes += size;
    this.nextSegmentBytes = Math.min(SEGMENT_BYTES_MAX, Math.max(size, this.segmentBytes));
    const first = segment << PAGES_PER_STRIDE_SHIFT;
    const pages = size / PAGE_BYTES;
    if (this.pageSpan.length < first + pages) this.pageSpan = grown(this.pageSpan, first + pages);
    // Page 0 of segment 0 stays unused, so that no block has ref 0.
    const skip = segment === 0 ? 1 : 0;
    this.linkRun(this.newSpan(), first + skip, pages - skip);
  }

  private dropSegment(segment: number, span: number): void {
    this.unlinkRun(span);
    this.recycleSpan(span);
    const bytes = this.bytes[segment] as Uint8Array;
    this.segmentBytes -= bytes.length;
    this.words[segment] = new Int32Array(0);
    this.bytes[segment] = new Uint8Array(0);
    this.doubles[segment] = new Float64Array(0);
    this.views[segment] = new DataView(new ArrayBuffer(0));
    this.nextSegmentBytes = Math.min(SEGMENT_BYTES_MAX, bytes.length);
  }

  /** Throws unless every promise in the header holds. For tests and fuzzers: slow. */
  check(): void {
    let used = 0;
    let blocks = 0;
    let held = 0;
    for (let segment = 0; segment < this.bytes.length; segment++) {
      const first = segment << PAGES_PER_STRIDE_SHIFT;
      const last = first + (this.bytes[segment] as Uint8Array).length / PAGE_BYTES;
      let afterFree = false;
      for (let page = first + (segment === 0 ? 1 : 0); page < last; ) {
        const span = this.pageSpan[page] as number;
        const pages = this.spanPages[span] as number;
        const cls = this.spanClass[span] as number;
        assert(this.spanPage[span] === page && pages > 0, "spans tile the segment");
        assert(this.pageSpan[page + pages - 1] === span, "a span's last page names it");
        assert(!(afterFree && cls === FREE), "two free runs never touch");
        afterFree = cls === FREE;
        if (cls !== FREE) held += pages * PAGE_BYTES;
        if (cls === LARGE) {
          used += pages * PAGE_BYTES;
          blocks++;
        } else if (cls >= 0) {
          used += this.checkSpan(span, cls);
          blocks += this.spanUsed[span] as number;
        }
        page += pages;
      }
    }
    assert(used === this.usedBytes, "usedBytes is the sum of the blocks");
    assert(blocks === this.blockCount, "blockCount counts the blocks");
    assert(held === this.pageBytes, "pageBytes is the sum of the used spans");
  }

  private checkSpan(span: number, cls: number): number {
    const size = CLASS_SIZE[cls] as number;
    const start = (this.spanPage[span] as number) << PAGE_SHIFT;
    const bumped = (((this.spanBump[span] as number) >>> 0) - (start >>> 0)) / size;
    let free = 0;
    for (let ref = this.spanFree[span] as number; ref !== NONE; free++) {
      assert(this.spanOf(ref) === span, "a free block lies in its span");
      assert(free <= bumped, "the free list is finite");
      ref = (this.words[ref >>> SEGMENT_SHIFT] as Int32Array)[(ref & UNIT_MASK) << 1] as number;
    }
    const used = this.spanUsed[span] as number;
    assert(bumped - free === used, "free and used blocks add up");
    let listed = false;
    for (let at = this.partial[cls] as number; at !== 0; at = this.spanNext[at] as number)
      if (at === span) listed = true;
    assert(listed === used < (CLASS_BLOCKS[cls] as number), "a span with room is listed");
    return used * (size << 3);
  }
}

function grown(array: Int32Array, size: number): Int32Array {
  const larger = new Int32Array(size);
  larger.set(array);
  return larger;
}
