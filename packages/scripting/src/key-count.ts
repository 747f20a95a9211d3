/** The number of keys in a request of EVAL or FCALL: its third word. */
import { CommandError } from "@kv/commands";
import type { EngineCall } from "@kv/engine";

const tooManyKeys = new CommandError("ERR Number of keys can't be greater than number of args");
const negativeKeys = new CommandError("ERR Number of keys can't be negative");

/** Throws `noNumber` for what is none, and the errors of a number that cannot be. */
export function keyCountOf(call: EngineCall, noNumber: CommandError): number {
  const keyCount = call.integer(2, noNumber);
  if (keyCount > call.argc - 3) throw tooManyKeys;
  if (keyCount < 0) throw negativeKeys;
  return keyCount;
}
