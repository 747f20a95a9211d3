/**
 * Long doubles: the 80-bit floats in which INCRBYFLOAT and HINCRBYFLOAT compute, in software.
 *
 * A value is mantissa * 2^exponent, the mantissa a signed integer of at most 64 bits. Reading,
 * adding and printing give the digits that x86 gives: every result is the exact one rounded once,
 * to nearest, ties to even. Zero has no sign here, since it is printed without one.
 *
 *      smallest step   2^-16445         largest value   (2^64 - 1) * 2^16320
 *
 * Text is what strtold reads: decimal or hexadecimal, with an exponent, or an infinity by name.
 * NaN, values too large and values that vanish are refused. Texts are at most 5,119 bytes long and
 * exponents are cut off early, so a request cannot make the big integers here expensive.
 */
import { latin1 } from "@kv/resp";

/** mantissa * 2^exponent. */
export interface LongDouble {
  /** Signed; 1 or -1 for an infinity. */
  readonly mantissa: bigint;
  /** Infinity for an infinity. */
  readonly exponent: number;
}

const MANTISSA_BITS = 64;
const EXPONENT_MIN = -16445;
/** Bits that the largest value has in front of its point. */
const BITS_MAX = 16384;
/** Redis reads numbers from a buffer of 5 KiB that ends with a zero byte. */
export const TEXT_BYTES_MAX = 5 * 1024 - 1;
/** Powers of ten beyond this are out of range whatever their digits. */
const POWER_OF_TEN_MAX = 5000;
const FRACTION_DIGITS = 17;
const FRACTION_SCALE = 10n ** BigInt(FRACTION_DIGITS);

const DECIMAL = /^([+-]?)(\d*)(?:\.(\d*))?(?:e([+-]?\d+))?$/i;
const HEXADECIMAL = /^([+-]?)0x([\da-f]*)(?:\.([\da-f]*))?(?:p([+-]?\d+))?$/i;
const INFINITE = /^([+-]?)inf(?:inity)?$/i;

const zero: LongDouble = { mantissa: 0n, exponent: 0 };

/** The number in bytes[start, end); null where Redis says that it is not a valid float. */
export function parseLongDouble(bytes: Uint8Array, start: number, end: number): LongDouble | null {
  if (start === end || end - start > TEXT_BYTES_MAX) return null;
  const text = latin1(bytes, start, end);
  const decimal = DECIMAL.exec(text);
  if (decimal !== null) return fromDecimal(decimal);
  const hexadecimal = HEXADECIMAL.exec(text);
  if (hexadecimal !== null) return fromHexadecimal(hexadecimal);
  const infinite = INFINITE.exec(text);
  if (infinite === null) return null;
  return { mantissa: infinite[1] === "-" ? -1n : 1n, exponent: Infinity };
}

/** The sum, rounded; null when it is infinite or not a number. */
export function addLongDoubles(a: LongDouble, b: LongDouble): LongDouble | null {
  if (a.exponent === Infinity || b.exponent === Infinity) return null;
  const exponent = Math.min(a.exponent, b.exponent);
  const sum =
    (a.mantissa << BigInt(a.exponent - exponent)) + (b.mantissa << BigInt(b.exponent - exponent));
  return rounded(sum < 0n, sum < 0n ? -sum : sum, exponent, false);
}

/** The number with up to 17 digits behind the point and no zeros at the end, as "%.17Lf" has them. */
export function formatLongDouble(x: LongDouble): string {
  const magnitude = x.mantissa < 0n ? -x.mantissa : x.mantissa;
  const sign = x.mantissa < 0n ? "-" : "";
  if (x.exponent >= 0) return sign + (magnitude << BigInt(x.exponent)).toString();
  const scaled = shiftedRight(magnitude * FRACTION_SCALE, -x.exponent, false);
  const digits = scaled.toString().padStart(FRACTION_DIGITS + 1, "0");
  const whole = digits.slice(0, -FRACTION_DIGITS);
  const fraction = digits.slice(-FRACTION_DIGITS).replace(/0+$/, "");
  if (fraction !== "") return `${sign}${whole}.${fraction}`;
  return whole === "0" ? "0" : sign + whole;
}

