/**
 * Arena: all user bytes live here, outside the JavaScript heap.
 *
 * Memory is a list of segments (segments.ts), each one ArrayBuffer. A ref is a 32-bit number of
 * 8-byte units: its upper 5 bits name the segment, the lower 27 the unit in it. Refs are kept as
 * *signed* 32-bit numbers, as typed arrays return them; 0 is "none" (NONE), and the first page of
 * the arena is never used.
 *
 *      ref   = sssss uuu uuuuuuuu uuuuuuuu uuuuuuuu
 *      words = arena.words[ref >>> 27],  index of its first word = (ref & 0x7ffffff) << 1
 *
 * A segment is cut in pages of 4 KiB, and pages are grouped into spans (page-spans.ts). A block of
 * up to 16 KiB shares its span with others of its size class, a larger one has a span to itself. As
 * a page tells its span and a span its class, free(ref) and blockBytes(ref) need no size and no
 * header in the block: a block costs its class's size (block-size.ts) and nothing more.
 *
 * True whenever no method is running (check() verifies it):
 *   - `usedBytes` is the sum of all handed-out blocks' sizes, `pageBytes` of the pages under them;
 *   - every page belongs to exactly one span; two free spans never touch;
 *   - a span with room is on its class's list, a full one is not, and an empty one is there alone;
 *   - no segment but the first holds nothing but empty spans.
 *
 * Blocks are 8-byte aligned and not zeroed. A size that no block can have is refused, as is one
 * for which there is no room, before anything has changed.
 */
import { assert } from "../assert.ts";
import {
  BLOCK_BYTES_MAX,
  CLASS_BLOCKS,
  CLASS_COUNT,
  CLASS_OF,
  CLASS_PAGES,
  CLASS_SIZE,
  PAGE_BYTES,
  PAGE_SHIFT,
  pagesFor,
  roundedBytes,
  SMALL_BYTES_MAX,
} from "./block-size.ts";
import { LARGE, PageSpans } from "./page-spans.ts";
import { ArenaFullError, type ArenaOptions, SEGMENT_SHIFT, UNIT_MASK } from "./segments.ts";

export { BLOCK_BYTES_MAX, roundedBytes, SMALL_BYTES_MAX } from "./block-size.ts";
export {
  type AdviseMemory,
  ArenaFullError,
  type ArenaOptions,
  type ReleaseMemory,
  SEGMENT_SHIFT,
  UNIT_MASK,
} from "./segments.ts";

/** An address in the arena, as a signed 32-bit number of 8-byte units. */
export type Ref = number;
/** The ref of no block. */
export const NONE: Ref = 0;

/** How much of a segment is in use: bytes in blocks, in no page in use, and ever touched. */
export interface SegmentUse {
  /** The segment's number. */
  readonly segment: number;
  /** Bytes in blocks that are handed out, or in pages under them. */
  liveBytes: number;
  /** Bytes in pages that no span uses. */
  readonly freeBytes: number;
  /** Of these, bytes in pages that one has used before. */
  readonly looseBytes: number;
  /** Bytes in pages that were ever used: what the operating system has given. */
  readonly touchedBytes: number;
}

/** Who still needs what hangs on a block, whatever its owner does with it: see values/table-walk.ts. */
export interface BlockHold {
  /** The owner would free the block and what hangs on it, `bytes` in all: that is left to the hold. */
  letGo(bytes: number): void;
  /** The owner is about to change what it has under this name: `element`, or NONE. */
  beforeChange(element: Ref, bytes: Uint8Array, view: DataView, start: number, end: number): void;
}

const NO_BYTES = new Uint8Array(0);
/** Longest copy that is done word by word; beyond, the runtime's own is faster. */
const WRITE_BY_WORDS_MAX = 192;
/** So many words are zeroed one by one. */
const FEW_WORDS = 64;
/** A larger buffer is not remembered: that would keep it alive. */
const SOURCE_KEPT_BYTES_MAX = 2 ** 18;

/** Pages of the largest span. */
const SPAN_PAGES_MAX = CLASS_PAGES.reduce((most, pages) => Math.max(most, pages), 0);
/** Pages of one span of each class: what may lie empty in a segment, waiting for the next block. */
const IDLE_PAGES_MAX = CLASS_PAGES.reduce((sum, pages) => sum + pages, 0);

/** @internal Blocks that a span of the class holds. */
export function spanCapacity(sizeClass: number): number {
  return CLASS_BLOCKS[sizeClass] as number;
}

