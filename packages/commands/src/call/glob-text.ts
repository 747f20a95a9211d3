/**
 * The one glob (core's globMatch) for texts: the patterns of CONFIG GET and COMMAND LIST, which are
 * matched against names without regard to case.
 */
import { globMatch } from "@kv/core";
import { latin1Bytes } from "@kv/resp";

/**
 * True when `text` matches `pattern`; both are bytes, a character each. ASCII letters fold, unless
 * the case is to be `exact`.
 */
export function matchesGlob(
  pattern: string,
  text: string,
  letterCase: "folded" | "exact" = "folded",
): boolean {
  const folds = letterCase === "folded";
  const globBytes = latin1Bytes(pattern);
  const textBytes = latin1Bytes(text);
  return globMatch(globBytes, 0, globBytes.length, textBytes, 0, textBytes.length, folds);
}
