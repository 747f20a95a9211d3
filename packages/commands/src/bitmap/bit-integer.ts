/**
 * Integers of 1 to 64 bits that lie anywhere in a string, highest bit first, and what becomes of a
 * sum that has no room in so many bits.
 *
 *      bit      0      7 8     15
 *               00000011 11000000      at bit 6, five bits wide: 11110, or -2 with a sign
 *
 * Up to 32 bits they are numbers; wider ones are bigints, as their sums may need 65 bits.
 */

/** What becomes of a value that does not fit. */
export const Overflow = {
  /** Its lower bits are kept. */
  WRAP: 0,
  /** The nearest value that fits is taken. */
  SATURATE: 1,
  /** Nothing is done. */
  FAIL: 2,
} as const;

/** Fields of so many bits are numbers. */
export const NARROW_BITS_MAX = 32;

/** The unsigned integer of up to 32 bits at a bit of bytes[start, end): 0 where there are none. */
export function readNarrow(
  bytes: Uint8Array,
  start: number,
  end: number,
  offset: number,
  bits: number,
): number {
  const first = start + Math.floor(offset / 8);
  const last = start + Math.floor((offset + bits - 1) / 8);
  let value = 0;
  // Five bytes at most: 40 bits, which a double holds exactly.
  for (let at = first; at <= last; at++)
    value = value * 256 + (at < end ? (bytes[at] as number) : 0);
  return Math.floor(value / 2 ** bitsBehind(offset, bits)) % 2 ** bits;
}

/** As readNarrow, for any width. */
export function readWide(
  bytes: Uint8Array,
  start: number,
  end: number,
  offset: number,
  bits: number,
): bigint {
  const upperBits = bits - NARROW_BITS_MAX;
  if (upperBits <= 0) return BigInt(readNarrow(bytes, start, end, offset, bits));
  const upper = readNarrow(bytes, start, end, offset, upperBits);
  const lower = readNarrow(bytes, start, end, offset + upperBits, NARROW_BITS_MAX);
  return (BigInt(upper) << 32n) | BigInt(lower);
}

/** Writes the lower bits of `value`, an unsigned integer below 2^bits, at a bit of the string. */
export function writeNarrow(
  bytes: Uint8Array,
  start: number,
  offset: number,
  bits: number,
  value: number,
): void {
  const behind = bitsBehind(offset, bits);
  let at = start + Math.floor((offset + bits - 1) / 8);
  let shift = behind;
  let left = bits;
  let rest = value;
  while (left > 0) {
    const here = Math.min(8 - shift, left);
    const mask = ((1 << here) - 1) << shift;
    const part = (rest % (1 << here)) << shift;
    bytes[at] = ((bytes[at] as number) & ~mask) | part;
    rest = Math.floor(rest / (1 << here));
    left -= here;
    shift = 0;
    at--;
  }
}

/** As writeNarrow, for any width. */
export function writeWide(
  bytes: Uint8Array,
  start: number,
  offset: number,
  bits: number,
  value: bigint,
): void {
  const upperBits = bits - NARROW_BITS_MAX;
  const lower = Number(BigInt.asUintN(32, value));
  if (upperBits <= 0) {
    writeNarrow(bytes, start, offset, bits, lower);
    return;
  }
  writeNarrow(bytes, start, offset, upperBits, Number(BigInt.asUintN(upperBits, value >> 32n)));
  writeNarrow(bytes, start, offset + upperBits, NARROW_BITS_MAX, lower);
}

/** Bits of the last byte of a field that are not its own. */
function bitsBehind(offset: number, bits: number): number {
  return 7 - ((offset + bits - 1) % 8);
}

/** An unsigned integer of so many bits as the signed one with the same bits. */
export function signedNarrow(value: number, bits: number): number {
  return value >= 2 ** (bits - 1) ? value - 2 ** bits : value;
}

/** Where a value that does not fit is reported: void after the next fit. */
export const fit = { overflows: false };

/** `value` made to fit so many bits; `fit.overflows` says whether it had to be. A safe integer. */
export function fitNarrow(
  value: number,
  bits: number,
  isSigned: boolean,
  overflow: number,
): number {
  const max = isSigned ? 2 ** (bits - 1) - 1 : 2 ** bits - 1;
  const min = isSigned ? -max - 1 : 0;
  fit.overflows = value > max || value < min;
  if (!fit.overflows) return value;
  if (overflow === Overflow.SATURATE) return value > max ? max : min;
  const modulus = 2 ** bits;
  const wrapped = ((value % modulus) + modulus) % modulus;
  return isSigned ? signedNarrow(wrapped, bits) : wrapped;
}

/** As fitNarrow, for any width and any value. */
export function fitWide(value: bigint, bits: number, isSigned: boolean, overflow: number): bigint {
  const max = (1n << BigInt(isSigned ? bits - 1 : bits)) - 1n;
  const min = isSigned ? -max - 1n : 0n;
  fit.overflows = value > max || value < min;
  if (!fit.overflows) return value;
  if (overflow === Overflow.SATURATE) return value > max ? max : min;
  return isSigned ? BigInt.asIntN(bits, value) : BigInt.asUintN(bits, value);
}
