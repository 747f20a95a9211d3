/**
 * 64-bit integers as two 32-bit words, and their canonical decimal text.
 *
 * "Canonical" is what Redis turns into an integer encoding: an optional minus sign, digits without
 * leading zeros, no spaces, within -2^63 .. 2^63-1; "-0" is not. Words are signed: `lo` the lower
 * 32 bits, `hi` the upper. Nothing is allocated.
 */

/** Two words that make an integer: where the functions below leave their results. */
export class Int64 {
  /** Upper 32 bits, signed. */
  hi = 0;
  /** Lower 32 bits, as a signed number. */
  lo = 0;
}

/** Longest text that formatInt64 writes: "-9223372036854775808". */
export const INT64_TEXT_BYTES = 20;

const TWO_32 = 2 ** 32;

/** True when bytes[start, end) is a canonical integer, which is then in `out`. */
export function parseInt64(bytes: Uint8Array, start: number, end: number, out: Int64): boolean {
  const length = end - start;
  if (length === 0 || length > 20) return false;
  let at = start;
  const negative = bytes[at] === 45;
  if (negative) at++;
  const first = (bytes[at] as number) - 48;
  if (at === end || first < 0 || first > 9) return false;
  if (first === 0) {
    if (length !== 1) return false;
    out.lo = 0;
    out.hi = 0;
    return true;
  }
  if (end - at > 15) return parseLong(bytes, at, end, negative, out);
  let value = 0;
  for (; at < end; at++) {
    const digit = (bytes[at] as number) - 48;
    if (digit < 0 || digit > 9) return false;
    value = value * 10 + digit;
  }
  splitNumber(negative ? -value : value, out);
  return true;
}

/** Puts a safe integer into `out`. */
export function splitNumber(value: number, out: Int64): void {
  out.lo = value | 0;
  out.hi = Math.floor(value / TWO_32) | 0;
}

/** Puts a bigint within the range of int64 into `out`. */
export function splitBigInt(value: bigint, out: Int64): void {
  out.lo = Number(BigInt.asIntN(32, value));
  out.hi = Number(BigInt.asIntN(32, value >> 32n));
}

/** The value of two words as a number: exact only when isSafe(hi, lo). */
export function toNumber(hi: number, lo: number): number {
  return hi * TWO_32 + (lo >>> 0);
}

/** True when the words hold an integer that a double represents exactly (|n| <= 2^53 - 1). */
export function isSafe(hi: number, lo: number): boolean {
  return hi >= -0x200000 && hi < 0x200000 && !(hi === -0x200000 && lo === 0);
}

/** The value of two words as a bigint: exact for every int64. */
export function toBigInt(hi: number, lo: number): bigint {
  return (BigInt(hi) << 32n) | BigInt(lo >>> 0);
}

/** Digits of the lower part of a long text. */
const LOW_DIGITS = 9;
const LOW_SCALE = 1e9;
const TWO_17 = 2 ** 17;
const TWO_15 = 2 ** 15;

/** As parseInt64(), of sixteen to twenty digits: two parts of at most ten, put together in words. */
function parseLong(
  bytes: Uint8Array,
  start: number,
  end: number,
  negative: boolean,
  out: Int64,
): boolean {
  const middle = end - LOW_DIGITS;
  let high = 0;
  let low = 0;
  for (let at = start; at < end; at++) {
    const digit = (bytes[at] as number) - 48;
    if (digit < 0 || digit > 9) return false;
    if (at < middle) high = high * 10 + digit;
    else low = low * 10 + digit;
  }
  // Twenty digits are beyond.
  if (end - start > 19) return false;
  // high * 10^9 + low, where no product has more than 48 bits.
  const above = Math.floor(high / TWO_17);
  const upper = above * LOW_SCALE;
  const lower = (high - above * TWO_17) * LOW_SCALE + low;
  const carried = Math.floor(upper / TWO_15);
  const sum = (upper - carried * TWO_15) * TWO_17 + lower;
  const hi = carried + Math.floor(sum / TWO_32);
  const lo = sum | 0;
  if (hi > 0x7fffffff && !(negative && hi === 0x80000000 && lo === 0)) return false;
  out.lo = negative ? -lo | 0 : lo;
  out.hi = negative ? (~hi + (lo === 0 ? 1 : 0)) | 0 : hi | 0;
  return true;
}

const reversed = new Uint8Array(20);

/** Writes the decimal text of an int64 at target[at...]; returns the position behind it. */
export function formatInt64(hi: number, lo: number, target: Uint8Array, at: number): number {
  return isSafe(hi, lo) ? formatSafe(toNumber(hi, lo), target, at) : formatLong(hi, lo, target, at);
}

/** As formatInt64(), of a number that is beyond 2^53 either way: divided by 10^9, half a word at a time. */
function formatLong(hi: number, lo: number, target: Uint8Array, at: number): number {
  let upper = hi >>> 0;
  let lower = lo >>> 0;
  if (hi < 0) {
    target[at++] = 45;
    lower = -lo >>> 0;
    upper = (~hi + (lower === 0 ? 1 : 0)) >>> 0;
  }
  const first = Math.floor(upper / LOW_SCALE);
  const middle = (upper - first * LOW_SCALE) * 2 ** 16 + (lower >>> 16);
  const second = Math.floor(middle / LOW_SCALE);
  const last = (middle - second * LOW_SCALE) * 2 ** 16 + (lower & 0xffff);
  const third = Math.floor(last / LOW_SCALE);
  at = formatSafe(first * TWO_32 + second * 2 ** 16 + third, target, at);
  let rest = last - third * LOW_SCALE;
  for (let index = at + LOW_DIGITS - 1; index >= at; index--) {
    const tenth = (rest / 10) | 0;
    target[index] = 48 + (rest - tenth * 10);
    rest = tenth;
  }
  return at + LOW_DIGITS;
}

function formatSafe(number: number, target: Uint8Array, at: number): number {
  let value = number;
  if (value < 0) {
    target[at++] = 45;
    value = -value;
  }
  let count = 0;
  // Doubles only to cut off eight digits: 32-bit division is several times faster.
  while (value > 0x7fffffff) {
    const upper = Math.floor(value / 1e8);
    let eight = (value - upper * 1e8) | 0;
    for (const end = count + 8; count < end; ) {
      const rest = (eight / 10) | 0;
      reversed[count++] = 48 + (eight - rest * 10);
      eight = rest;
    }
    value = upper;
  }
  let small = value | 0;
  do {
    const rest = (small / 10) | 0;
    reversed[count++] = 48 + (small - rest * 10);
    small = rest;
  } while (small !== 0);
  while (count > 0) target[at++] = reversed[--count] as number;
  return at;
}

/** Bytes that formatInt64 writes. */
export function int64TextBytes(hi: number, lo: number): number {
  if (!isSafe(hi, lo)) return toBigInt(hi, lo).toString().length;
  const value = toNumber(hi, lo);
  let bytes = value < 0 ? 2 : 1;
  for (let limit = 10; limit <= Math.abs(value); limit *= 10) bytes++;
  return bytes;
}
