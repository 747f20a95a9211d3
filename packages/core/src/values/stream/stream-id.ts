/**
 * StreamId: the ID of an entry of a stream, 128 bits: milliseconds and a sequence number.
 *
 * As in all of core, 64 bits are two signed words, so nothing is allocated for them. Compared are
 * IDs as what they are, two unsigned 64-bit numbers, the milliseconds first. In the arena an ID is
 * four words in this order: upper and lower half of the milliseconds, then those of the sequence.
 * As text it is "1526919030474-55".
 */
import { formatInt64, toBigInt } from "../../int64.ts";

/** Longest text of an ID: two numbers of 20 digits and what parts them. */
export const STREAM_ID_TEXT_BYTES = 41;
/** Words that an ID takes in a block. */
export const ID_WORDS = 4;
const DASH = 45;
const TWO_32 = 2 ** 32;

/** The ID of an entry: see the head of this file. */
export class StreamId {
  /** Upper 32 bits of the milliseconds. */
  msHi = 0;
  /** Lower 32 bits of the milliseconds. */
  msLo = 0;
  /** Upper 32 bits of the sequence number. */
  seqHi = 0;
  /** Lower 32 bits of the sequence number. */
  seqLo = 0;

  /** Makes this the ID of these four words. */
  set(msHi: number, msLo: number, seqHi: number, seqLo: number): this {
    this.msHi = msHi | 0;
    this.msLo = msLo | 0;
    this.seqHi = seqHi | 0;
    this.seqLo = seqLo | 0;
    return this;
  }

  /** Makes this the same as another one. */
  copy(other: StreamId): this {
    this.msHi = other.msHi;
    this.msLo = other.msLo;
    this.seqHi = other.seqHi;
    this.seqLo = other.seqLo;
    return this;
  }

  /** Makes this the lowest ID there is: 0-0. */
  setMin(): this {
    return this.set(0, 0, 0, 0);
  }

  /** Makes this the highest ID there is. */
  setMax(): this {
    return this.set(-1, -1, -1, -1);
  }

  /** Makes this the first ID of that millisecond, a safe integer. */
  setMs(ms: number): this {
    const hi = Math.floor(ms / TWO_32);
    return this.set(hi, ms - hi * TWO_32, 0, 0);
  }

  /** Reads the ID that stands in four words. */
  read(words: Int32Array, at: number): this {
    this.msHi = words[at] as number;
    this.msLo = words[at + 1] as number;
    this.seqHi = words[at + 2] as number;
    this.seqLo = words[at + 3] as number;
    return this;
  }

  /** Writes the ID into four words. */
  write(words: Int32Array, at: number): void {
    words[at] = this.msHi;
    words[at + 1] = this.msLo;
    words[at + 2] = this.seqHi;
    words[at + 3] = this.seqLo;
  }

  /** True for 0-0. */
  get isZero(): boolean {
    return (this.msHi | this.msLo | this.seqHi | this.seqLo) === 0;
  }

  /** Makes this the next ID. False, and then it is 0-0, when there is none. */
  increment(): boolean {
    this.seqLo = (this.seqLo + 1) | 0;
    if (this.seqLo !== 0) return true;
    this.seqHi = (this.seqHi + 1) | 0;
    if (this.seqHi !== 0) return true;
    this.msLo = (this.msLo + 1) | 0;
    if (this.msLo !== 0) return true;
    this.msHi = (this.msHi + 1) | 0;
    return this.msHi !== 0;
  }

  /** Makes this the ID before. False, and then it is the highest, when there is none. */
  decrement(): boolean {
    if (this.seqLo !== 0) {
      this.seqLo = (this.seqLo - 1) | 0;
      return true;
    }
    this.seqLo = -1;
    if (this.seqHi !== 0) {
      this.seqHi = (this.seqHi - 1) | 0;
      return true;
    }
    this.seqHi = -1;
    if (this.msLo !== 0) {
      this.msLo = (this.msLo - 1) | 0;
      return true;
    }
    this.msLo = -1;
    const hadOne = this.msHi !== 0;
    this.msHi = (this.msHi - 1) | 0;
    return hadOne;
  }

  /** Below zero when this comes before `other`, zero when they are the same. */
  compare(other: StreamId): number {
    if (this.msHi !== other.msHi) return this.msHi >>> 0 < other.msHi >>> 0 ? -1 : 1;
    if (this.msLo !== other.msLo) return this.msLo >>> 0 < other.msLo >>> 0 ? -1 : 1;
    if (this.seqHi !== other.seqHi) return this.seqHi >>> 0 < other.seqHi >>> 0 ? -1 : 1;
    if (this.seqLo !== other.seqLo) return this.seqLo >>> 0 < other.seqLo >>> 0 ? -1 : 1;
    return 0;
  }

  /** As compare(), with the ID in four words in the place of `other`. */
  compareWords(words: Int32Array, at: number): number {
    let one = this.msHi;
    let other = words[at] as number;
    if (one === other) {
      one = this.msLo;
      other = words[at + 1] as number;
      if (one === other) {
        one = this.seqHi;
        other = words[at + 2] as number;
        if (one === other) {
          one = this.seqLo;
          other = words[at + 3] as number;
          if (one === other) return 0;
        }
      }
    }
    return one >>> 0 < other >>> 0 ? -1 : 1;
  }

  /** Writes the text at target[at...]; returns the position behind it. `separator` parts the numbers. */
  format(target: Uint8Array, at: number, separator = DASH): number {
    const middle = formatUint64(this.msHi, this.msLo, target, at);
    target[middle] = separator;
    return formatUint64(this.seqHi, this.seqLo, target, middle + 1);
  }

  /** The text. Allocates. */
  toString(): string {
    const ms = BigInt.asUintN(64, toBigInt(this.msHi, this.msLo));
    return `${ms}-${BigInt.asUintN(64, toBigInt(this.seqHi, this.seqLo))}`;
  }
}

/** Writes the decimal text of an unsigned 64-bit integer; returns the position behind it. */
export function formatUint64(hi: number, lo: number, target: Uint8Array, at: number): number {
  if (hi >= 0) return formatInt64(hi, lo, target, at);
  const text = BigInt.asUintN(64, toBigInt(hi, lo)).toString();
  for (let i = 0; i < text.length; i++) target[at++] = text.charCodeAt(i);
  return at;
}

/** Writes an ID as files have it: 16 bytes, the high ones first. */
export function writeFileId(id: StreamId, target: Uint8Array): void {
  writeHighFirst(target, 0, id.msHi);
  writeHighFirst(target, 4, id.msLo);
  writeHighFirst(target, 8, id.seqHi);
  writeHighFirst(target, 12, id.seqLo);
}

function writeHighFirst(target: Uint8Array, at: number, word: number): void {
  target[at] = word >>> 24;
  target[at + 1] = word >>> 16;
  target[at + 2] = word >>> 8;
  target[at + 3] = word;
}
