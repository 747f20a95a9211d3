/**
 * 64-bit integers as two 32-bit words, and their canonical decimal text.
 *
 * "Canonical" is what Redis turns into an integer encoding: an optional minus sign, digits without
 * leading zeros, no spaces, within -2^63 .. 2^63-1; "-0" is not. Words are signed: `lo` the lower
 * 32 bits, `hi` the upper. Nothing is allocated for values of up to 15 digits.
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
const INT64_MIN = -(2n ** 63n);
const INT64_MAX = 2n ** 63n - 1n;

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

function parseLong(
  bytes: Uint8Array,
  start: number,
  end: number,
  negative: boolean,
  out: Int64,
): boolean {
  let value = 0n;
  let part = 0;
  let scale = 1;
  for (let at = start; at < end; at++) {
    const digit = (bytes[at] as number) - 48;
    if (digit < 0 || digit > 9) return false;
    part = part * 10 + digit;
    scale *= 10;
    if (scale === 1e10) {
      value = value * 10_000_000_000n + BigInt(part);
      part = 0;
      scale = 1;
    }
  }
  value = value * BigInt(scale) + BigInt(part);
  if (negative) value = -value;
  if (value < INT64_MIN || value > INT64_MAX) return false;
  splitBigInt(value, out);
  return true;
}

const reversed = new Uint8Array(20);

/** Writes the decimal text of an int64 at target[at...]; returns the position behind it. */
export function formatInt64(hi: number, lo: number, target: Uint8Array, at: number): number {
  if (!isSafe(hi, lo)) {
    const text = toBigInt(hi, lo).toString();
    for (let i = 0; i < text.length; i++) target[at++] = text.charCodeAt(i);
    return at;
  }
  let value = toNumber(hi, lo);
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
