/**
 * ReplyInput: the bytes of a server that wait. The part of ReplyParser (reply-parser.ts) that owns
 * memory.
 *
 *      bytes   [ consumed | what waits | free, if the buffer is our own ]
 *                         ^ pos        ^ length
 *
 * By default a chunk is copied into a buffer of our own, which is used again. A parser that may keep
 * its chunks reads them where they are; only what one of them leaves over is put together with the
 * next one. Moving what waits stays linear in what arrives.
 */

const BUFFER_INITIAL = 4096;
/** An own buffer up to this size is kept when it has been emptied. */
const BUFFER_KEPT = 1 << 20;
/** Up to this many bytes a loop copies faster than the platform, into a buffer and into a new one. */
const LOOP_APPEND_MAX = 12;
const LOOP_COPY_MAX = 32;

/** The memory of a ReplyParser, which is what users make. */
export class ReplyInput {
  /** Chunks are read where they are; whoever fed one does not write into it again. */
  protected readonly keepsChunks: boolean;
  /** Replies are views of the memory that is read: no byte of it may change any more. */
  protected readonly givesViews: boolean;

  private own: Uint8Array = new Uint8Array(BUFFER_INITIAL);
  /** What is read: `own`, or a chunk. */
  protected bytes: Uint8Array = this.own;
  /** Where what waits begins in `bytes`. */
  protected pos = 0;
  /** Where it ends. */
  protected length = 0;
  /** How far the line at `pos` was searched for its end. */
  protected scan = 0;

  /** With `givesViews`, which needs `keepsChunks`, no memory that was read is written to again. */
  constructor(keepsChunks: boolean, givesViews: boolean) {
    this.keepsChunks = keepsChunks;
    this.givesViews = givesViews;
  }

  /** Appends chunk[from, end). */
  protected append(chunk: Uint8Array, from: number): void {
    if (this.pos === this.length) {
      if (this.keepsChunks) {
        this.bytes = chunk;
        this.pos = from;
        this.length = chunk.length;
        return;
      }
      this.pos = 0;
      this.length = 0;
    }
    const count = chunk.length - from;
    if (this.bytes !== this.own || this.length + count > this.own.length) this.makeRoom(count);
    const { own, length } = this;
    if (count > LOOP_APPEND_MAX) own.set(from === 0 ? chunk : chunk.subarray(from), length);
    else for (let i = 0; i < count; i++) own[length + i] = chunk[from + i];
    this.length = length + count;
  }

  /** After all was read that can be: lets go of a chunk, or of a large buffer, that is empty. */
  protected starve(): undefined {
    if (this.pos < this.length) return;
    if (this.own.length > BUFFER_KEPT) this.own = new Uint8Array(BUFFER_INITIAL);
    if (this.bytes === this.own) return;
    this.bytes = this.own;
    this.pos = 0;
    this.length = 0;
  }

  /** Moves what waits to where `count` bytes fit after it. */
  private makeRoom(count: number): void {
    const { own, bytes, pos } = this;
    const waiting = this.length - pos;
    const total = waiting + count;
    const isFree = bytes !== own || pos >= waiting;
    if (this.givesViews || !isFree || total > own.length) {
      // What is left of a chunk and the next one rarely have to wait for a third.
      this.own = new Uint8Array(Math.max(BUFFER_INITIAL, bytes === own ? total * 2 : total));
    }
    this.own.set(bytes.subarray(pos, this.length));
    this.bytes = this.own;
    this.scan -= pos;
    this.pos = 0;
    this.length = waiting;
  }
}

/** bytes[start, end) in memory of their own. `bytes` is no Buffer, whose slice() would be a view. */
export function copyOf(bytes: Uint8Array, start: number, end: number): Uint8Array {
  const count = end - start;
  if (count > LOOP_COPY_MAX) return bytes.slice(start, end);
  const copy = new Uint8Array(count);
  for (let i = 0; i < count; i++) copy[i] = bytes[start + i];
  return copy;
}

/** bytes[start, end) where they are. */
export function viewOf(bytes: Uint8Array, start: number, end: number): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset + start, end - start);
}
