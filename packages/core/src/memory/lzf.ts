/**
 * LZF, the compression of strings in RDB files: quick rather than thorough.
 *
 * A compressed string is a row of instructions, each led by one control byte:
 *
 *      000nnnnn  bytes              n + 1 literal bytes follow (1 to 32)
 *      lllooooo  oooooooo           copy l + 2 bytes (3 to 8) from o + 1 bytes back
 *      111ooooo  llllllll oooooooo  copy l + 9 bytes (9 to 264) from o + 1 bytes back
 *
 * An offset has 13 bits: what was written up to 8 KiB ago can be repeated. A copy may overlap what
 * it writes, which is how runs are stored. Example, "aaaaaaaa":
 *
 *      00 61     literal "a"
 *      A0 00     copy 5 + 2 bytes from 1 byte back
 *
 * Neither direction knows its own length: whoever stores the string stores both lengths with it.
 */

import { bulk } from "./bulk.ts";
import { compressPlainly, decompressPlainly } from "./lzf-plain.ts";

const COPY_MAX = 264;
const LITERAL_MAX = 32;

/**
 * The most that LZF can make of one byte: a copy of 264 bytes takes three. A header that promises
 * more is a lie, and is found to be one before anything is allocated.
 */
export const LZF_EXPANSION_MAX = COPY_MAX / 3;

/**
 * Compresses source[start, end) to target[at...]. Returns the position behind the result, or -1
 * when it would not end at or before `limit`: then the string is better stored as it is. Between the
 * result and `limit` the target may be overwritten.
 */
export function compress(
  source: DataView,
  start: number,
  end: number,
  target: DataView,
  at: number,
  limit: number,
): number {
  const routines = bulk();
  if (routines === null || !routines.fits(end - start))
    return compressPlainly(source, start, end, target, at, limit);
  return routines.compress(source, start, end, target, at, limit);
}

/**
 * Decompresses source[start, end) into target[0, length). False unless the instructions fill
 * exactly that: nothing outside the two ranges is read or written, whatever they say.
 */
export function decompress(
  source: DataView,
  start: number,
  end: number,
  target: DataView,
  length: number,
): boolean {
  const routines = bulk();
  if (routines === null || !routines.fits(end - start) || !routines.fits(length))
    return decompressPlainly(source, start, end, target, length);
  return routines.decompress(source, start, end, target, length);
}

/**
 * LzfWalk: what compressed bytes would decompress to, without doing it. Their length and whether they
 * are well-formed depend on the control bytes alone.
 */
export class LzfWalk {
  /** No instruction takes more bytes. */
  static readonly instructionBytesMax = 1 + LITERAL_MAX;
  /** The bytes are not what `length` bytes compress to. */
  isBroken = false;
  private readonly length: number;
  private out = 0;

  /** The compressed bytes are said to stand for `length` bytes. */
  constructor(length: number) {
    this.length = length;
  }

  /** True when the instructions so far stand for exactly the bytes promised. */
  get isComplete(): boolean {
    return !this.isBroken && this.out === this.length;
  }

  /**
   * Follows the instructions that are whole in source[at, end). Returns the position behind them:
   * the rest is to come again with what follows it. `isLast`: nothing follows.
   */
  go(source: Uint8Array, at: number, end: number, isLast: boolean): number {
    const { length } = this;
    let { out } = this;
    while (at < end) {
      const control = source[at];
      let after = at + 2 + control;
      let count = control + 1;
      if (control >= LITERAL_MAX) {
        const isLong = control >> 5 === 7;
        after = at + (isLong ? 3 : 2);
        count = (control >> 5) + 2;
        if (after <= end) {
          if (isLong) count += source[at + 1];
          if (out - (((control & 31) << 8) | source[after - 1]) - 1 < 0) this.isBroken = true;
        }
      }
      if (after > end) {
        if (isLast) this.isBroken = true;
        break;
      }
      out += count;
      if (out > length) this.isBroken = true;
      if (this.isBroken) break;
      at = after;
    }
    this.out = out;
    return at;
  }
}
