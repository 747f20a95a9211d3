/** Timeouts of blocking commands: what an argument says, as the moment when the wait is over. */
import type { Call } from "./call.ts";
import { CommandError } from "./errors.ts";

const notATimeout = new CommandError("ERR timeout is not a float or out of range");
const notMilliseconds = new CommandError("ERR timeout is not an integer or out of range");
const negativeTimeout = new CommandError("ERR timeout is negative");
const timeoutOutOfRange = new CommandError("ERR timeout is out of range");

/** More would not be a 64-bit number of milliseconds. */
const TIMEOUT_MS_MAX = 2 ** 63;

/** The end of a wait of so many seconds, as the argument says; 0: none. Throws what Redis answers. */
export function timeoutAt(call: Call, index: number): number {
  const seconds = call.float(index, notATimeout);
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
