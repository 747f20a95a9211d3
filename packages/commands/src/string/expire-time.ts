/** The expiry options that SET, GETEX, SETEX and PSETEX share: parsing them, computing the time. */
import { Int64, isSafe, toBigInt, toNumber } from "@kv/core";
import { type Argument, arg } from "../arg.ts";
import type { Call } from "../call.ts";
import type { CommandError } from "../errors.ts";

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

const INT64_MAX = 2n ** 63n - 1n;
const given = new Int64();

/**
 * Wall-clock milliseconds of the expiry at an argument. Throws notAnInteger, or `invalid` when it
 * is not positive or overflows an int64. Times past 2^53 (the year 287,396) become that moment,
 * the last one that is stored exactly.
 */
export function expireTimeMs(
  call: Call,
  index: number,
  unit: number,
  invalid: CommandError,
): number {
  call.int64(index, given);
  const inSeconds = unit === Unit.EX || unit === Unit.EXAT;
  const base = unit === Unit.EX || unit === Unit.PX ? call.nowMs : 0;
  const { hi, lo } = given;
  if (hi < 0 || (hi === 0 && lo === 0)) throw invalid;
  if (isSafe(hi, lo)) {
    const whenMs = toNumber(hi, lo) * (inSeconds ? 1000 : 1) + base;
    if (whenMs <= Number.MAX_SAFE_INTEGER) return whenMs;
  }
  const whenMs = toBigInt(hi, lo) * (inSeconds ? 1000n : 1n) + BigInt(base);
  if (whenMs > INT64_MAX) throw invalid;
  return Number.MAX_SAFE_INTEGER;
}
