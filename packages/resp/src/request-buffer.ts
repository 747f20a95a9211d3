/**
 * RequestBuffer: the bytes of one client that wait, and how far the unfinished request among them
 * was understood. The part of RequestReader (request-parser.ts) that owns memory.
 *
 *      own   [ consumed | unfinished request and what follows it |      free      ]
 *                       ^ pos                                    ^ length
 *
 * Memory follows the bytes received, never the lengths announced: the buffer at most doubles with
 * each arrival or, from a megabyte on, has eight times the bytes that came, the rest of it untouched.
 * Moving what waits stays linear in what arrives.
 */
import { release } from "./release.ts";
import { REQUEST_BYTES_MAX, type RequestLimits, STRANGER_BUFFER_MAX } from "./request-limits.ts";

const CR = 13;
const STAR = 42;

/** An own buffer up to this size is kept when it has been emptied. */
export const BUFFER_KEPT = 32 * 1024;
/** An own buffer beyond this size is exchanged when little is left in it. */
export const BUFFER_LARGE = 1024 * 1024;
const BUFFER_SMALLEST = 256;

const NO_BYTES = new Uint8Array(0);
const NO_VIEW = new DataView(NO_BYTES.buffer);
export const NO_OFFSETS = new Int32Array(0);

/** The memory of a RequestReader, which is what users make. */
export class RequestBuffer {
  /** False holds the client to ten arguments of 16 KiB, and to one request per batch. */
  authenticated: boolean;
  /** After ERROR: the text of the reply without "-ERR "; a byte that it quotes is a latin1 char. */
  error = "";
  /** After ERROR: more bytes wait than the client may have; it gets no reply. */
  overLimit = false;

  /** What the client may send and have waiting; shared by all clients, and read anew each time. */
  protected readonly limits: RequestLimits;

  /** What waits is own[pos, length). */
  protected own: Uint8Array = NO_BYTES;
  /** The same memory as `own`. */
  protected ownView: DataView = NO_VIEW;
  /** Where the bytes that wait begin. */
  protected pos = 0;
  /** Where they end. */
  protected length = 0;
  /** The most bytes that waited since fitToPeak() was called last. */
  private peakBytes = 0;
  /** Where unescaped arguments of the current batch end; at least `length`. */
  protected scratch = 0;

  /** Where the unfinished request starts; -1: there is none. */
  protected partialStart = -1;
  /** How far it was parsed, counted from its start. */
  protected partialPos = 0;
  /** How far the current line of it was searched for its end, counted from its start. */
  protected partialScan = 0;
  /** Arguments to come; 0 while the first header is unread. */
  protected partialLeft = 0;
  /** Length of the bulk whose header was read, or -1. */
  protected partialBulk = -1;
  /** Arguments of it that were read. */
  protected partialCount = 0;
  /** Start and end of each argument so far, counted from the start of the request. */
  protected partialArgs: Int32Array = NO_OFFSETS;

  /** `limits` are read at every arrival, so that they may change. */
  constructor(limits: RequestLimits) {
    this.limits = limits;
    this.authenticated = limits.authenticated;
  }

  /** Bytes that wait for more bytes, or for more(). */
  get pendingBytes(): number {
    return this.length - this.pos;
  }

  /** Those of them that are no part of an argument that is whole, nor of a header that was read. */
  get unparsedBytes(): number {
    return this.length - (this.partialStart < 0 ? this.pos : this.partialStart + this.partialPos);
  }

  /** Bytes of the arguments of the unfinished request that are whole. */
  get partialArgumentBytes(): number {
    if (this.partialStart < 0) return 0;
    let sum = 0;
    for (let i = 0; i < this.partialCount; i++)
      sum += this.partialArgs[i * 2 + 1] - this.partialArgs[i * 2];
    return sum;
  }

  /** Bytes that the buffer has room for; moving into a larger one is a copy. */
  get capacityBytes(): number {
    return this.own.length;
  }

  /** Memory that this reader holds. The far end of a long buffer is untouched, and costs nothing yet. */
  get bufferBytes(): number {
    const touched = Math.max(Math.min(this.own.length, BUFFER_KEPT), this.length);
    return touched + this.partialArgs.byteLength;
  }

  /** Frees spare capacity. For idle clients; not while a batch is being executed. */
  shrink(): void {
    if (this.own.length > this.length - this.pos) release(this.exchange(this.length - this.pos));
    const used = this.partialStart >= 0 ? this.partialCount * 2 : 0;
    if (this.partialArgs.length > used) this.partialArgs = this.partialArgs.slice(0, used);
  }

  /**
   * Now and then, for clients that are busy: frees what was not used since the last time, if that is
   * most of a large buffer. Not while a batch is being executed.
   */
  fitToPeak(): void {
    const waiting = this.length - this.pos;
    // Room for a bulk that was announced was made on purpose.
    const announced =
      this.partialBulk < 0
        ? 0
        : this.partialStart - this.pos + this.partialPos + this.partialBulk + 2;
    const needed = Math.max(this.peakBytes, waiting, announced);
    if (this.own.length > BUFFER_KEPT && this.own.length > 2 * needed)
      release(this.exchange(bufferSize(needed)));
    this.peakBytes = waiting;
  }