/** Blocks of memory by ref: see the head of this file. */
export class Arena extends PageSpans {
  /** Blocks that somebody else than their owner needs. */
  readonly holds = new Map<Ref, BlockHold>();
  /** Of the bytes handed out, about as many are there for snapshots alone: their owners have let them go. */
  heldBytes = 0;
  /** Bytes in blocks handed out. */
  usedBytes = 0;
  /** Blocks handed out. */
  blockCount = 0;
  /** @internal What touch() read: it has no meaning, but keeps the reads from being optimised away. */
  touchedSum = 0;

  /** The two buffers that were last copied from, the last one first, and views over them. */
  private lastSource: Uint8Array = NO_BYTES;
  private lastSourceView: DataView = new DataView(NO_BYTES.buffer);
  private priorSource: Uint8Array = NO_BYTES;
  private priorSourceView: DataView = this.lastSourceView;

  constructor(options: ArenaOptions = {}) {
    const first = options.segmentBytes;
    assert(
      first === undefined || (first >= 65536 && first <= 2 ** 30 && first % PAGE_BYTES === 0),
      "a segment has 64 KiB to 1 GiB, in whole pages",
    );
    super(options);
  }

  /**
   * Counts an estimate of what a snapshot alone is left with, as far as so much is handed out: an estimate
   * that is too high must not hide what comes after it. Returns by how much `heldBytes` grew.
   */
  countHeld(estimatedBytes: number): number {
    const bytes = Math.min(estimatedBytes, this.usedBytes - this.heldBytes);
    if (bytes <= 0) return 0;
    this.heldBytes += bytes;
    return bytes;
  }

  /** A block of at least `bytes` bytes, not zeroed. Throws ArenaFullError. */
  alloc(bytes: number): Ref {
    // In numbers, before any shift: what is beyond 32 bits must not look small.
    if (!(bytes >= 0 && bytes <= SMALL_BYTES_MAX)) return this.allocLarge(bytes);
    const sizeClass = CLASS_OF[(bytes + 7) >>> 3] as number;
    let span = this.partial[sizeClass] as number;
    if (span === 0 || this.leftSegments !== 0) span = this.spanToFill(sizeClass);
    const size = CLASS_SIZE[sizeClass] as number;
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
    if (used === CLASS_BLOCKS[sizeClass]) this.unlinkPartial(span, sizeClass);
    this.usedBytes += size << 3;
    this.blockCount++;
    return ref;
  }

  /** As alloc, with every byte zero. */
  allocZeroed(bytes: number): Ref {
    const ref = this.alloc(bytes);
    const words = this.words[ref >>> SEGMENT_SHIFT] as Int32Array;
    const at = (ref & UNIT_MASK) << 1;
    const end = at + (((bytes + 7) >>> 3) << 1);
    // fill() is a call into the runtime, which takes as long as a small table otherwise does.
    if (end - at > FEW_WORDS) words.fill(0, at, end);
    else for (let i = at; i < end; i++) words[i] = 0;
    return ref;
  }

  /** Gives a block back. */
  free(ref: Ref): void {
    const span = this.spanOf(ref);
    const sizeClass = this.spanClass[span] as number;
    this.blockCount--;
    if (sizeClass === LARGE) {
      const pages = this.spanPages[span] as number;
      this.usedBytes -= pages * PAGE_BYTES;
      this.releasePages(span);
      return;
    }
    assert(sizeClass >= 0, "only a block that was handed out can be freed");
    this.usedBytes -= (CLASS_SIZE[sizeClass] as number) << 3;
    const used = (this.spanUsed[span] as number) - 1;
    this.spanUsed[span] = used;
    if (used === 0) {
      // The last span of a class stays, so that one key coming and going costs no page work.
      // (No class has a single block a span, so an empty span was on its list before.)
      if (this.partial[sizeClass] !== span || this.spanNext[span] !== 0) {
        this.unlinkPartial(span, sizeClass);
        this.releasePages(span);
        return;
      }
      this.spanFree[span] = NONE;
      this.spanBump[span] = ((this.spanPage[span] as number) << PAGE_SHIFT) | 0;
      const segment = ref >>> SEGMENT_SHIFT;
      if (segment !== 0) this.segmentSank(segment);
      return;
    }
    const words = this.words[ref >>> SEGMENT_SHIFT] as Int32Array;
    words[(ref & UNIT_MASK) << 1] = this.spanFree[span] as number;
    this.spanFree[span] = ref;
    if (used + 1 === CLASS_BLOCKS[sizeClass]) {
      const head = this.partial[sizeClass] as number;
      if (this.leftSegments !== 0 && head !== 0 && this.isLeft(span)) {
        // What is new shall go on landing where it does.
        this.unlinkPartial(head, sizeClass);
        this.linkPartial(span, sizeClass);
        this.linkPartial(head, sizeClass);
      } else {
        this.linkPartial(span, sizeClass);
      }
      // One that was kept empty has company now.
      if (head !== 0 && this.spanUsed[head] === 0) this.releaseSpan(head, sizeClass);
    }
  }

