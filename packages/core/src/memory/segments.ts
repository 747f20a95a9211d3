/**
 * Segments: the memory itself, up to 32 ArrayBuffers of at most 1 GiB, and how it comes and goes.
 *
 * The first segment is small and stays. Each further one is as large as three times all before it,
 * up to 1 GiB: untouched pages cost no resident memory, so what is given out too early costs only
 * addresses, of which 32 segments make the better part of 32 GiB. A few segments may be made to the
 * measure of one large block, so that its going is the segment's going.
 *
 * A segment that is dropped goes back to the operating system there and then: its buffer is
 * detached, not left to the garbage collector. Views of it that somebody still has are of length 0:
 * what they read is undefined and what they write goes nowhere. The system takes a tenth of a second
 * for a gigabyte of pages, so whoever has a thread for it may take the buffer over: `release`.
 *
 * Not in this file: what lies in a segment. Whoever drops one knows that it is empty.
 */
import { PAGE_BYTES, PAGE_SHIFT, pagesFor, SEGMENT_BYTES_MAX } from "./block-size.ts";

/** `ref >>> SEGMENT_SHIFT` is the number of its segment. */
export const SEGMENT_SHIFT = 27;
/** `ref & UNIT_MASK` is its place in the segment, in units of 8 bytes. */
export const UNIT_MASK = 0x7ffffff;
export const PAGES_PER_STRIDE_SHIFT = SEGMENT_SHIFT - PAGE_SHIFT;
/** A segment's number has 5 bits. */
export const SEGMENT_COUNT_MAX = 32;
const FIRST_BYTES_DEFAULT = 16 * 2 ** 20;
/** A further segment has as many times the bytes of those before it. */
const GROWTH = 3;
/** Segments that may be made for one block each, and the least that such a block has. */
const MEASURED_COUNT_MAX = 4;
export const MEASURED_BYTES_MIN = 32 * 2 ** 20;

/** Bytes that do not fit anywhere any more: thrown by alloc, answered by the server as an OOM. */
export class ArenaFullError extends Error {
  /** "ArenaFullError", to be told apart in logs. */
  override name = "ArenaFullError";
}

/** The sizes of an arena's segments. */
export interface ArenaOptions {
  /** Size of the first segment in bytes; later ones grow up to 1 GiB. Default 16 MiB. */
  segmentBytes?: number;
  /** Most bytes that segments may take together. Default 32 GiB. */
  limitBytes?: number;
  /** Gives back the memory of a segment that was dropped. Default: there and then. */
  release?: ReleaseMemory;
  /** Prepares the memory of a segment that is going to be filled. Default: nothing is done. */
  advise?: AdviseMemory;
}

/**
 * A piece of a segment is going to be filled, from one byte up to another one: told of each piece once, before
 * any byte of it is touched. Where pages can be large (2 MiB instead of 4 KiB), the processor finds data that
 * lie all over the memory in less time.
 */
export type AdviseMemory = (buffer: ArrayBuffer, fromByte: number, toByte: number) => void;

/**
 * Gives a buffer's memory back to the operating system. The buffer must be detached when this returns.
 * `touchedBytes` of it were ever in use: the work that there is to do.
 */
export type ReleaseMemory = (buffer: ArrayBuffer, touchedBytes: number) => void;

/** A small data set is not to take large pages. */
const UNADVISED_PAGES = pagesFor(2 ** 20);
/** What is told of at once. */
const PIECE_PAGES = pagesFor(32 * 2 ** 20);

/**
 * What a segment leaves to others of the addresses that the process may have (`ulimit -v`, or a system that
 * promises no more memory than it has): without any the runtime ends the process.
 */
const MARGIN_BYTES = 128 * 2 ** 20;
/** So much of that is tried whether it is memory, too: the runtime needs the rest while it is. */
const TRIED_BYTES = MARGIN_BYTES / 2;

/**
 * Before the runtime takes no for an answer it collects garbage, several times over. That takes most of a second,
 * in which nobody is served: so it is asked again when a segment has gone, or so many have been wanted.
 */