function fromDecimal(parts: RegExpExecArray): LongDouble | null {
  const whole = parts[2] ?? "";
  const fraction = parts[3] ?? "";
  if (whole === "" && fraction === "") return null;
  const digits = (whole + fraction).replace(/^0+/, "");
  if (digits === "") return zero;
  const power = Number(parts[4] ?? "0") - fraction.length;
  if (Math.abs(digits.length + power) > POWER_OF_TEN_MAX) return null;
  const scale = powerOfTen(Math.abs(power));
  const numerator = power < 0 ? BigInt(digits) : BigInt(digits) * scale;
  const denominator = power < 0 ? scale : 1n;

  // Enough bits that the quotient always has some to round off; the remainder is the sticky bit.
  const shift = MANTISSA_BITS + 2 - (bitLength(numerator) - bitLength(denominator));
  const dividend = shift > 0 ? numerator << BigInt(shift) : numerator;
  const divisor = shift > 0 ? denominator : denominator << BigInt(-shift);
  const quotient = dividend / divisor;
  const inexact = quotient * divisor !== dividend;
  return unlessVanished(rounded(parts[1] === "-", quotient, -shift, inexact));
}

function fromHexadecimal(parts: RegExpExecArray): LongDouble | null {
  const whole = parts[2] ?? "";
  const fraction = parts[3] ?? "";
  if (whole === "" && fraction === "") return null;
  const mantissa = BigInt(`0x${whole}${fraction}`);
  if (mantissa === 0n) return zero;
  const exponent = Number(parts[4] ?? "0") - fraction.length * 4;
  const bits = bitLength(mantissa) + exponent;
  if (Math.abs(bits) > 2 * BITS_MAX) return null;
  return unlessVanished(rounded(parts[1] === "-", mantissa, exponent, false));
}

/** Text of a number other than zero that is too small for anything but zero is refused. */
function unlessVanished(x: LongDouble | null): LongDouble | null {
  return x === null || x.mantissa === 0n ? null : x;
}

/**
 * magnitude * 2^exponent as a long double; null when it is too large. `inexact` says that the true
 * magnitude is a little more, and then there must be bits to round off.
 */
function rounded(
  negative: boolean,
  magnitude: bigint,
  exponent: number,
  inexact: boolean,
): LongDouble | null {
  const drop = Math.max(bitLength(magnitude) - MANTISSA_BITS, EXPONENT_MIN - exponent, 0);
  const kept = shiftedRight(magnitude, drop, inexact);
  if (kept === 0n) return zero;
  if (bitLength(kept) + exponent + drop > BITS_MAX) return null;
  return { mantissa: negative ? -kept : kept, exponent: exponent + drop };
}

/** n / 2^bits to the nearest integer, ties to even. `inexact`: the true n is a little more. */
function shiftedRight(n: bigint, bits: number, inexact: boolean): bigint {
  if (bits === 0) return n;
  if (bits > bitLength(n) + 1) return 0n;
  const shift = BigInt(bits);
  const kept = n >> shift;
  const rest = n - (kept << shift);
  const half = 1n << (shift - 1n);
  const up = rest > half || (rest === half && (inexact || (kept & 1n) === 1n));
  return up ? kept + 1n : kept;
}

const double = new Float64Array(1);
const doubleWords = new Uint32Array(double.buffer);

/** Bits of a number that is not negative; 0 for zero. */
function bitLength(n: bigint): number {
  if (n === 0n) return 0;
  // The exponent of the nearest double tells, except that the nearest may be a power of two above n.
  double[0] = Number(n);
  const [low, high] = doubleWords;
  const bits = (high >>> 20) - 1022;
  if (bits <= 1024) {
    const isPower = low === 0 && (high & 0xfffff) === 0;
    return isPower && n >> BigInt(bits - 1) === 0n ? bits - 1 : bits;
  }
  const hex = n.toString(16);
  return hex.length * 4 - Math.clz32(Number.parseInt(hex[0], 16)) + 28;
}

const POWERS_KEPT = 64;
const powers: bigint[] = [];
for (let i = 0; i < POWERS_KEPT; i++) powers.push(10n ** BigInt(i));

/** 10^exponent; the small ones are kept. */
function powerOfTen(exponent: number): bigint {
  return exponent < POWERS_KEPT ? powers[exponent] : 10n ** BigInt(exponent);
}
