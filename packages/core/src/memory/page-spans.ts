/**
 * Page spans: who has which pages. Each page of each segment belongs to exactly one span:
 *
 *   small   blocks of one size class (block-size.ts), 32 to 64 KiB a span;
 *   large   one block of whole pages, found best-fit;
 *   free    a run of unused pages, merged with its neighbours when it becomes free.
 *
 * `pageSpan` says for each page which span it belongs to (for large and free spans only the first
 * and the last page are kept up to date). The bookkeeping is 4 bytes a page and 32 a span: about
 * 0.2 %. Free runs hang on lists by their length. Two free runs never touch.
 *
 * A segment without a used page (other than the first) is given back.
 *
 * Whoever has more than one segment to speak of may come to have all of them, and to copy these books
 * each time that they become too small would be a stop of many milliseconds. So they get their full
 * length at once: what is never written of it is only addresses.
 */
import { assert } from "../assert.ts";
import { CLASS_COUNT, CLASS_PAGES, PAGE_BYTES, pagesFor } from "./block-size.ts";
import {
  ArenaFullError,
  type ArenaOptions,
  MEASURED_BYTES_MIN,
  PAGES_PER_STRIDE_SHIFT,
  SEGMENT_COUNT_MAX,
  Segments,
} from "./segments.ts";

/** What spanClass says of a span that is not of a size class. */
export const LARGE = -1;
const FREE = -2;
const UNUSED = -3;
/** Free runs of up to 32 pages have a list each; longer ones share one per power of two. */
const BIN_COUNT = 64;
/** With a second segment of so many pages the books get their full length. */
const RESERVED_FROM_PAGES = 2048;
/** As many spans as 32 GiB have when each is of 32 KiB. With more, the books are copied after all. */
const SPANS_RESERVED = 2 ** 20;
/** Arrays with a number for each span. */
const SPAN_BOOKS = 8;
/** Runs that are looked at for a better fit once there is one that does. */
const SEARCH_MAX = 64;

function binOf(pages: number): number {
  return pages <= 32 ? pages : 32 + (31 - Math.clz32(pages)) - 4;
}

/** Spans of pages: what the arena's blocks lie on. See the head of this file. */
export class PageSpans extends Segments {
  /** Bytes of the pages in use. */
  pageBytes = 0;
  /** The span of each page. */
  protected pageSpan: Int32Array = new Int32Array(0);
  /** @internal What evacuation.ts must know of spans: this, spanUsed, spanNext, spanCount, partial. */
  spanClass: Int32Array = new Int32Array(1024);
  /** The first page of each span. */
  protected spanPage: Int32Array = new Int32Array(1024);
  /** Pages of each span. */
  protected spanPages: Int32Array = new Int32Array(1024);
  /** @internal Blocks that are handed out of each span. */
  spanUsed: Int32Array = new Int32Array(1024);
  /** The first block of each span that was given back, or NONE. */
  protected spanFree: Int32Array = new Int32Array(1024);
  /** The first block of each span that was never handed out. */
  protected spanBump: Int32Array = new Int32Array(1024);
  /** @internal The next span with room of the same class, or free run of the same list. */
  spanNext: Int32Array = new Int32Array(1024);
  /** The one before it. */
  protected spanPrevious: Int32Array = new Int32Array(1024);
  /** @internal Spans that have a number; number 0 is "no span". */
  spanCount = 1; // Span 0 is "no span".
  private spanRecycled = 0;
  /** A free run, when it was looked for last, among the longest. */
  private longRun = 0;
  /** The first span with room of each size class. */
  readonly partial = new Int32Array(CLASS_COUNT);
  /** @internal Segments, as bits, where nothing new is to lie if it can be helped. */
  leftSegments = 0;
  /** @internal Where segments are being left and the others have no room, one more may be made. */
  mayGrow = false;
  private readonly bins = new Int32Array(BIN_COUNT);

  constructor(options: ArenaOptions) {
    super(options);
    this.spanClass[0] = UNUSED;
    this.addSegment(0, false);
  }