const UNASKED_COUNT = 256;

const releaseNow: ReleaseMemory = (buffer) => {
  buffer.transfer(0);
};

/** The memory itself: segments that come and go. */
export class Segments {
  /** The segments as 32-bit words: index with wordIndex(ref). */
  readonly words: Int32Array[] = [];
  /** The segments as bytes: index with byteIndex(ref). */
  readonly bytes: Uint8Array[] = [];
  /** The segments as doubles. */
  readonly doubles: Float64Array[] = [];
  /** Views over the segments. */
  readonly views: DataView[] = [];
  /** Bytes of all segments; most of them may never have been touched. */
  segmentBytes = 0;
  /** How many pages of each segment are in use. */
  protected readonly usedPages = new Int32Array(SEGMENT_COUNT_MAX);
  /** How many pages of each segment, from its start on, were ever in use. */
  protected readonly touchedPages = new Int32Array(SEGMENT_COUNT_MAX);
  /** Up to which page of each segment `advise` was told of. */
  private readonly advisedPages = new Int32Array(SEGMENT_COUNT_MAX);
  private readonly firstBytes: number;
  /** Most bytes that segments may take together. What is there stays when it is lowered. */
  limitBytes: number;
  /** Which segments were made to measure. */
  private readonly measured = new Uint8Array(SEGMENT_COUNT_MAX);
  /** The system has refused memory before. */
  private isSystemShort = false;
  /** Segments that are to be refused without asking the system. */
  private unaskedCount = 0;
  private readonly release: ReleaseMemory;
  private readonly advise: AdviseMemory | undefined;

  constructor(options: ArenaOptions) {
    this.firstBytes = options.segmentBytes ?? FIRST_BYTES_DEFAULT;
    this.release = options.release ?? releaseNow;
    this.advise = options.advise;
    this.limitBytes = options.limitBytes ?? SEGMENT_COUNT_MAX * SEGMENT_BYTES_MAX;
  }

  /** Bytes that the operating system has seen touched: no segment's pages are used out of order. */
  get touchedBytes(): number {
    let pages = 0;
    for (const count of this.touchedPages) pages += count;
    return pages * PAGE_BYTES;
  }

  /** So many pages of the segment, from its start on, are going to have been in use. */
  protected touchTo(segment: number, pages: number): void {
    const before = this.touchedPages[segment] as number;
    if (pages <= before) return;
    if (pages > UNADVISED_PAGES && pages > (this.advisedPages[segment] as number))
      this.adviseTo(segment, before, pages);
    this.touchedPages[segment] = pages;
  }

  /** Tells of the pieces that `pages` reaches into. None of them has been touched beyond `before`. */
  private adviseTo(segment: number, before: number, pages: number): void {
    const from = Math.max(before, this.advisedPages[segment] as number);
    const to = Math.min(Math.ceil(pages / PIECE_PAGES) * PIECE_PAGES, this.pagesOf(segment));
    this.advisedPages[segment] = to;
    const { buffer } = this.bytes[segment] as Uint8Array<ArrayBuffer>;
    this.advise?.(buffer, from * PAGE_BYTES, to * PAGE_BYTES);
  }

  /** Pages of a segment; 0: there is none of this number. */
  protected pagesOf(segment: number): number {
    return (this.bytes[segment] as Uint8Array).length / PAGE_BYTES;
  }

  /** Whether one more segment may be made to the measure of a block. */
  protected mayMeasure(): boolean {
    let count = 0;
    for (const each of this.measured) count += each;
    return count < MEASURED_COUNT_MAX;
  }

