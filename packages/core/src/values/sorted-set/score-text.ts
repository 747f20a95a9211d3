/**
 * Scores as listpacks have them: a whole number as an integer, and -0 with it; anything else as the text
 * of the shortest digits that read back the same, "inf" or "-inf".
 *
 * What others wrote may be longer ("0.10000000000000001"), and is kept as it came: what counts is the
 * number that it stands for. Text that stands for none is NaN.
 */
import { formatInt64, Int64, splitBigInt, splitNumber, toNumber } from "../../int64.ts";
import {
  dataBytes,
  isString,
  readInteger,
  stored,
  stringHeadBytes,
} from "../../memory/listpack-element.ts";

/** Longest text that writeScore() writes: the shortest digits of a double are at most 17. */
export const SCORE_TEXT_BYTES = 32;
/** No text of a score is longer: what is, stands for no number. */
const FOREIGN_BYTES_MAX = 512;
/** Larger whole numbers are stored as text. */
const WHOLE_MAX = 2 ** 62;
/** Powers of ten that a double holds exactly. */
const EXACT_POWERS = Float64Array.from({ length: 23 }, (_, power) => Number(`1e${power}`));

const whole = new Int64();

/** Writes the text of a score at `at`. Returns the index behind it. */
export function writeScore(score: number, target: Uint8Array, at: number): number {
  if (Number.isSafeInteger(score)) splitNumber(score, whole);
  else if (Number.isInteger(score) && Math.abs(score) <= WHOLE_MAX)
    splitBigInt(BigInt(score), whole);
  else return writeText(textOf(score), target, at);
  return formatInt64(whole.hi, whole.lo, target, at);
}

function textOf(score: number): string {
  if (score === Infinity) return "inf";
  return score === -Infinity ? "-inf" : String(score);
}

function writeText(text: string, target: Uint8Array, at: number): number {
  for (let i = 0; i < text.length; i++) target[at + i] = text.charCodeAt(i);
  return at + text.length;
}

/** The score in a listpack's element, which begins at bytes[at]; NaN when it is none. */
export function readScore(bytes: Uint8Array, at: number): number {
  const lead = bytes[at] as number;
  if (isString(lead)) {
    const start = at + stringHeadBytes(lead);
    return parseScore(bytes, start, at + dataBytes(bytes, at));
  }
  readInteger(bytes, at, lead);
  return toNumber(stored.hi, stored.lo);
}

/** Digits of the two parts that a number is read in: each is exact. */
const PART_DIGITS = 15;
const LONG_DIGITS_MAX = 19;

/** The number that the text bytes[start, end) stands for; NaN when it is none. */
export function parseScore(bytes: Uint8Array, start: number, end: number): number {
  const value = parseDecimal(bytes, start, end);
  return Number.isNaN(value) ? parseLong(bytes, start, end) : value;
}

/**
 * The number that digits stand for, with a minus sign and a point or without. NaN: it is none, or has to
 * be looked at more closely, as what has an exponent or twenty digits.
 */
export function parseDecimal(bytes: Uint8Array, start: number, end: number): number {
  let at = start;
  const isNegative = bytes[at] === 45;
  if (isNegative) at++;
  let mantissa = 0;
  let rest = 0;
  let digits = 0;
  let fraction = 0;
  let hasPoint = false;
  for (; at < end; at++) {
    const digit = (bytes[at] as number) - 48;
    if (digit === -2 && !hasPoint) {
      hasPoint = true;
      continue;
    }
    if (digit < 0 || digit > 9 || digits === LONG_DIGITS_MAX) break;
    if (digits < PART_DIGITS) mantissa = mantissa * 10 + digit;
    else rest = rest * 10 + digit;
    digits++;
    if (hasPoint) fraction++;
  }
  if (at === end && digits > 0) {
    const power = EXACT_POWERS[fraction] as number;
    // Both operands are exact, so one division rounds once: the result is the nearest double.
    const value =
      digits <= PART_DIGITS
        ? mantissa / power
        : quotient(mantissa, EXACT_POWERS[digits - PART_DIGITS] as number, rest, power);
    return isNegative ? -value : value;
  }
  return Number.NaN;
}

/** Splits a double into two of half as many bits (Dekker 1971). */
const SPLITTER = 2 ** 27 + 1;
/** More than the error of what is added last, as a part of it. */
const DOUBT = 2 ** -40;

/**
 * (high * scale + low) / divisor, rounded once: a number of up to 19 digits, which is exact as the sum
 * of two doubles. NaN: it is so near the middle of two doubles that more has to be known of it.
 */
function quotient(high: number, scale: number, low: number, divisor: number): number {
  const product = high * scale;
  const sum = product + low;
  const added = sum - product;
  const lost = remainder(high, scale, product) + (product - (sum - added) + (low - added));
  const first = sum / divisor;
  const whole = first * divisor;
  const second = (sum - whole - remainder(first, divisor, whole) + lost) / divisor;
  const value = first + second;
  const isSure = first + second * (1 + DOUBT) === value && first + second * (1 - DOUBT) === value;
  return isSure ? value : Number.NaN;
}

/** What `product`, that of a and b, has lost by rounding. */
function remainder(a: number, b: number, product: number): number {
  const aHigh = a * SPLITTER - (a * SPLITTER - a);
  const bHigh = b * SPLITTER - (b * SPLITTER - b);
  const aLow = a - aHigh;
  const bLow = b - bHigh;
  return aLow * bLow - (product - aHigh * bHigh - aLow * bHigh - aHigh * bLow);
}

/** As parseScore(), of any text: for what has many digits, an exponent or a name. */
function parseLong(bytes: Uint8Array, start: number, end: number): number {
  if (end - start > FOREIGN_BYTES_MAX) return Number.NaN;
  let text = "";
  for (let i = start; i < end; i++) text += String.fromCharCode(bytes[i] as number);
  if (/^[+-]?inf(inity)?$/i.test(text)) return text[0] === "-" ? -Infinity : Infinity;
  if (!/^[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?$/i.test(text)) return Number.NaN;
  return Number(text);
}
