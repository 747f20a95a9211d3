/** Timeouts of blocking commands: what an argument says, as the moment when the wait is over. */
import { parseDouble } from "@kv/resp";
import type { Call } from "./call.ts";
import { CommandError } from "./errors.ts";
import { TEXT_BYTES_MAX } from "./long-double.ts";

const notATimeout = new CommandError("ERR timeout is not a float or out of range");
const notMilliseconds = new CommandError("ERR timeout is not an integer or out of range");
const negativeTimeout = new CommandError("ERR timeout is negative");
const timeoutOutOfRange = new CommandError("ERR timeout is out of range");

/** More would not be a 64-bit number of milliseconds. */
const TIMEOUT_MS_MAX = 2 ** 63;

/** Redis reads timeouts as floats of 80 bits, whose powers of ten end here. */
const WIDE_EXPONENT_MAX = 4932;

/**
 * What such a float holds and no double does: too long a wait, one below zero, or next to none. NaN for
 * what is no number, or not even such a float.
 */
function beyondDouble(text: string): number {
  const exponent = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)e([+-]?\d+)$/i.exec(text)?.[1];
  if (exponent === undefined || Math.abs(Number(exponent)) > WIDE_EXPONENT_MAX) return Number.NaN;
  const value = Number(text);
  if (value !== 0) return value;
  return text.startsWith("-") ? 0 : Number.MIN_VALUE;
}

/** The end of a wait of so many seconds, as the argument says; 0: none. Throws what Redis answers. */
export function timeoutAt(call: Call, index: number): number {
  if (call.length(index) > TEXT_BYTES_MAX) throw notATimeout;
  let seconds = parseDouble(call.bytes, call.start(index), call.end(index));
  if (Number.isNaN(seconds)) seconds = beyondDouble(call.text(index));
  if (Number.isNaN(seconds)) throw notATimeout;
  if (seconds * 1000 >= TIMEOUT_MS_MAX) throw timeoutOutOfRange;
  return endOf(call, Math.ceil(seconds * 1000));
}

/** As timeoutAt(), of whole milliseconds (XREAD BLOCK). */
export function timeoutMsAt(call: Call, index: number): number {
  return endOf(call, call.integer(index, notMilliseconds));
}

function endOf(call: Call, timeoutMs: number): number {
  if (timeoutMs < 0) throw negativeTimeout;
  if (timeoutMs === 0) return 0;
  const untilMs = call.nowMs + timeoutMs;
  if (untilMs >= TIMEOUT_MS_MAX) throw timeoutOutOfRange;
  return untilMs;
}