  /**
   * A new segment of at least so many bytes, and of just as many when it is made to measure.
   * Returns its number, or throws ArenaFullError.
   */
  protected makeSegment(atLeastBytes: number, isMeasured: boolean): number {
    let segment = this.bytes.findIndex((bytes) => bytes.length === 0);
    if (segment === -1) segment = this.bytes.length;
    const needed = pagesFor(atLeastBytes) * PAGE_BYTES;
    const left = Math.floor((this.limitBytes - this.segmentBytes) / PAGE_BYTES) * PAGE_BYTES;
    if (segment === SEGMENT_COUNT_MAX || needed > left || needed > SEGMENT_BYTES_MAX) {
      throw new ArenaFullError("the arena's address space is used up");
    }
    const wanted = isMeasured ? needed : Math.max(needed, Math.min(this.nextBytes(), left));
    if (this.unaskedCount > 0) {
      this.unaskedCount--;
      throw new ArenaFullError("the operating system had no memory a moment ago");
    }
    const marginBytes = segment > 0 && (!isMeasured || this.isSystemShort) ? MARGIN_BYTES : 0;
    const buffer = this.bufferOf(wanted, needed, marginBytes);
    this.words[segment] = new Int32Array(buffer);
    this.bytes[segment] = new Uint8Array(buffer);
    this.doubles[segment] = new Float64Array(buffer);
    this.views[segment] = new DataView(buffer);
    this.segmentBytes += buffer.byteLength;
    this.measured[segment] = isMeasured ? 1 : 0;
    return segment;
  }

  /** @internal Bytes of one more segment; 0: there can be none. */
  get growthBytes(): number {
    const isFree = this.bytes.some(({ length }) => length === 0);
    if (!isFree && this.bytes.length === SEGMENT_COUNT_MAX) return 0;
    return Math.max(0, Math.min(this.nextBytes(), this.limitBytes - this.segmentBytes));
  }

  private nextBytes(): number {
    let sum = 0;
    for (let segment = 0; segment < this.bytes.length; segment++)
      if (this.measured[segment] === 0) sum += (this.bytes[segment] as Uint8Array).length;
    return Math.min(SEGMENT_BYTES_MAX, sum === 0 ? this.firstBytes : sum * GROWTH);
  }

  /** Gives an empty segment's memory back. Its number may be used again. */
  protected unmakeSegment(segment: number): void {
    const { buffer, length } = this.bytes[segment] as Uint8Array<ArrayBuffer>;
    const touchedBytes = (this.touchedPages[segment] as number) * PAGE_BYTES;
    this.segmentBytes -= length;
    this.unaskedCount = 0;
    this.words[segment] = new Int32Array(0);
    this.bytes[segment] = new Uint8Array(0);
    this.doubles[segment] = new Float64Array(0);
    this.views[segment] = new DataView(new ArrayBuffer(0));
    this.measured[segment] = 0;
    this.touchedPages[segment] = 0;
    this.advisedPages[segment] = 0;
    this.release(buffer, touchedBytes);
  }

  /**
   * A buffer of `wanted` bytes, or where the system has none of that size a smaller one; `marginBytes` more could
   * have been had.
   */
  private bufferOf(wanted: number, needed: number, marginBytes: number): ArrayBuffer {
    for (let size = wanted; ; size = Math.max(needed, pagesFor(size / 2) * PAGE_BYTES)) {
      try {
        return marginBytes > 0 ? bufferBeside(size, marginBytes) : new ArrayBuffer(size);
      } catch {
        this.isSystemShort = true;
        if (size > needed) continue;
        this.unaskedCount = UNASKED_COUNT;
        throw new ArenaFullError(`the operating system has no ${needed} bytes for a segment`);
      }
    }
  }
}

/** A buffer that leaves so many addresses, and some memory, to others. Throws where that cannot be. */
function bufferBeside(size: number, marginBytes: number): ArrayBuffer {
  // Addresses alone: memory would have garbage collected, which needs some itself, just when all are taken.
  new ArrayBuffer(0, { maxByteLength: size + marginBytes }).transferToFixedLength(0);
  const buffer = new ArrayBuffer(size);
  try {
    new ArrayBuffer(TRIED_BYTES).transfer(0);
  } catch (full) {
    buffer.transfer(0);
    throw full;
  }
  return buffer;
}