  /** Takes a run of exactly `pages` pages out of the free ones; its class is set by the caller. */
  protected takePages(pages: number): number {
    let span = this.findRun(pages);
    if (span === 0 && this.leftSegments !== 0) {
      // Rather there than in one more segment.
      if (!this.growElsewhere(pages)) this.leftSegments = 0;
      span = this.findRun(pages);
    }
    if (span === 0) {
      this.addSegment(pages * PAGE_BYTES, false);
      span = this.findRun(pages);
      assert(span !== 0, "a new segment has room for what it was made for");
    }
    const page = this.spanPage[span] as number;
    const rest = (this.spanPages[span] as number) - pages;
    // First, for it may fail.
    const restSpan = rest > 0 ? this.newSpan() : 0;
    this.unlinkRun(span);
    if (rest > 0) {
      this.setRun(span, page, pages);
      this.linkRun(restSpan, page + pages, rest);
    }
    this.pageBytes += pages * PAGE_BYTES;
    const segment = page >>> PAGES_PER_STRIDE_SHIFT;
    this.usedPages[segment] = (this.usedPages[segment] as number) + pages;
    this.touchTo(segment, page + pages - (segment << PAGES_PER_STRIDE_SHIFT));
    return span;
  }

  /** Makes one more segment, once, if that may be. Whoever asks takes pages of it then. */
  protected growElsewhere(pages: number): boolean {
    const bytes = pages * PAGE_BYTES;
    if (!this.mayGrow || bytes >= MEASURED_BYTES_MIN) return false;
    this.mayGrow = false;
    try {
      this.addSegment(bytes, false);
    } catch (full) {
      if (full instanceof ArenaFullError) return false;
      throw full;
    }
    return true;
  }

  /** As takePages, for a large block: of a segment of its own where that is worth it and can be. */
  protected takeLarge(bytes: number): number {
    if (bytes >= MEASURED_BYTES_MIN && this.mayMeasure()) {
      try {
        this.addSegment(bytes, true);
      } catch (full) {
        // There may be room among the others.
        if (!(full instanceof ArenaFullError)) throw full;
      }
    }
    // The run of the new segment fits exactly, so that it is the one that is found.
    return this.takePages(pagesFor(bytes));
  }

  /** The smallest free run of at least `pages` pages (to within its list), or 0. */
  protected findRun(pages: number): number {
    for (let bin = binOf(pages); bin < BIN_COUNT; bin++) {
      let best = 0;
      let steps = 0;
      for (let span = this.bins[bin] as number; span !== 0; span = this.spanNext[span] as number) {
        const size = this.spanPages[span] as number;
        if (this.leftSegments !== 0 && this.isLeft(span)) continue;
        if (size === pages) return span;
        if (size > pages && (best === 0 || size < (this.spanPages[best] as number))) best = span;
        if (++steps === SEARCH_MAX && best !== 0) break; // Good enough: bounds the search.
      }
      if (best !== 0) return best;
    }
    return 0;
  }

  /** True when there is a free run of at least so many pages; may overlook some. */
  protected hasRun(pages: number): boolean {
    // One that was long a moment ago most often still is.
    const known = this.longRun;
    if (this.spanClass[known] === FREE && (this.spanPages[known] as number) >= pages)
      return this.leftSegments === 0 || !this.isLeft(known);
    let bin = BIN_COUNT - 1;
    while (bin > 0 && this.bins[bin] === 0) bin--;
    this.longRun = this.bins[bin] as number;
    return this.findRun(pages) !== 0;
  }

  /** @internal Turns a used span into a free run, merged with the free runs on both sides. */
  releasePages(span: number): void {
    let page = this.spanPage[span] as number;
    let pages = this.spanPages[span] as number;
    const segment = page >>> PAGES_PER_STRIDE_SHIFT;
    const used = (this.usedPages[segment] as number) - pages;
    this.pageBytes -= pages * PAGE_BYTES;
    this.usedPages[segment] = used;
    const first = segment << PAGES_PER_STRIDE_SHIFT;
    const last = first + this.pagesOf(segment);
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
    if (segment === 0) return;
    if (used === 0) {
      this.unlinkRun(span);
      this.recycleSpan(span);
      this.unmakeSegment(segment);
      this.leftSegments &= ~(1 << segment);
    } else {
      this.segmentSank(segment);
    }
  }

  /** A segment other than the first has fewer pages in use than before. */
  protected segmentSank(_segment: number): void {}

