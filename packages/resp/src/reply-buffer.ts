/**
 * ReplyBuffer: where replies gather as bytes. The part of ReplyWriter (reply-writer.ts) that owns
 * memory.
 *
 *      parts   [ closed, full ] [ closed, full ] ...      open   [ replies so far |    free    ]
 *              ^ mark 0                                                           ^ length
 *
 * Up to a megabyte the open part doubles, and moves. Beyond, it is closed and another one opened,
 * so that a reply of gigabytes is never copied and never takes more than it is long. A position is
 * counted from the very beginning (mark(), rewind()), whatever part it is in.
 *
 * How much may gather is not known here: `allows` is asked before memory grows. When it says no, or
 * when there is no memory, all replies are dropped and so is all that is written from then on: the
 * command goes on to its end, as the data set needs it to, and its client is lost (`isOverflowed`).
 *
 * Invariants: the replies are the parts, and then bytes[0, length); they are only ever appended,
 * or cut off by rewind(). `bytes` changes when the buffer grows, so nobody keeps it across a call.
 */
import { release } from "./release.ts";

/** The open part doubles up to this size; it is also the least size of a further part. */
const PART_BYTES_MIN = 2 ** 20;
/** A part is as long as all before it together, up to this: untouched memory costs nothing. */
const PART_BYTES_MAX = 2 ** 26;
/** So little in front of a large reply is moved along with it rather than sent for itself. */
const MOVED_BYTES_MAX = 16 * 1024;
/** Room behind a part, for headers that turn out longer when it is closed already. */
const SPARE_BYTES = 64;
/** A buffer this many times its first size is given back by reset(). */
const OVERSIZE = 16;

/** The memory of a ReplyWriter, which is what users make. */
export class ReplyBuffer {
  /** The open part: the newest replies are bytes[0, length). */
  bytes: Uint8Array;
  /** How much of `bytes` is in use: the size of the open part. */
  length = 0;
  /** Bytes of all closed parts. */
  partsBytes = 0;
  /** The replies became too large, and are gone; reset() makes the buffer good again. */
  isOverflowed = false;
  /** Whether the replies may come to so many bytes in all; null: any number. */
  allows: ((totalBytes: number) => boolean) | null = null;
  /** The same memory as `bytes`. */
  protected view: DataView;
  private readonly initialBytes: number;
  private parts: Uint8Array[] = [];

  /** `initialBytes`, at least 64, are allocated at once. */
  constructor(initialBytes: number) {
    this.initialBytes = Math.max(initialBytes, 64);
    this.bytes = new Uint8Array(this.initialBytes);
    this.view = new DataView(this.bytes.buffer);
  }

  /** Bytes of all replies. */
  get total(): number {
    return this.partsBytes + this.length;
  }

  /** Nothing was written since the last reset(), not even what was dropped. */
  get isEmpty(): boolean {
    return this.total === 0 && !this.isOverflowed;
  }

  /** Bytes of memory that the replies and the room behind them take. */
  get heldBytes(): number {
    return this.partsBytes + this.bytes.length;
  }

  /**
   * Makes room for `extra` more bytes in one piece, keeping what is there. False: they are more
   * than may gather, and are not to be written. Up to 64 bytes there is always room.
   */
  ensure(extra: number): boolean {
    return this.length + extra <= this.bytes.length || this.grow(extra);
  }

  private grow(extra: number): boolean {
    if (this.isOverflowed) return this.discard(extra);
    const { length } = this;
    if (this.allows?.(this.total + extra) === false) return this.overflow(extra);
    let capacity = this.bytes.length * 2;
    while (capacity < length + extra) capacity *= 2;
    const isPart = capacity > PART_BYTES_MIN;
    if (isPart)
      capacity = Math.max(extra, Math.min(PART_BYTES_MAX, Math.max(PART_BYTES_MIN, this.total)));
    const moves = !isPart || length <= MOVED_BYTES_MAX;
    let grown: Uint8Array;
    try {
      const bytes = moves ? capacity + (isPart ? length : 0) : capacity;
      grown = new Uint8Array(bytes + SPARE_BYTES).subarray(0, bytes);
    } catch {
      return this.overflow(extra); // The operating system has no such memory.
    }
    if (moves) grown.set(this.bytes.subarray(0, length));
    else {
      this.parts.push(this.bytes.subarray(0, length));
      this.partsBytes += length;
      this.length = 0;
    }
    this.adopt(grown);
    return true;
  }

  private overflow(extra: number): boolean {
    this.dropParts();
    this.isOverflowed = true;
    return this.discard(extra);
  }