  /** Frees all of it, with what waits. For clients that have gone; not while a batch is being executed. */
  dispose(): void {
    const { own, partialArgs } = this;
    this.adopt(NO_BYTES, 0, 0);
    this.partialStart = -1;
    this.partialArgs = NO_OFFSETS;
    release(own);
    release(partialArgs);
  }

  /** Throws unless what is remembered of the unfinished request fits the bytes. For tests. */
  check(): void {
    const { own, pos, length, partialStart: start, partialArgs } = this;
    const claims = [
      pos >= 0 && pos <= length && length <= own.length,
      start < 0 || (start >= pos && start + this.partialPos <= length),
      start < 0 || this.partialLeft === 0 || own[start] === STAR,
    ];
    // Two bytes before an argument is the carriage return of its header.
    for (let i = 0; start >= 0 && this.partialLeft > 0 && i < this.partialCount; i++) {
      claims.push(own[start + partialArgs[i * 2] - 2] === CR);
    }
    if (claims.includes(false)) throw new Error("the reader lost track of an unfinished request");
  }

  /** Bytes that may wait: less for a client that has not logged in. */
  protected pendingMax(): number {
    const max = Math.min(this.limits.queryBufferMax, REQUEST_BYTES_MAX);
    return this.authenticated ? max : Math.min(max, STRANGER_BUFFER_MAX);
  }

  /**
   * Moves what waits into a buffer of `capacity` bytes; 0 leaves the reader with none. Returns the
   * buffer that it was in, which the reader has forgotten.
   */
  protected exchange(capacity: number): Uint8Array {
    const { own, pos, length } = this;
    const smaller = capacity === 0 ? NO_BYTES : new Uint8Array(capacity);
    if (length > pos) smaller.set(own.subarray(pos, length));
    if (this.partialStart >= 0) this.partialStart -= pos;
    this.adopt(smaller, 0, length - pos);
    return own;
  }

  /** Takes a buffer of which own[pos, length) waits in place of the present one. */
  protected adopt(own: Uint8Array, pos: number, length: number): void {
    this.own = own;
    this.ownView = own.length === 0 ? NO_VIEW : new DataView(own.buffer);
    this.pos = pos;
    this.length = length;
  }

  /** Starts the own buffer with what parsing a chunk left over. */
  protected keep(chunk: Uint8Array, from: number, to: number): void {
    const count = to - from;
    if (this.own.length < count) this.adopt(new Uint8Array(bufferSize(count)), 0, 0);
    copyInto(this.own, 0, chunk, from, to);
    this.pos = 0;
    this.length = count;
    if (count > this.peakBytes) this.peakBytes = count;
    if (this.partialStart >= 0) this.partialStart -= from;
  }

  /** Appends to the own buffer; false when that is more than the client may have waiting. */
  protected append(chunk: Uint8Array, start: number, end: number): boolean {
    const count = end - start;
    const waiting = this.length - this.pos;
    const total = waiting + count;
    if (total > this.pendingMax()) {
      this.overLimit = true;
      return false;
    }
    if (this.length + count > this.own.length) {
      if (total <= this.own.length && this.pos >= waiting) {
        // At least as much room is won as bytes are moved, so moving stays linear overall.
        this.own.copyWithin(0, this.pos, this.length);
        if (this.partialStart >= 0) this.partialStart -= this.pos;
        this.pos = 0;
        this.length = waiting;
      } else {
        release(this.exchange(this.grownSize(total)));
      }
    }
    copyInto(this.own, this.length, chunk, start, end);
    this.length += count;
    if (total > this.peakBytes) this.peakBytes = total;
    return true;
  }

  /**
   * Room for `total` bytes: twice that. Of a request whose last argument is a large one it is known
   * how much more will come: as much at once, but not over eight times what has, for untouched memory
   * costs nothing and each copy does. Where further ones follow, room for each would be a copy each.
   */
  protected grownSize(total: number): number {
    const doubled = bufferSize(total) * 2;
    if (this.partialStart < 0 || this.partialBulk < 0 || doubled <= BUFFER_KEPT) return doubled;
    const lead = this.partialStart - this.pos;
    const wanted = lead + this.partialPos + this.partialBulk + 2;
    const least = this.partialLeft === 1 ? total : total + (total >>> 1);
    const most = total < BUFFER_LARGE ? doubled : total * 8;
    return Math.min(most, Math.max(least, wanted));
  }
}

function copyInto(
  target: Uint8Array,
  at: number,
  source: Uint8Array,
  start: number,
  end: number,
): void {
  if (end - start > 32) {
    target.set(source.subarray(start, end), at);
    return;
  }
  for (let i = start; i < end; i++) target[at++] = source[i];
}

/** The capacity to allocate for `count` bytes. */
export function bufferSize(count: number): number {
  return Math.max(count, BUFFER_SMALLEST);
}