  private releaseSpan(span: number, sizeClass: number): void {
    this.unlinkPartial(span, sizeClass);
    this.releasePages(span);
  }

  /** Gives up the empty spans of a segment in which there is nothing else. */
  protected override segmentSank(segment: number): void {
    const used = this.usedPages[segment] as number;
    if (used > IDLE_PAGES_MAX) return;
    let idle = 0;
    for (let sizeClass = 0; sizeClass < CLASS_COUNT; sizeClass++) {
      const span = this.partial[sizeClass] as number;
      if (this.isIdleIn(span, segment)) idle += CLASS_PAGES[sizeClass] as number;
    }
    if (idle !== used) return;
    // The first one to go calls this again for the rest; so there may be none left.
    for (let sizeClass = 0; sizeClass < CLASS_COUNT; sizeClass++) {
      const span = this.partial[sizeClass] as number;
      if (this.isIdleIn(span, segment)) this.releaseSpan(span, sizeClass);
    }
  }

  private isIdleIn(span: number, segment: number): boolean {
    return span !== 0 && this.spanUsed[span] === 0 && this.segmentOf(span) === segment;
  }

  /** Bytes that the block at `ref` really has: at least what was asked for. */
  blockBytes(ref: Ref): number {
    const span = this.spanOf(ref);
    const sizeClass = this.spanClass[span] as number;
    return sizeClass === LARGE
      ? (this.spanPages[span] as number) * PAGE_BYTES
      : (CLASS_SIZE[sizeClass] as number) << 3;
  }

  /**
   * A block of at least `bytes` bytes whose first `keepBytes` are those of `ref`; the same block
   * when its size class already fits, or when there is no room for a smaller one. `ref` is void
   * afterwards unless it is what was returned.
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

  /** @internal The span that a block lies on. */
  spanOf(ref: Ref): number {
    const page = ref >>> PAGE_SHIFT;
    assert(ref !== NONE && page < this.pageSpan.length, "a ref lies inside the arena");
    return this.pageSpan[page] as number;
  }

  /** @internal Puts a span in front of those of its class that have room. */
  linkPartial(span: number, sizeClass: number): void {
    const head = this.partial[sizeClass] as number;
    this.spanNext[span] = head;
    this.spanPrevious[span] = 0;
    if (head !== 0) this.spanPrevious[head] = span;
    this.partial[sizeClass] = span;
  }

  /** @internal Takes a span off the list of those with room. */
  unlinkPartial(span: number, sizeClass: number): void {
    const next = this.spanNext[span] as number;
    const previous = this.spanPrevious[span] as number;
    if (previous !== 0) this.spanNext[previous] = next;
    else this.partial[sizeClass] = next;
    if (next !== 0) this.spanPrevious[next] = previous;
    this.spanNext[span] = 0;
    this.spanPrevious[span] = 0;
  }

  /** The first span with room, in a segment that is not being left if there can be one. */
  private spanToFill(sizeClass: number): number {
    const head = this.partial[sizeClass] as number;
    if (head === 0) return this.addSpan(sizeClass);
    if (this.isLeft(head)) this.beginElsewhere(sizeClass);
    return this.partial[sizeClass] as number;
  }

  private addSpan(sizeClass: number): number {
    const span = this.takeSpan(sizeClass);
    this.spanUsed[span] = 0;
    this.spanFree[span] = NONE;
    this.spanBump[span] = ((this.spanPage[span] as number) << PAGE_SHIFT) | 0;
    this.linkPartial(span, sizeClass);
    return span;
  }

  /**
   * True when so many blocks of up to SMALL_BYTES_MAX bytes can be had, one after the other, for
   * sure: each may need a span of its own, and they all fit in one free run.
   */
  hasRoomFor(blocks: number): boolean {
    return this.hasRun(blocks * SPAN_PAGES_MAX);
  }

  /** @internal Moves the class's spans in segments that are being left behind its other ones. */
  listLeftLast(sizeClass: number): number {
    const others: number[] = [];
    let count = 0;
    for (let span = this.partial[sizeClass] as number; span !== 0; count++) {
      const next = this.spanNext[span] as number;
      if (!this.isLeft(span)) {
        this.unlinkPartial(span, sizeClass);
        others.push(span);
      }
      span = next;
    }
    for (const span of others) this.linkPartial(span, sizeClass);
    return count;
  }