  /** Nothing is kept any more: what comes is written over what came. */
  private discard(extra: number): boolean {
    this.length = 0;
    return extra <= this.bytes.length;
  }

  private dropParts(): void {
    for (const part of this.parts) release(part);
    this.parts = [];
    this.partsBytes = 0;
  }

  private adopt(bytes: Uint8Array): void {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** Where the next reply will begin; rewind() returns to it. */
  mark(): number {
    return this.total;
  }

  /** Cuts off everything written since the mark. */
  rewind(mark: number): void {
    if (this.isOverflowed) {
      this.length = 0;
      return;
    }
    while (mark < this.partsBytes) {
      const part = this.parts.pop() as Uint8Array;
      this.partsBytes -= part.length;
      release(this.bytes);
      this.length = part.length;
      this.adopt(part);
    }
    this.length = mark - this.partsBytes;
  }

  /**
   * Says that at least so many bytes will follow. False: they are more than may gather; all replies are
   * dropped at once, before any work is put into those.
   */
  announce(bytes: number): boolean {
    if (!this.isOverflowed && this.allows?.(this.total + bytes) === false) this.drop();
    return !this.isOverflowed;
  }

  /** All replies are dropped, as if there had been no room for them. */
  drop(): void {
    this.overflow(0);
  }

  /** Forgets all replies, and the buffer too if it has become oversized or grew for what was dropped. */
  reset(): void {
    const hasGrown = this.bytes.length > this.initialBytes * (this.isOverflowed ? 1 : OVERSIZE);
    this.length = 0;
    this.isOverflowed = false;
    if (this.parts.length > 0) this.dropParts();
    if (hasGrown) {
      release(this.bytes);
      this.adopt(new Uint8Array(this.initialBytes));
    }
  }

  /** A copy of all replies in one piece. Throws a RangeError when they were dropped. */
  toBytes(): Uint8Array {
    if (this.isOverflowed) throw new RangeError("there was no memory for so many bytes");
    const all = new Uint8Array(this.total);
    let at = 0;
    for (const part of this.parts) {
      all.set(part, at);
      at += part.length;
    }
    all.set(this.bytes.subarray(0, this.length), at);
    return all;
  }

  /** A copy of what was written since the mark, in one piece. Throws as toBytes(). */
  copySince(mark: number): Uint8Array {
    if (mark >= this.partsBytes && !this.isOverflowed)
      return this.bytes.slice(mark - this.partsBytes, this.length);
    return this.toBytes().subarray(mark);
  }

  /** Gives the closed parts away, for good: the caller owns them. bytes[0, length) follows them. */
  takeParts(): Uint8Array[] {
    const { parts } = this;
    this.parts = [];
    this.partsBytes = 0;
    return parts;
  }

  /** Gives the open part's replies away, with their buffer, and goes on in a fresh one. */
  takeBuffer(): Uint8Array {
    const replies = this.bytes.subarray(0, this.length);
    this.replaceBuffer(new Uint8Array(this.initialBytes));
    return replies;
  }

  /** Goes on in `bytes`, which nobody else uses, from its start. */
  replaceBuffer(bytes: Uint8Array): void {
    this.adopt(bytes);
    this.length = 0;
  }

  /** Puts `bytes` in place of the `length` bytes at a mark, all of which lie in one part. */
  protected replaceAt(mark: number, length: number, bytes: Uint8Array): void {
    const extra = bytes.length - length;
    if ((extra > 0 && !this.ensure(extra)) || this.isOverflowed) return;
    if (mark >= this.partsBytes) {
      const at = mark - this.partsBytes;
      if (extra !== 0) this.bytes.copyWithin(at + bytes.length, at + length, this.length);
      this.bytes.set(bytes, at);
      this.length += extra;
      return;
    }
    let index = 0;
    let at = mark;
    for (; at >= (this.parts[index] as Uint8Array).length; index++)
      at -= (this.parts[index] as Uint8Array).length;
    const part = this.parts[index] as Uint8Array<ArrayBuffer>;
    this.partsBytes += extra;
    // Behind a part nothing lies in its memory. Bytes in fresh memory cost far more than moved ones.
    if (part.byteOffset + part.length + extra <= part.buffer.byteLength) {
      const longer = new Uint8Array(part.buffer, part.byteOffset, part.length + extra);
      longer.copyWithin(at + bytes.length, at + length, part.length);
      longer.set(bytes, at);
      this.parts[index] = longer;
      return;
    }
    // There is no room: what is before the mark gets a buffer of its own.
    const head = new Uint8Array(at + bytes.length);
    head.set(part.subarray(0, at));
    head.set(bytes, at);
    this.parts.splice(index, 1, head, part.subarray(at + length));
  }
}
