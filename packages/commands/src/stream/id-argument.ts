/**
 * IDs of streams as arguments: "1526919030474-55", without the sequence number where that can be
 * guessed, "-" and "+" for the ends of a range, and "(" in front of an end that is excluded.
 *
 * Redis reads them as C strings: a zero byte ends one. It reads numbers of 64 bits without a sign, and
 * what its strtoull takes is one: "+1", " 7", "007", and a negative number with a zero in front.
 */
import { Int64, parseInt64, StreamId, splitBigInt } from "@kv/core";
import type { Call } from "../call/call.ts";
import { CommandError } from "../call/errors.ts";

/** The argument is no ID. */
const invalidId = new CommandError("ERR Invalid stream ID specified as stream command argument");
const invalidStart = new CommandError("ERR invalid start ID for the interval");
const invalidEnd = new CommandError("ERR invalid end ID for the interval");

const DASH = 45;
const PLUS = 43;
const PARENTHESIS = 40;
/** Longer arguments are no IDs. */
const ID_BYTES_MAX = 127;
/** Any number of so many digits is exact as a double. */
const EXACT_DIGITS = 15;
const UINT64_MAX = 2n ** 64n - 1n;

const half = new Int64();

/** Reads bytes[start, end) as an unsigned number of 64 bits into `half`. */
function readHalf(bytes: Uint8Array, start: number, end: number): boolean {
  // Up to 18 digits are below 2^63, so they are signed and unsigned at once.
  if (parseInt64(bytes, start, end, half)) return half.hi >= 0;
  let text = "";
  for (let i = start; i < end; i++) text += String.fromCharCode(bytes[i] as number);
  const parts = /^[ \t\n\v\f\r]*([+-]?)(\d+)$/.exec(text);
  if (parts === null) return false;
  const isNegative = parts[1] === "-";
  const value = BigInt(parts[2] as string);
  if (value > UINT64_MAX) return false;
  splitBigInt(BigInt.asIntN(64, isNegative ? -value : value), half);
  return true;
}

/** What was read: see newIdAt(). */
export const IdForm = {
  INVALID: 0,
  WHOLE: 1,
  /** "5-*": the sequence number is to be made. */
  OPEN_SEQUENCE: 2,
} as const;

function indexOf(bytes: Uint8Array, byte: number, start: number, end: number): number {
  for (let i = start; i < end; i++) if (bytes[i] === byte) return i;
  return -1;
}

/** The number of 1 to 15 digits, and of nothing else, at bytes[start, end); -1: that is not there. */
function readDigits(bytes: Uint8Array, start: number, end: number): number {
  if (end === start || end - start > EXACT_DIGITS) return -1;
  let number = 0;
  for (let at = start; at < end; at++) {
    const digit = (bytes[at] as number) - 48;
    if (digit < 0 || digit > 9) return -1;
    number = number * 10 + digit;
  }
  return number;
}

/** Reads bytes[start, end) if it is an ID of the usual form: digits, a dash, digits. */
function readUsual(bytes: Uint8Array, start: number, end: number, out: StreamId): boolean {
  const dash = indexOf(bytes, DASH, start, Math.min(end, start + EXACT_DIGITS + 1));
  if (dash === -1) return false;
  const ms = readDigits(bytes, start, dash);
  const seq = readDigits(bytes, dash + 1, end);
  if (ms < 0 || seq < 0) return false;
  out.set(ms / 2 ** 32, ms, seq / 2 ** 32, seq);
  return true;
}

/**
 * Reads bytes[start, end) as an ID. Without a sequence number it is the first, or the last one, of its
 * millisecond. `isStrict`: "-" and "+" are none. `takesStar`: "5-*" is one. Returns one of IdForm.
 */
function readId(
  bytes: Uint8Array,
  start: number,
  end: number,
  isLast: boolean,
  isStrict: boolean,
  takesStar: boolean,
  out: StreamId,
): number {
  if (readUsual(bytes, start, end, out)) return IdForm.WHOLE;
  if (end - start > ID_BYTES_MAX) return IdForm.INVALID;
  const zero = indexOf(bytes, 0, start, end);
  const stop = zero === -1 ? end : zero;
  if (stop - start === 1 && !isStrict) {
    if (bytes[start] === DASH) out.setMin();
    if (bytes[start] === PLUS) out.setMax();
    if (bytes[start] === DASH || bytes[start] === PLUS) return IdForm.WHOLE;
  }
  const dash = indexOf(bytes, DASH, start, stop);
  if (!readHalf(bytes, start, dash === -1 ? stop : dash)) return IdForm.INVALID;
  const { hi, lo } = half;
  if (dash === -1) {
    const word = isLast ? -1 : 0;
    out.set(hi, lo, word, word);
    return IdForm.WHOLE;
  }
  if (takesStar && stop - dash === 2 && bytes[dash + 1] === 42) {
    out.set(hi, lo, 0, 0);
    return IdForm.OPEN_SEQUENCE;
  }
  if (!readHalf(bytes, dash + 1, stop)) return IdForm.INVALID;
  out.set(hi, lo, half.hi, half.lo);
  return IdForm.WHOLE;
}

/** Reads the ID at an argument; the sequence number may be missing. Throws invalidId. */
export function idAt(call: Call, index: number, out: StreamId): StreamId {
  const { bytes } = call;
  const form = readId(bytes, call.start(index), call.end(index), false, true, false, out);
  if (form === IdForm.INVALID) throw invalidId;
  return out;
}

/** As idAt(); "-" is the lowest ID there is, and "+" the highest. */
export function anyIdAt(call: Call, index: number, out: StreamId): StreamId {
  const { bytes } = call;
  const form = readId(bytes, call.start(index), call.end(index), false, false, false, out);
  if (form === IdForm.INVALID) throw invalidId;
  return out;
}

const ignored = new StreamId();

/** True when the argument is an ID. */
export function isIdAt(call: Call, index: number): boolean {
  const { bytes } = call;
  const form = readId(bytes, call.start(index), call.end(index), false, true, false, ignored);
  return form !== IdForm.INVALID;
}

/** As idAt(), for a new entry's: returns one of IdForm; "5-*" is one. */
export function newIdAt(call: Call, index: number, out: StreamId): number {
  const { bytes } = call;
  const form = readId(bytes, call.start(index), call.end(index), false, true, true, out);
  if (form === IdForm.INVALID) throw invalidId;
  return form;
}

/** Reads the lower end of a range; `(` excludes the ID itself. */
export function startAt(call: Call, index: number, out: StreamId): StreamId {
  if (endpoint(call, index, false, out) && !out.increment()) throw invalidStart;
  return out;
}

/** Reads the upper end of a range; `(` excludes the ID itself. */
export function endAt(call: Call, index: number, out: StreamId): StreamId {
  if (endpoint(call, index, true, out) && !out.decrement()) throw invalidEnd;
  return out;
}

/** Reads an end of a range. True when it is excluded. */
function endpoint(call: Call, index: number, isLast: boolean, out: StreamId): boolean {
  const { bytes } = call;
  const start = call.start(index);
  const isExcluded = call.length(index) > 1 && bytes[start] === PARENTHESIS;
  const from = isExcluded ? start + 1 : start;
  const form = readId(bytes, from, call.end(index), isLast, isExcluded, false, out);
  if (form === IdForm.INVALID) throw invalidId;
  return isExcluded;
}