  /** @internal True when alloc(bytes) will find room outside the segments that are being left. */
  hasRoomElsewhere(bytes: number): boolean {
    if (bytes > SMALL_BYTES_MAX)
      return this.findRun(pagesFor(bytes)) !== 0 || this.growElsewhere(pagesFor(bytes));
    return this.beginElsewhere(CLASS_OF[(bytes + 7) >>> 3] as number);
  }

  /** Puts a span of the class in front that lies in no segment that is being left, if there can be one. */
  private beginElsewhere(sizeClass: number): boolean {
    const head = this.partial[sizeClass] as number;
    if (head !== 0 && !this.isLeft(head)) return true;
    const pages = CLASS_PAGES[sizeClass] as number;
    if (this.findRun(pages) === 0 && !this.growElsewhere(pages)) return false;
    if (head !== 0 && this.spanUsed[head] === 0) this.releaseSpan(head, sizeClass);
    // A new span stands first in its list.
    this.addSpan(sizeClass);
    return true;
  }

  /** @internal How much of each segment is in use: `exactly` in blocks, or else in pages, which is quick. */
  segmentUses(exactly: boolean): SegmentUse[] {
    const uses: SegmentUse[] = [];
    for (let segment = 0; segment < this.bytes.length; segment++) {
      const pages = this.pagesOf(segment);
      if (pages === 0) continue;
      const used = this.usedPages[segment] as number;
      const touched = this.touchedPages[segment] as number;
      uses[segment] = {
        segment,
        liveBytes: exactly ? 0 : used * PAGE_BYTES,
        freeBytes: (pages - used) * PAGE_BYTES,
        looseBytes: (touched - used) * PAGE_BYTES,
        touchedBytes: touched * PAGE_BYTES,
      };
    }
    if (exactly) this.addLiveBytes(uses);
    return uses.filter((use) => use !== undefined);
  }

  private addLiveBytes(uses: SegmentUse[]): void {
    for (let span = 1; span < this.spanCount; span++) {
      const sizeClass = this.spanClass[span] as number;
      if (sizeClass < LARGE) continue;
      const use = uses[this.segmentOf(span)] as SegmentUse;
      if (sizeClass === LARGE) use.liveBytes += (this.spanPages[span] as number) * PAGE_BYTES;
      else
        use.liveBytes += (this.spanUsed[span] as number) * ((CLASS_SIZE[sizeClass] as number) << 3);
    }
  }

  private allocLarge(bytes: number): Ref {
    assert(bytes >= 0, "a block has a size");
    if (!(bytes <= BLOCK_BYTES_MAX)) throw new ArenaFullError("no block is that large");
    const span = this.takeLarge(bytes);
    this.spanClass[span] = LARGE;
    this.usedBytes += (this.spanPages[span] as number) * PAGE_BYTES;
    this.blockCount++;
    return ((this.spanPage[span] as number) << PAGE_SHIFT) | 0;
  }

  /** Throws unless every promise in the header holds. For tests and fuzzers: slow. */
  check(): void {
    let used = 0;
    let blocks = 0;
    const livePages = new Map<number, number>();
    this.eachSpan((span) => {
      const sizeClass = this.spanClass[span] as number;
      const pages = this.spanPages[span] as number;
      const segment = this.segmentOf(span);
      let isLive = false;
      if (sizeClass === LARGE) {
        used += pages * PAGE_BYTES;
        blocks++;
        isLive = true;
      } else if (sizeClass >= 0) {
        used += this.checkSpan(span, sizeClass);
        blocks += this.spanUsed[span] as number;
        isLive = (this.spanUsed[span] as number) > 0;
      }
      livePages.set(segment, (livePages.get(segment) ?? 0) + (isLive ? pages : 0));
    });
    for (const [segment, pages] of livePages)
      assert(segment === 0 || pages > 0, "a segment with nothing in it is given back");
    assert(used === this.usedBytes, "usedBytes is the sum of the blocks");
    assert(blocks === this.blockCount, "blockCount counts the blocks");
  }

  private checkSpan(span: number, sizeClass: number): number {
    const size = CLASS_SIZE[sizeClass] as number;
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
    const isAlone = this.partial[sizeClass] === span && this.spanNext[span] === 0;
    assert(used > 0 || isAlone, "an empty span is on its list alone");
    let listed = false;
    for (let at = this.partial[sizeClass] as number; at !== 0; at = this.spanNext[at] as number)
      if (at === span) listed = true;
    assert(listed === used < (CLASS_BLOCKS[sizeClass] as number), "a span with room is listed");
    return used * (size << 3);
  }
}
