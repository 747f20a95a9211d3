/** The expiry options that SET, GETEX, SETEX and PSETEX share: parsing them, computing the time. */

import type { Call } from "../call/call.ts";
import type { CommandError } from "../call/errors.ts";
import { momentAt } from "../call/moment.ts";
import { type Argument, arg } from "../declare/arg.ts";

/** How the number behind an option is meant. */
export const Unit = { EX: 1, PX: 2, EXAT: 3, PXAT: 4 } as const;

/** The four options that take a number, for COMMAND DOCS; `since` where the command had them later. */
export function expiryArguments(relativeSince?: string, absoluteSince?: string): Argument[] {
  const relative = relativeSince === undefined ? {} : { since: relativeSince };
  const absolute = absoluteSince === undefined ? {} : { since: absoluteSince };
  return [
    arg.integer("seconds", { token: "EX", ...relative }),
    arg.integer("milliseconds", { token: "PX", ...relative }),
    arg.unixTime("unix-time-seconds", { token: "EXAT", ...absolute }),
    arg.unixTime("unix-time-milliseconds", { token: "PXAT", ...absolute }),
  ];
}

/** The unit that the option at an argument names, or 0. */
export function unitAt(call: Call, index: number): number {
  if (call.is(index, "EX")) return Unit.EX;
  if (call.is(index, "PX")) return Unit.PX;
  if (call.is(index, "EXAT")) return Unit.EXAT;
  if (call.is(index, "PXAT")) return Unit.PXAT;
  return 0;
}

/**
 * Wall-clock milliseconds of the expiry at an argument; `invalid` when it is not positive, or falls before
 * 1970, where a clock may stand that nobody has set: no log and no replica would take it from us.
 */
export function expireTimeMs(
  call: Call,
  index: number,
  unit: number,
  invalid: CommandError,
): number {
  const inSeconds = unit === Unit.EX || unit === Unit.EXAT;
  const baseMs = unit === Unit.EX || unit === Unit.PX ? call.nowMs : 0;
  if (call.integer(index) <= 0) throw invalid;
  const expiryMs = momentAt(call, index, inSeconds, baseMs, invalid);
  if (expiryMs <= 0) throw invalid;
  return expiryMs;
}
