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
 * when it would not end at or before `limit`: then the string is better stored as it is.
 */
export function compress(
  source: Uint8Array,
  start: number,
  end: number,
  target: Uint8Array,
  at: number,
  limit: number,
): number {
  if (epoch > 0x7fffffff - (end - start) - 1) {
    seen.fill(0);
    epoch = 1;
  }
  const base = epoch - start;
  epoch += end - start;
  let out = at;
  let literal = start; // Bytes from here to `i` wait to be written as literals.
  let i = start;
  while (i + 2 < end) {
    const triple = source[i] | (source[i + 1] << 8) | (source[i + 2] << 16);
    const hash = Math.imul(triple, 0x9e3779b1) >>> (32 - HASH_BITS);
    const from = seen[hash] - base;
    seen[hash] = i + base;
    if (
      from < start ||
      i - from > OFFSET_MAX ||
      source[from] !== source[i] ||
      source[from + 1] !== source[i + 1] ||
      source[from + 2] !== source[i + 2]
    ) {
      i++;
      continue;
    }
    const longest = Math.min(end - i, COPY_MAX);
    let length = 3;
    while (length < longest && source[from + length] === source[i + length]) length++;
    out = writeLiterals(source, literal, i, target, out, limit);
    if (out === -1 || out + 3 > limit) return -1;
    const offset = i - from - 1;
    if (length < 9) {
      target[out++] = ((length - 2) << 5) | (offset >> 8);
    } else {
      target[out++] = (7 << 5) | (offset >> 8);
      target[out++] = length - 9;
    }
    target[out++] = offset;
    i += length;
    literal = i;
  }
  return writeLiterals(source, literal, end, target, out, limit);
}

function writeLiterals(
  source: Uint8Array,
  start: number,
  end: number,
  target: Uint8Array,
  at: number,
  limit: number,
): number {
  while (start < end) {
    const length = Math.min(end - start, LITERAL_MAX);
    if (at + 1 + length > limit) return -1;
    target[at++] = length - 1;
    for (let i = 0; i < length; i++) target[at++] = source[start++];
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
  source: Uint8Array,
  start: number,
  end: number,
  target: Uint8Array,
  length: number,
): boolean {
  let at = start;
  let out = 0;
  while (at < end) {
    const control = source[at++];
    if (control < LITERAL_MAX) {
      const count = control + 1;
      if (at + count > end || out + count > length) return false;
      for (let i = 0; i < count; i++) target[out++] = source[at++];
      continue;
    }
    let count = control >> 5;
    if (count === 7) {
      if (at === end) return false;
      count += source[at++];
    }
    count += 2;
    if (at === end) return false;
    const from = out - (((control & 31) << 8) | source[at++]) - 1;
    if (from < 0 || out + count > length) return false;
    if (count > 32 && from + count <= out) {
      target.copyWithin(out, from, from + count);
      out += count;
    } else {
      for (let i = 0; i < count; i++) {
        target[out] = target[from + i];
        out++;
      }
    }
  }
  return out === length;
}
