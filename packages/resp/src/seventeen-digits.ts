/**
 * A double with seventeen significant digits, as C's "%.17g" prints it: without zeros at the end, with
 * an exponent of at least two digits when that is below -4 or above 16, and halves rounded to even.
 *
 * Most are written without making a text of them: seconds with a fraction, scores, ratios.
 */
import { integerLength, writeInteger } from "./number-codec.ts";

const DIGITS = 17;
/** As many digits as JavaScript gives of a double: far more than decide a tie. */
const EXACT_DIGITS = 100;

/** Longest text: a sign, "0.000", seventeen digits; or a sign, a digit, a point, sixteen more, "e-324". */
const SEVENTEEN_DIGITS_BYTES = 24;

/** From here on up to 2^53, the parts of a double behind the point are exact as they are taken. */
const SPLIT_MIN = 0.1;
const SPLIT_MAX = 2 ** 53;
/** Nearer to a half than this, it may be one. */
const DOUBT = 1e-9;
/** Splits a double into two of half as many bits (Dekker 1971). */
const SPLITTER = 2 ** 27 + 1;
const EXACT_POWERS = Float64Array.from({ length: 18 }, (_, power) => 10 ** power);
const EIGHT_DIGITS = 1e8;

const written = new Uint8Array(SEVENTEEN_DIGITS_BYTES);

/** The text of a double: see the head of this file. */
export function seventeenDigits(x: number): string {
  const end = writeSeventeenDigits(written, 0, x);
  let text = "";
  for (let i = 0; i < end; i++) text += String.fromCharCode(written[i]);
  return text;
}

/** Writes that text at `at`; returns the position behind it. */
function writeSeventeenDigits(bytes: Uint8Array, at: number, x: number): number {
  if (Number.isSafeInteger(x) && !Object.is(x, -0)) return writeInteger(bytes, at, x);
  const size = Math.abs(x);
  if (size >= SPLIT_MIN && size < SPLIT_MAX) {
    const end = writeSplit(bytes, x < 0 ? minus(bytes, at) : at, size);
    if (end !== 0) return end;
  }
  const text = textOf(x);
  for (let i = 0; i < text.length; i++) bytes[at + i] = text.charCodeAt(i);
  return at + text.length;
}

function minus(bytes: Uint8Array, at: number): number {
  bytes[at] = MINUS;
  return at + 1;
}

/**
 * Writes a positive double by the integer that it has before the point and one or two behind it: each
 * product is the sum of two doubles, so nothing is lost. 0: it may be a half.
 */
function writeSplit(bytes: Uint8Array, from: number, x: number): number {
  let whole = Math.floor(x);
  let rest = x - whole;
  let places = whole === 0 ? DIGITS : DIGITS - integerLength(whole);
  let upper = 0;
  const isLong = places > 8;
  if (isLong) {
    const product = rest * EIGHT_DIGITS;
    upper = Math.floor(product);
    // Exact: of at most 72 bits, 24 or more are of the integer.
    rest = product - upper + lost(rest, EIGHT_DIGITS, product);
    if (rest < 0) {
      rest += 1;
      upper--;
    }
    places -= 8;
  }
  const scale = EXACT_POWERS[places] as number;
  const product = rest * scale;
  let lower = Math.floor(product);
  const part = product - lower + lost(rest, scale, product);
  if (Math.abs(part - 0.5) < DOUBT) return 0;
  if (part > 0.5) lower++;
  else if (part < -0.5) lower--;
  if (lower === scale) {
    lower = 0;
    upper++;
  }
  if (upper === (isLong ? EIGHT_DIGITS : 1)) {
    upper = 0;
    whole++;
  }
  let at = writeInteger(bytes, from, whole);
  if (isLong ? upper === 0 && lower === 0 : lower === 0) return at;
  bytes[at++] = POINT;
  if (isLong) at = writePlaces(bytes, at, upper, 8);
  at = writePlaces(bytes, at, lower, places);
  while (bytes[at - 1] === ZERO) at--;
  return at;
}

