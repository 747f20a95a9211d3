/**
 * `string.format` of integers beyond 32 bits. Lua's own function formats everything else; what a guard
 * lets through to here has a number that is negative or does not fit 31 bits. Where such a number
 * meets a conversion of integers, its text is made here, and the conversion becomes `%s`.
 */

import { truncated } from "./integers.ts";
import type { LuaStack } from "./stack.ts";

const PERCENT = 0x25;
const DIGIT_0 = 0x30;
const DIGIT_9 = 0x39;
const POINT = 0x2e;

const isDigit = (byte: number) => byte >= DIGIT_0 && byte <= DIGIT_9;

/** One conversion: `%[flags][width][.precision]letter`. */
interface Conversion {
  flags: string;
  width: number;
  /** -1: none is given. */
  precision: number;
  letter: string;
  end: number;
}

/** Reads what stands behind a percent sign; undefined when Lua itself will refuse it. */
function readConversion(format: Uint8Array, from: number): Conversion | undefined {
  let at = from;
  while ("-+ #0".includes(String.fromCharCode(format[at] ?? 1))) at++;
  const flags = String.fromCharCode(...format.subarray(from, Math.min(at, from + 6)));
  if (flags.length > 5) return undefined;
  const number = () => {
    let value = 0;
    for (let digits = 0; digits < 2 && isDigit(format[at]); digits++) {
      value = value * 10 + format[at++] - DIGIT_0;
    }
    return value;
  };
  const width = number();
  let precision = -1;
  if (format[at] === POINT) {
    at++;
    precision = number();
  }
  if (at >= format.length || isDigit(format[at])) return undefined;
  return { flags, width, precision, letter: String.fromCharCode(format[at]), end: at + 1 };
}

/** A number as C's `(unsigned long)` makes it on the processors that Redis runs on. */
function unsignedLong(value: number): bigint {
  if (value >= 2 ** 63) return value < 2 ** 64 ? BigInt(value) : 0n;
  return BigInt.asUintN(64, BigInt(truncated(value)));
}

/** What C's printf prints for an integer. */
function formatInteger(value: number, conversion: Conversion): string {
  const { flags, width, precision, letter } = conversion;
  let sign = "";
  let prefix = "";
  let digits: string;
  if (letter === "d" || letter === "i") {
    const whole = BigInt(truncated(value));
    if (whole < 0n) sign = "-";
    else if (flags.includes("+")) sign = "+";
    else if (flags.includes(" ")) sign = " ";
    digits = (whole < 0n ? -whole : whole).toString();
  } else {
    const whole = unsignedLong(value);
    const base = letter === "o" ? 8 : letter === "u" ? 10 : 16;
    digits = whole.toString(base);
    if (flags.includes("#") && whole !== 0n) {
      if (letter === "x" || letter === "X") prefix = `0${letter}`;
      if (letter === "o") digits = `0${digits}`;
    }
    if (letter === "X") digits = digits.toUpperCase();
  }
  if (precision === 0 && digits === "0") digits = "";
  digits = digits.padStart(precision, "0");
  const head = sign + prefix;
  if (flags.includes("-")) return (head + digits).padEnd(width);
  if (flags.includes("0") && precision < 0) return head + digits.padStart(width - head.length, "0");
  return (head + digits).padStart(width);
}

const fits = (value: number, letter: string) =>
  letter === "d" || letter === "i" ? Math.abs(value) < 2 ** 31 : value > -1 && value < 2 ** 31;

/** What the guard of `string.format` asks: rewrites the format and the arguments in question. */
export function formatIntegers(stack: LuaStack): number {
  const format = stack.copy(1);
  if (format === undefined) return 0;
  const pieces: number[] = [];
  let argument = 1;
  let changed = false;
  for (let at = 0; at < format.length; ) {
    const byte = format[at++];
    pieces.push(byte);
    if (byte !== PERCENT) continue;
    if (format[at] === PERCENT) {
      pieces.push(format[at++]);
      continue;
    }
    argument++;
    const conversion = readConversion(format, at);
    if (conversion === undefined || argument > stack.top) return 0;
    const { letter, end } = conversion;
    const value = "diouxX".includes(letter) ? stack.number(argument) : 0;
    if (fits(value, letter)) {
      for (; at < end; at++) pieces.push(format[at]);
      continue;
    }
    stack.pushText(formatInteger(value, conversion));
    stack.replace(argument);
    pieces.push(0x73);
    at = end;
    changed = true;
  }
  if (!changed) return 0;
  stack.pushBytes(new Uint8Array(pieces));
  stack.replace(1);
  return 0;
}
