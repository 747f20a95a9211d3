/** What commands on fields that expire have in common: `FIELDS numfields field ...`, and times. */
import { FIELD_EXPIRY_MAX_MS } from "@kv/core";
import type { Call } from "../call/call.ts";
import { CommandError } from "../call/errors.ts";
import { type Argument, arg } from "../declare/arg.ts";

const noFieldsWord = new CommandError(
  "ERR Mandatory argument FIELDS is missing or not at the right position",
);
const countMismatch = new CommandError(
  "ERR The `numfields` parameter must match the number of arguments",
);
const negativeTime = new CommandError("ERR invalid expire time, must be >= 0");
/** What most of these commands say of a number of fields that is none. */
const badFieldCount = new CommandError("ERR Number of fields must be a positive integer");

/** The fields, for COMMAND DOCS. */
export const fieldsArgument: Argument = {
  ...arg.block("fields", arg.integer("numfields"), arg.many(arg.string("field"))),
  token: "FIELDS",
};

/**
 * Reads `FIELDS numfields` at argument `index` and checks that as many fields follow. Returns where
 * the first of them stands; the last is the last argument. `badCount` is what a bad number is told.
 */
export function firstField(call: Call, index: number, badCount = badFieldCount): number {
  if (index >= call.argc || !call.is(index, "FIELDS")) throw noFieldsWord;
  if (index + 1 >= call.argc) throw badCount;
  if (call.integer(index + 1, badCount) < 1) throw badCount;
  if (call.integer(index + 1) !== call.argc - index - 2) throw countMismatch;
  return index + 2;
}

/** The time at an argument, in milliseconds since 1970, when that is so long after `baseMs`. */
export function fieldMoment(
  call: Call,
  index: number,
  seconds: boolean,
  baseMs: number,
  invalid: CommandError,
): number {
  // Beyond 2^53 it is rounded, which is out of range in any case.
  const given = call.integer(index);
  if (given < 0) throw negativeTime;
  const milliseconds = seconds ? given * 1000 : given;
  if (milliseconds > FIELD_EXPIRY_MAX_MS - baseMs) throw invalid;
  return milliseconds + baseMs;
}