/** What `product`, that of a and b, has lost by rounding. */
function lost(a: number, b: number, product: number): number {
  const aHigh = a * SPLITTER - (a * SPLITTER - a);
  const bHigh = b * SPLITTER - (b * SPLITTER - b);
  const aLow = a - aHigh;
  const bLow = b - bHigh;
  return aLow * bLow - (product - aHigh * bHigh - aLow * bHigh - aHigh * bLow);
}

/** Writes so many digits, with zeros in front. */
function writePlaces(bytes: Uint8Array, at: number, digits: number, places: number): number {
  let rest = digits;
  for (let i = at + places - 1; i >= at; i--) {
    const tenth = (rest / 10) | 0;
    bytes[i] = ZERO + (rest - tenth * 10);
    rest = tenth;
  }
  return at + places;
}

const MINUS = 45;
const POINT = 46;
const ZERO = 48;

/** The text of any double. */
function textOf(x: number): string {
  if (!Number.isFinite(x)) return Number.isNaN(x) ? "nan" : x < 0 ? "-inf" : "inf";
  if (x === 0) return Object.is(x, -0) ? "-0" : "0";
  const sign = x < 0 ? "-" : "";
  const [mantissa, power] = rounded(Math.abs(x)).split("e") as [string, string];
  const exponent = Number(power);
  const digits = mantissa.replace(".", "").replace(/0+$/, "");
  if (exponent < -4 || exponent >= DIGITS) {
    const tail = digits.length > 1 ? `.${digits.slice(1)}` : "";
    const ending = `${Math.abs(exponent)}`.padStart(2, "0");
    return `${sign}${digits[0]}${tail}e${exponent < 0 ? "-" : "+"}${ending}`;
  }
  if (exponent < 0) return `${sign}0.${"0".repeat(-exponent - 1)}${digits}`;
  const whole = digits.slice(0, exponent + 1).padEnd(exponent + 1, "0");
  const rest = digits.slice(exponent + 1);
  return rest === "" ? sign + whole : `${sign}${whole}.${rest}`;
}

/** `d.ddde+x` with seventeen digits. JavaScript rounds halves up. */
function rounded(x: number): string {
  const up = x.toExponential(DIGITS - 1);
  if (!mayBeTie(x, up)) return up;
  const exact = x.toExponential(EXACT_DIGITS);
  const mark = exact.indexOf("e");
  const isTie = /^50*$/.test(exact.slice(DIGITS + 1, mark));
  const lastDigit = Number(exact[DIGITS]);
  return isTie && lastDigit % 2 === 0 ? exact.slice(0, DIGITS + 1) + exact.slice(mark) : up;
}

/**
 * A half is a number of eighteen digits. With n binary digits behind the point, a double has as many
 * decimal ones there, the last of them not zero. `up`: that number rounded.
 */
function mayBeTie(x: number, up: string): boolean {
  const fractionDigits = binaryFractionDigits(x);
  if (fractionDigits <= 0) return false;
  const digits = Number(up.slice(up.indexOf("e") + 1)) + 1 + fractionDigits;
  // Rounding may have made it one digit longer.
  return digits === DIGITS + 1 || digits === DIGITS + 2;
}

const bits = new DataView(new ArrayBuffer(8));

/** How many binary digits stand behind the point; none of a whole number. */
function binaryFractionDigits(x: number): number {
  bits.setFloat64(0, x);
  const high = bits.getUint32(0);
  const low = bits.getUint32(4);
  const exponent = Math.max(1, (high >>> 20) & 0x7ff);
  // The leading one of the mantissa is above its 52 bits, and does not matter where all of them are zero.
  const mantissaHigh = (high & 0xfffff) | 0x100000;
  const zeros = low !== 0 ? trailingZeros(low) : 32 + trailingZeros(mantissaHigh);
  return 1075 - exponent - zeros;
}

const trailingZeros = (word: number) => 31 - Math.clz32(word & -word);
