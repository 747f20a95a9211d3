/**
 * The one glob (core's globMatch) for texts: the patterns of CONFIG GET and COMMAND LIST, which are
 * matched against names without regard to case.
 */
import { globMatch } from "@kv/core";
import { latin1Bytes } from "@kv/resp";

/** True when `text` matches `pattern`; both are bytes, a character each. ASCII letters fold. */
export function matchesGlob(pattern: string, text: string): boolean {
  const globBytes = latin1Bytes(pattern);
  const textBytes = latin1Bytes(text);
  return globMatch(globBytes, 0, globBytes.length, textBytes, 0, textBytes.length, true);
}
