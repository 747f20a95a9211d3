/**
 * Glob: the pattern language of KEYS, SCAN MATCH, PSUBSCRIBE, CONFIG GET and ACL rules, over bytes.
 *
 *      ?        any one byte
 *      *        any bytes, also none
 *      [abc]    one of these bytes; [a-z] a range (either way round); [^abc] none of them
 *      \x       the byte x itself, also inside a class
 *
 * Redis's corner cases are kept, because patterns in the wild rest on them:
 *   - a class that is never closed runs to the end of the pattern: "[ab" is "[ab]", "[^" is "?";
 *   - a backslash that ends the pattern stands for itself;
 *   - an empty text matches the empty pattern only; "*" does not match it (KEYS treats "*" apart);
 *   - range ends compare as signed bytes, so that \x80-\xff lie below \x00;
 *   - with `nocase`, ASCII letters fold, except behind a backslash inside a class;
 *   - nothing matches once more than 1,000 stars with something behind them were passed (there, a
 *     guard against deep recursion).
 *
 * Every element but "*" takes exactly one byte of text. So when a later part fails, only the last
 * "*" seen is worth giving another byte: one backtrack point, no recursion, and at most
 * (pattern length x text length) steps whatever a client sends.
 */

const STAR = 0x2a;
const QUESTION = 0x3f;
const OPEN = 0x5b;
const CLOSE = 0x5d;
const BACKSLASH = 0x5c;
const CARET = 0x5e;
const DASH = 0x2d;
const STARS_MAX = 1000;

/** True when text[tStart, tEnd) matches pattern[pStart, pEnd). */
export function globMatch(
  pattern: Uint8Array,
  pStart: number,
  pEnd: number,
  text: Uint8Array,
  tStart: number,
  tEnd: number,
  nocase: boolean,
): boolean {
  if (tStart === tEnd) return pStart === pEnd;
  let p = pStart;
  let t = tStart;
  let retryPattern = -1; // Just behind the last "*", once there is one.
  let retryText = 0;
  let stars = 0;
  while (t < tEnd) {
    if (p < pEnd) {
      const element = pattern[p];
      if (element === STAR) {
        if (++p === pEnd) return true;
        // Stars in a row are one.
        if (pattern[p] !== STAR && ++stars > STARS_MAX) return false;
        retryPattern = p;
        retryText = t;
        continue;
      }
      const after = elementEnd(pattern, p, pEnd, element);
      if (elementMatches(pattern, p, after, pEnd, element, text[t], nocase)) {
        p = after;
        t++;
        continue;
      }
    }
    if (retryPattern === -1) return false;
    p = retryPattern;
    t = ++retryText;
  }
  // The text is used up. What is left of the pattern must be stars: anything else needs a byte,
  // and a star that took more would leave even fewer.
  while (p < pEnd && pattern[p] === STAR) p++;
  return p === pEnd;
}

/** Where the element that begins at `p` ends. */
function elementEnd(pattern: Uint8Array, p: number, pEnd: number, element: number): number {
  if (element === BACKSLASH) return p + 1 < pEnd ? p + 2 : p + 1;
  if (element !== OPEN) return p + 1;
  let at = p + 1;
  if (at < pEnd && pattern[at] === CARET) at++;
  while (at < pEnd && pattern[at] !== CLOSE) at += classItemBytes(pattern, at, pEnd);
  return at < pEnd ? at + 1 : pEnd;
}

/** Bytes of one item of a class: an escape takes 2, a range 3, anything else 1. */
function classItemBytes(pattern: Uint8Array, at: number, pEnd: number): number {
  if (at + 1 >= pEnd) return 1;
  if (pattern[at] === BACKSLASH) return 2;
  return at + 2 < pEnd && pattern[at + 1] === DASH ? 3 : 1;
}

function elementMatches(
  pattern: Uint8Array,
  p: number,
  after: number,
  pEnd: number,
  element: number,
  byte: number,
  nocase: boolean,
): boolean {
  if (element === QUESTION) return true;
  if (element === OPEN) return classMatches(pattern, p + 1, after, pEnd, byte, nocase);
  const literal = pattern[after - 1]; // For an escape, the byte behind the backslash.
  return literal === byte || (nocase && lower(literal) === lower(byte));
}

function classMatches(
  pattern: Uint8Array,
  first: number,
  after: number,
  pEnd: number,
  byte: number,
  nocase: boolean,
): boolean {
  let at = first;
  const negated = at < after && pattern[at] === CARET;
  if (negated) at++;
  const folded = nocase ? lower(byte) : byte;
  while (at < after && pattern[at] !== CLOSE) {
    const size = classItemBytes(pattern, at, pEnd);
    let hit: boolean;
    if (size === 2) hit = pattern[at + 1] === byte;
    else if (size === 3) hit = inRange(pattern[at], pattern[at + 2], byte, nocase);
    else hit = (nocase ? lower(pattern[at]) : pattern[at]) === folded;
    if (hit) return !negated;
    at += size;
  }
  return negated;
}

function inRange(one: number, other: number, byte: number, nocase: boolean): boolean {
  let low = signed(one);
  let high = signed(other);
  if (low > high) {
    // The ends change places before they are folded, so [Z-a] folds to the empty z-a.
    low = signed(other);
    high = signed(one);
  }
  if (nocase) {
    low = lower(low);
    high = lower(high);
  }
  const value = signed(nocase ? lower(byte) : byte);
  return value >= low && value <= high;
}

function signed(byte: number): number {
  return (byte << 24) >> 24;
}

function lower(byte: number): number {
  return byte >= 0x41 && byte <= 0x5a ? byte + 32 : byte;
}
