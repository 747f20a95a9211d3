/**
 * Bytes as MONITOR shows them between double quotes: what is printable as it is, the rest escaped.
 * From bytes to bytes, because a string of half a gigabyte could not be escaped in a string.
 */

const BACKSLASH = 92;
const HEX = 120;
const HEX_DIGITS = "0123456789abcdef";

/** The letter that follows the backslash; 0: shown as it is; HEX: two digits follow. */
const ESCAPES = new Uint8Array(256).map((_, byte) => {
  if (byte === 34 || byte === BACKSLASH) return byte;
  const at = "\x07\b\t\n\r".indexOf(String.fromCharCode(byte));
  if (at !== -1) return "abtnr".charCodeAt(at);
  return byte < 32 || byte > 126 ? HEX : 0;
});

/** What becomes of one byte, at most. */
export const QUOTED_BYTES_MAX = 4;

/** Writes bytes[start, end) with its escapes, without the quotes; returns the position behind it. */
export function writeQuoted(
  target: Uint8Array,
  at: number,
  bytes: Uint8Array,
  start: number,
  end: number,
): number {
  for (let i = start; i < end; i++) {
    const byte = bytes[i];
    const letter = ESCAPES[byte];
    if (letter === 0) {
      target[at++] = byte;
      continue;
    }
    target[at++] = BACKSLASH;
    target[at++] = letter;
    if (letter !== HEX) continue;
    target[at++] = HEX_DIGITS.charCodeAt(byte >> 4);
    target[at++] = HEX_DIGITS.charCodeAt(byte & 15);
  }
  return at;
}
