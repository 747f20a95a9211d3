/** The number of a database as an argument (MOVE, COPY, SWAPDB): a 32-bit integer that exists. */
import type { Database } from "@kv/core";
import type { Call } from "./call.ts";
import { CommandError, errors } from "./errors.ts";

const INT32_MIN = -(2 ** 31);
const INT32_MAX = 2 ** 31 - 1;
const notAnInt32 = new CommandError(
  `ERR value is out of range, value must between ${INT32_MIN} and ${INT32_MAX}`,
);

/**
 * The database whose number stands at an argument. `invalid`, where given, is the error for
 * anything that is no 32-bit integer.
 */
export function databaseArgument(call: Call, index: number, invalid?: CommandError): Database {
  const number = int32Argument(call, index, invalid);
  const database = call.keyspace.databases[number];
  if (database === undefined) throw errors.dbIndexOutOfRange;
  return database;
}

/** The 32-bit integer at an argument. */
export function int32Argument(call: Call, index: number, invalid?: CommandError): number {
  const number = call.integer(index, invalid);
  if (number < INT32_MIN || number > INT32_MAX) throw invalid ?? notAnInt32;
  return number;
}
