/**
 * Libraries whose functions cannot run long: without a loop, and without a function that another could
 * call. A run of such a function need not be made ready for a suspension, which costs as much as a short
 * function itself (as of scripts, see @kv/lua).
 *
 * A function that is written where it is registered has no name that anything could call it by:
 *
 *      redis.register_function('f', function(keys, args) ... end)
 *      redis.register_function{function_name = 'f', flags = {'no-writes'}, callback = function() ... end}
 *
 * Such a call has to begin its line, with nothing but plain strings before the function: then it is
 * code, or all of it is a comment or part of a string.
 */
import { isStraight } from "@kv/lua";
import { latin1, latin1Bytes } from "@kv/resp";

const STRING = `(?:'[\\w -]*'|"[\\w -]*")`;
const FIELD = `\\w+\\s*=\\s*(?:${STRING}|\\{\\s*(?:${STRING}\\s*,?\\s*)*\\})\\s*,\\s*`;
const BEGIN = "^([ \\t]*redis\\.register_function\\s*";
const registrations = new RegExp(
  `${BEGIN}(?:\\(\\s*${STRING}\\s*,\\s*|\\(?\\s*\\{\\s*(?:${FIELD})*callback\\s*=\\s*))function\\b`,
  "gm",
);
/** What is longer is not looked at: it is hardly short. */
const SOURCE_BYTES_MAX = 64 * 1024;

/** Whether no function of this library can run long. */
export function hasOnlyShortFunctions(source: Uint8Array): boolean {
  if (source.length > SOURCE_BYTES_MAX) return false;
  const text = latin1(source, 0, source.length);
  return isStraight(latin1Bytes(text.replace(registrations, "$1")));
}
