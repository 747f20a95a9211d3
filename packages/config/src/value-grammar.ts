/**
 * How Redis reads and prints the numbers of its configuration.
 *
 * An `Integer` is a number where that is exact and a bigint beyond 2^53, so a limit of
 * 9223372036854775807 comes back from CONFIG GET as it went in.
 */

export type Integer = number | bigint;

/** The least value of a C int. */
export const intMin = -2147483648;
/** The greatest value of a C int. */
export const intMax = 2147483647;
/** The greatest value of a C unsigned int. */
export const uintMax = 4294967295;
/** The greatest value of a C long: 2^63 - 1. */
export const longMax = 9223372036854775807n;
/** The greatest value of a C unsigned long: 2^64 - 1. */
export const ulongMax = 18446744073709551615n;
const longMin = -9223372036854775808n;

/** The number itself where a double holds it exactly, else the bigint. */
function toInteger(value: bigint): Integer {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

export function isInteger(value: unknown): value is Integer {
  return typeof value === "bigint" || Number.isSafeInteger(value);
}

/** Canonical decimal notation of a 64-bit integer: no blanks, no plus, no leading zeros. */
export function parseInteger(text: string): Integer | undefined {
  if (!/^(0|-?[1-9][0-9]{0,18})$/.test(text)) return undefined;
  const value = BigInt(text);
  return value < longMin || value > longMax ? undefined : toInteger(value);
}

/** C's strtoll over the whole text: blanks and a sign may lead, nothing may follow, "" is 0. */
export function parseLooseInteger(text: string): Integer | undefined {
  if (text === "") return 0;
  const match = /^[ \t\n\v\f\r]*([+-]?)([0-9]+)$/.exec(text);
  if (match === null) return undefined;
  const value = match[1] === "-" ? -BigInt(match[2]) : BigInt(match[2]);
  return toInteger(value < longMin ? longMin : value > longMax ? longMax : value);
}

export function parseOctal(text: string): Integer | undefined {
  if (text === "") return 0;
  const match = /^[ \t\n\v\f\r]*([+-]?)([0-7]{1,21})$/.exec(text);
  if (match === null) return undefined;
  const value = BigInt(`0o${match[2]}`);
  return value > longMax ? undefined : toInteger(match[1] === "-" ? -value : value);
}

const unitSizes = new Map([
  ["", 1n],
  ["b", 1n],
  ["k", 1000n],
  ["kb", 1024n],
  ["m", 1000n * 1000n],
  ["mb", 1024n * 1024n],
  ["g", 1000n * 1000n * 1000n],
  ["gb", 1024n * 1024n * 1024n],
]);

/**
 * Digits and a unit: k, m, g count in thousands, kb, mb, gb in 1024s. The digits stop at the
 * largest 64-bit number and the product wraps there, both as in Redis.
 */
export function parseMemory(text: string): Integer | undefined {
  const match = /^([0-9]{0,127})([a-zA-Z]*)$/.exec(text);
  const unitSize = match === null ? undefined : unitSizes.get(match[2].toLowerCase());
  if (match === null || unitSize === undefined) return undefined;
  const digits = BigInt(match[1] === "" ? "0" : match[1]);
  return toInteger(BigInt.asUintN(64, (digits > ulongMax ? ulongMax : digits) * unitSize));
}

/** The shortest exact form for the file: 100mb rather than 104857600. */
export function printMemory(bytes: Integer): string {
  const value = BigInt(bytes);
  if (value === 0n) return "0";
  for (const unit of ["gb", "mb", "kb"]) {
    const size = unitSizes.get(unit) as bigint;
    if (value % size === 0n) return `${value / size}${unit}`;
  }
  return String(value);
}

/** A finite or infinite decimal number; blanks, NaN and the empty text are refused. */
export function parseDouble(text: string): number | undefined {
  if (text === "" || /\s/.test(text)) return undefined;
  const value = Number(text);
  return Number.isNaN(value) ? undefined : value;
}

/** Six decimals at most, without trailing zeros. */
export function printDouble(value: number): string {
  return value.toFixed(6).replace(/\.?0+$/, "");
}
