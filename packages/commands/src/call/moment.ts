/**
 * Moments: when a key expires, in milliseconds since 1970.
 *
 * Clients write 64-bit integers, entries keep doubles: those are exact up to 2^53 (the year
 * 287,396) and take the nearest value they have beyond.
 */
import { Int64, toBigInt } from "@kv/core";
import type { Call } from "./call.ts";
import type { CommandWord } from "./call-context.ts";
import type { CommandError } from "./errors.ts";

const INT64_MAX = 2n ** 63n - 1n;
const INT64_MIN = -(2n ** 63n);
/** The largest double that is a 64-bit integer. */
const LATEST_MS = 2 ** 63 - 1024;

const exact = new Int64();

/**
 * The moment that the argument names, as so many milliseconds, or seconds, behind `baseMs`. Throws
 * notAnInteger, or `invalid` when the moment is beyond 64 bits.
 */
export function momentAt(
  call: Call,
  index: number,
  seconds: boolean,
  baseMs: number,
  invalid: CommandError,
): number {
  const value = call.integer(index);
  // Times a thousand, an integer below 2^53 is still in the range of int64, with room for now.
  if (Number.isSafeInteger(value)) return momentFrom(seconds ? value * 1000 : value, baseMs);
  call.int64(index, exact);
  let when = toBigInt(exact.hi, exact.lo);
  if (seconds) {
    when *= 1000n;
    if (when > INT64_MAX || when < INT64_MIN) throw invalid;
  }
  when += BigInt(baseMs);
  if (when > INT64_MAX) throw invalid;
  return Math.min(Number(when), LATEST_MS);
}

/** So many milliseconds behind `baseMs`, or the last moment there is. */
export function momentFrom(milliseconds: number, baseMs: number): number {
  return Math.min(milliseconds + baseMs, LATEST_MS);
}

/** A moment as a word of a propagated command: all its digits. */
export function momentWord(expiryMs: number): CommandWord {
  return Number.isSafeInteger(expiryMs) ? expiryMs : BigInt(expiryMs);
}