  /** Takes a span's worth of pages for a size class. */
  protected takeSpan(sizeClass: number): number {
    const pages = CLASS_PAGES[sizeClass] as number;
    const span = this.takePages(pages);
    const page = this.spanPage[span] as number;
    this.spanClass[span] = sizeClass;
    this.pageSpan.fill(span, page, page + pages);
    return span;
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

  /** Throws ArenaFullError. */
  private newSpan(): number {
    const recycled = this.spanRecycled;
    if (recycled !== 0) {
      this.spanRecycled = this.spanNext[recycled] as number;
      this.spanNext[recycled] = 0;
      return recycled;
    }
    if (this.spanCount === this.spanClass.length) this.growSpans(this.spanCount * 2);
    return this.spanCount++;
  }

  /** One piece of memory for all of them: to get it is what takes time. */
  private growSpans(size: number): void {
    const memory = bookOf(SPAN_BOOKS * size);
    let taken = 0;
    const grownTo = (array: Int32Array): Int32Array => {
      const larger = new Int32Array(memory, taken, size);
      taken += larger.byteLength;
      larger.set(array);
      return larger;
    };
    this.spanClass = grownTo(this.spanClass);
    this.spanPage = grownTo(this.spanPage);
    this.spanPages = grownTo(this.spanPages);
    this.spanUsed = grownTo(this.spanUsed);
    this.spanFree = grownTo(this.spanFree);
    this.spanBump = grownTo(this.spanBump);
    this.spanNext = grownTo(this.spanNext);
    this.spanPrevious = grownTo(this.spanPrevious);
    assert(taken === memory.byteLength, "every book of spans has grown");
  }

  private recycleSpan(span: number): void {
    this.spanClass[span] = UNUSED;
    this.spanNext[span] = this.spanRecycled;
    this.spanRecycled = span;
  }

  private addSegment(atLeastBytes: number, isMeasured: boolean): void {
    const segment = this.makeSegment(atLeastBytes, isMeasured);
    const first = segment << PAGES_PER_STRIDE_SHIFT;
    const pages = this.pagesOf(segment);
    let span: number;
    try {
      if (segment !== 0 && pages >= RESERVED_FROM_PAGES) this.reserveBooks();
      if (this.pageSpan.length < first + pages) this.pageSpan = grown(this.pageSpan, first + pages);
      span = this.newSpan();
    } catch (full) {
      this.unmakeSegment(segment);
      throw full;
    }
    // Page 0 of segment 0 stays unused, so that no block has ref 0.
    const skip = segment === 0 ? 1 : 0;
    this.linkRun(span, first + skip, pages - skip);
  }

  /** As far as the system has memory for it: they grow with what they are about as well. */
  private reserveBooks(): void {
    const pages = SEGMENT_COUNT_MAX << PAGES_PER_STRIDE_SHIFT;
    try {
      if (this.pageSpan.length < pages) this.pageSpan = grown(this.pageSpan, pages);
      if (this.spanClass.length < SPANS_RESERVED) this.growSpans(SPANS_RESERVED);
    } catch (full) {
      if (!(full instanceof ArenaFullError)) throw full;
    }
  }

  /** True when the span lies in a segment that is being left. */
  protected isLeft(span: number): boolean {
    return ((this.leftSegments >>> this.segmentOf(span)) & 1) === 1;
  }

  /** The segment that a span lies in. */
  protected segmentOf(span: number): number {
    return (this.spanPage[span] as number) >>> PAGES_PER_STRIDE_SHIFT;
  }

  /** Calls `visit` with every span, having found that they tile the segments. For check(). */
  protected eachSpan(visit: (span: number) => void): void {
    let held = 0;
    for (let segment = 0; segment < this.bytes.length; segment++) {
      const first = segment << PAGES_PER_STRIDE_SHIFT;
      const last = first + this.pagesOf(segment);
      let afterFree = false;
      let used = 0;
      for (let page = first + (segment === 0 ? 1 : 0); page < last; ) {
        const span = this.pageSpan[page] as number;
        const pages = this.spanPages[span] as number;
        const isFree = this.spanClass[span] === FREE;
        assert(this.spanPage[span] === page && pages > 0, "spans tile the segment");
        assert(this.pageSpan[page + pages - 1] === span, "a span's last page names it");
        assert(!(afterFree && isFree), "two free runs never touch");
        afterFree = isFree;
        if (!isFree) used += pages;
        visit(span);
        page += pages;
      }
      assert(used === this.usedPages[segment], "a segment's used pages are counted");
      held += used * PAGE_BYTES;
    }
    assert(held === this.pageBytes, "pageBytes is the sum of the used spans");
  }
}

function grown(array: Int32Array, size: number): Int32Array {
  const larger = new Int32Array(bookOf(size));
  larger.set(array);
  return larger;
}

/** Memory for so many numbers. Throws ArenaFullError. */
function bookOf(count: number): ArrayBuffer {
  const bytes = count * Int32Array.BYTES_PER_ELEMENT;
  try {
    return new ArrayBuffer(bytes);
  } catch {
    throw new ArenaFullError(`the operating system has no ${bytes} bytes for the arena's books`);
  }
}
