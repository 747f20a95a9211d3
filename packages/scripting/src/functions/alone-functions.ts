/**
 * Libraries whose functions cannot be called by one another: then one that has no loop cannot run long, and
 * a run of it need not be made ready for a suspension, which costs as much as a short function itself.
 *
 * A function that is written where it is registered has no name that anything could call it by:
 *
 *      redis.register_function('f', function(keys, args) ... end)
 *      redis.register_function{function_name = 'f', flags = {'no-writes'}, callback = function() ... end}
 *
 * Such a call has to begin its line, with nothing but plain strings before the function: then it is
 * code, or all of it is a comment or part of a string.
 */
import { latin1 } from "@kv/resp";

const STRING = `(?:'[\\w -]*'|"[\\w -]*")`;
const FIELD = `\\w+\\s*=\\s*(?:${STRING}|\\{\\s*(?:${STRING}\\s*,?\\s*)*\\})\\s*,\\s*`;
const BEGIN = "^([ \\t]*redis\\.register_function\\s*";
const registrations = new RegExp(
  `${BEGIN}(?:\\(\\s*${STRING}\\s*,\\s*|\\(?\\s*\\{\\s*(?:${FIELD})*callback\\s*=\\s*))function\\b`,
  "gm",
);
/** What makes a function, finds one among the globals, or takes another table for `redis`. */
const others = /\b(?:function|load|loadstring|_G|redis(?!\.))\b/;
/** What is longer is not looked at: it is hardly short. */
const SOURCE_BYTES_MAX = 64 * 1024;

/** Whether no function of this library can be called by what is in it. */
export function hasOnlyAloneFunctions(source: Uint8Array): boolean {
  if (source.length > SOURCE_BYTES_MAX) return false;
  const text = latin1(source, 0, source.length);
  return !others.test(text.replace(registrations, "$1"));
}
