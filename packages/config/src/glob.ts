/**
 * The patterns of CONFIG GET: `*`, `?`, `[a-z]`, `[^a-z]` and `\` for the next character itself,
 * without regard to case. No recursion: after a mismatch only the last `*` is tried again, so the
 * time is at most the product of the two lengths.
 */

/** True when `pattern` has a character that makes CONFIG GET search instead of look up. */
export function isPattern(pattern: string): boolean {
  return /[[*?]/.test(pattern);
}

/** Whether the pattern stands for the whole text, in any case. */
export function matchesGlob(givenPattern: string, givenText: string): boolean {
  const pattern = givenPattern.toLowerCase();
  const text = givenText.toLowerCase();
  let at = 0; // In the pattern.
  let index = 0; // In the text.
  let starAt = -1;
  let starIndex = 0;
  while (index < text.length) {
    if (at < pattern.length && pattern[at] === "*") {
      starAt = at++;
      starIndex = index;
      continue;
    }
    const next = at < pattern.length ? afterMatch(pattern, at, text[index]) : -1;
    if (next >= 0) {
      at = next;
      index++;
    } else if (starAt >= 0) {
      at = starAt + 1; // Let the star take one character more.
      index = ++starIndex;
    } else {
      return false;
    }
  }
  while (pattern[at] === "*") at++;
  return at >= pattern.length;
}

/** The pattern position after the element at `at` when that element takes `char`, else -1. */
function afterMatch(pattern: string, at: number, char: string): number {
  if (pattern[at] === "?") return at + 1;
  if (pattern[at] === "[") return afterClass(pattern, at + 1, char);
  const literal = pattern[at] === "\\" && at + 1 < pattern.length ? at + 1 : at;
  return pattern[literal] === char ? literal + 1 : -1;
}

/** As `afterMatch`, for the class whose first character is at `start`. An open class ends at the end. */
function afterClass(pattern: string, start: number, char: string): number {
  const negated = pattern[start] === "^";
  let at = negated ? start + 1 : start;
  let found = false;
  while (at < pattern.length && pattern[at] !== "]") {
    if (pattern[at] === "\\" && at + 1 < pattern.length) {
      at++;
      found ||= pattern[at] === char;
    } else if (pattern[at + 1] === "-" && at + 2 < pattern.length) {
      const [low, high] = [pattern[at], pattern[at + 2]].sort();
      found ||= char >= low && char <= high;
      at += 2;
    } else {
      found ||= pattern[at] === char;
    }
    at++;
  }
  return found !== negated ? Math.min(at + 1, pattern.length) : -1;
}
