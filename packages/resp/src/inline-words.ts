/**
 * The words of an inline request: a line of text as someone types it into a terminal.
 *
 *   SET  greeting "hello\r\n\x00"        three words, the last of 8 bytes
 *
 * Words are separated by white space. Inside double quotes a backslash escapes (\n \r \t \b \a,
 * \xHH, otherwise the character itself); inside single quotes only \' does. After a closing quote
 * comes white space or the end of the line. A quote may open in the middle of a word.
 */

import type { ArgVector } from "./arg-vector.ts";

const TAB = 9;
const LF = 10;
const CR = 13;
const DOUBLE_QUOTE = 34;
const SINGLE_QUOTE = 39;
const BACKSLASH = 92;

/**
 * Appends the words of bytes[from, to) to `batch`, as they stand. False, with some words perhaps
 * appended, when there is a quote among them and splitQuoted() is needed.
 */
export function splitPlain(bytes: Uint8Array, from: number, to: number, batch: ArgVector): boolean {
  let at = from;
  while (true) {
    while (at < to && isSpace(bytes[at])) at++;
    if (at >= to) return true;
    const start = at;
    while (at < to && !endsWord(bytes[at]) && !isQuote(bytes[at])) at++;
    if (at < to && isQuote(bytes[at])) return false;
    batch.pushArgument(start, at);
  }
}

/**
 * Unescapes the words of bytes[from, to) to bytes[out...) and appends those to `batch`. Returns
 * where they end, at most `out + to - from`; -1 when a quote is not closed or a word goes on
 * after it.
 */
export function splitQuoted(
  bytes: Uint8Array,
  from: number,
  to: number,
  out: number,
  batch: ArgVector,
): number {
  let at = from;
  while (true) {
    while (at < to && isSpace(bytes[at])) at++;
    if (at >= to) return out;
    const start = out;
    let quote = 0;
    while (at < to && (quote !== 0 || !endsWord(bytes[at]))) {
      const c = bytes[at++];
      if (quote === 0) {
        if (isQuote(c)) quote = c;
        else bytes[out++] = c;
      } else if (c === quote) {
        if (at < to && !isSpace(bytes[at])) return -1;
        quote = 0;
        break;
      } else if (c !== BACKSLASH || at >= to) {
        bytes[out++] = c;
      } else if (quote === SINGLE_QUOTE) {
        bytes[out++] = bytes[at] === SINGLE_QUOTE ? bytes[at++] : c;
      } else {
        const value = hexPair(bytes, at, to);
        bytes[out++] = value >= 0 ? value : escaped(bytes[at]);
        at += value >= 0 ? 3 : 1;
      }
    }
    if (quote !== 0) return -1;
    batch.pushArgument(start, out);
  }
}

function isSpace(c: number): boolean {
  return c === 32 || (c >= TAB && c <= CR);
}

/** Vertical tab and form feed are white space before a word but do not end one. */
function endsWord(c: number): boolean {
  return c === 32 || c === TAB || c === LF || c === CR;
}

function isQuote(c: number): boolean {
  return c === DOUBLE_QUOTE || c === SINGLE_QUOTE;
}

/** The value of "xHH" at `at`, or -1 when that is not what stands there. */
function hexPair(bytes: Uint8Array, at: number, end: number): number {
  if (at + 2 >= end || bytes[at] !== 120) return -1;
  const high = hexDigit(bytes[at + 1]);
  const low = hexDigit(bytes[at + 2]);
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

function hexDigit(c: number): number {
  if (c >= 48 && c <= 57) return c - 48;
  const letter = c | 32;
  return letter >= 97 && letter <= 102 ? letter - 87 : -1;
}

/** What a letter after a backslash stands for. */
function escaped(c: number): number {
  switch (c) {
    case 110:
      return LF;
    case 114:
      return CR;
    case 116:
      return TAB;
    case 98:
      return 8;
    case 97:
      return 7;
    default:
      return c;
  }
}
