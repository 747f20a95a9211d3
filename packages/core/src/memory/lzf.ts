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

const HASH_BITS = 13;
const OFFSET_MAX = 1 << 13;
const COPY_MAX = 264;
const LITERAL_MAX = 32;
/** Bytes that are compressed at a time, and decompressed. */
const WORD = 4;
const LONG = 8;

/**
 * The most that LZF can make of one byte: a copy of 264 bytes takes three. A header that promises
 * more is a lie, and is found to be one before anything is allocated.
 */
export const LZF_EXPANSION_MAX = COPY_MAX / 3;

/**
 * Where the three bytes with this hash were last seen, plus `epoch`: positions of earlier inputs
 * are below the present epoch, so the table need not be cleared for each string.
 */
const seen = new Int32Array(1 << HASH_BITS);
let epoch = 1;

/**
 * Compresses source[start, end) to target[at...]. Returns the position behind the result, or -1
 * when it would not end at or before `limit`: then the string is better stored as it is. Between the
 * result and `limit` the target may be overwritten.
 *
 * Bytes are read, compared and copied four at a time, which is what makes it quick: hence the views.
 */
export function compress(
  source: DataView,
  start: number,
  end: number,
  target: DataView,
  at: number,
  limit: number,
): number {
  if (epoch > 0x7fffffff - (end - start) - 1) {
    seen.fill(0);
    epoch = 1;
  }
  const base = epoch - start;
  epoch += end - start;
  const lastWord = end - WORD;
  let out = at;
  let literal = start; // Bytes from here to `i` wait to be written as literals.
  let i = start;
  while (i <= lastWord) {
    const word = source.getInt32(i, true);
    // Three bytes make a repetition; the fourth is shifted out of the hash, and of the comparison.
    const hash = Math.imul(word << 8, 0x9e3779b1) >>> (32 - HASH_BITS);
    const from = (seen[hash] as number) - base;
    seen[hash] = i + base;
    if (from < start || i - from > OFFSET_MAX || (source.getInt32(from, true) ^ word) << 8 !== 0) {
      i++;
      continue;
    }
    const longest = Math.min(end - i, COPY_MAX);
    let length = 3;
    let difference = 0;
    while (length <= longest - WORD) {
      difference = source.getInt32(from + length, true) ^ source.getInt32(i + length, true);
      if (difference !== 0) break;
      length += WORD;
    }
    if (difference !== 0) {
      length += (31 - Math.clz32(difference & -difference)) >> 3; // Equal bytes of the word.
    } else {
      while (length < longest && source.getUint8(from + length) === source.getUint8(i + length))
        length++;
    }
    if (literal < i) out = writeLiterals(source, literal, i, lastWord, target, out, limit);
    if (out === -1 || out + 3 > limit) return -1;
    const offset = i - from - 1;
    if (length < 9) {
      target.setUint8(out++, ((length - 2) << 5) | (offset >> 8));
    } else {
      target.setUint8(out++, (7 << 5) | (offset >> 8));
      target.setUint8(out++, length - 9);
    }
    target.setUint8(out++, offset);
    i += length;
    literal = i;
  }
  return writeLiterals(source, literal, end, lastWord, target, out, limit);
}

/** `lastWord` is the last position in the source at which four bytes may be read. */
function writeLiterals(
  source: DataView,
  start: number,
  end: number,
  lastWord: number,
  target: DataView,
  at: number,
  limit: number,
): number {
  while (start < end) {
    const length = Math.min(end - start, LITERAL_MAX);
    if (at + 1 + length > limit) return -1;
    target.setUint8(at++, length - 1);
    if (start + length - 1 <= lastWord && at + length + WORD - 1 <= limit) {
      // What is copied beyond the end is overwritten by what comes next.
      for (let i = 0; i < length; i += WORD)
        target.setInt32(at + i, source.getInt32(start + i, true), true);
    } else {
      for (let i = 0; i < length; i++) target.setUint8(at + i, source.getUint8(start + i));
    }
    at += length;
    start += length;
  }
  return at;
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
  let at = start;
  let out = 0;
  while (at < end) {
    const control = source.getUint8(at++);
    if (control < LITERAL_MAX) {
      const count = control + 1;
      if (at + count > end || out + count > length) return false;
      // Words may go beyond what is copied, where the next instruction writes, and no further.
      if (at + count + LONG - 1 <= end && out + count + LONG - 1 <= length) {
        for (let i = 0; i < count; i += LONG)
          target.setBigInt64(out + i, source.getBigInt64(at + i, true), true);
      } else {
        for (let i = 0; i < count; i++) target.setUint8(out + i, source.getUint8(at + i));
      }
      out += count;
      at += count;
      continue;
    }
    let count = control >> 5;
    if (count === 7) {
      if (at === end) return false;
      count += source.getUint8(at++);
    }
    count += 2;
    if (at === end) return false;
    const from = out - (((control & 31) << 8) | source.getUint8(at++)) - 1;
    if (from < 0 || out + count > length) return false;
    if (from + LONG <= out && out + count + LONG - 1 <= length) {
      for (let i = 0; i < count; i += LONG)
        target.setBigInt64(out + i, target.getBigInt64(from + i, true), true);
    } else {
      for (let i = 0; i < count; i++) target.setUint8(out + i, target.getUint8(from + i));
    }
    out += count;
  }
  return out === length;
}
