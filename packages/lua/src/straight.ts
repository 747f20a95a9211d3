/**
 * Scripts that cannot run long: without a loop and without a function of their own, each instruction
 * runs once. Such a script need not be made ready for a suspension, which costs about as much as a
 * short script itself. Most scripts of one or two calls are of this kind.
 *
 * Only words are looked at, those in strings and comments too: what looks like a loop counts as one.
 * Code made at run time and the table of globals, where that could be found, count as well.
 */

const WORDS = ["for", "while", "repeat", "function", "_G", "load", "loadstring"].map((word) =>
  [...word].map((letter) => letter.charCodeAt(0)),
);

function isWordByte(byte: number): boolean {
  if (byte >= 0x61) return byte <= 0x7a;
  if (byte >= 0x41) return byte <= 0x5a || byte === 0x5f;
  return byte >= 0x30 && byte <= 0x39;
}

function isAmong(source: Uint8Array, start: number, end: number): boolean {
  for (const word of WORDS) {
    if (word.length !== end - start) continue;
    let i = 0;
    while (i < word.length && source[start + i] === word[i]) i++;
    if (i === word.length) return true;
  }
  return false;
}

/** Whether a source has no loop and no function of its own: see the head of this file. */
export function isStraight(source: Uint8Array): boolean {
  for (let at = 0; at < source.length; ) {
    const start = at;
    while (at < source.length && isWordByte(source[at])) at++;
    if (at === start) at++;
    else if (isAmong(source, start, at)) return false;
  }
  return true;
}
