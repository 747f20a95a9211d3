/**
 * Where values end, told by a glance at the bytes of a chunk: for who looks ahead (key-peek.ts).
 *
 * Nothing is checked here. Of damaged bytes the answer is any position, and of what is not all here,
 * or of a rare form, or long, it is BEYOND: behind every chunk.
 */
import { LENGTH_32, LENGTH_64, StringEncoding } from "../format.ts";

/** Where the value that begins at bytes[at] ends; the chunk ends at `end`. */
export type ValueEnd = (bytes: Uint8Array, at: number, end: number) => number;

/** A position that no chunk has. */
const BEYOND = 2 ** 30;
/** Collections of more elements are not worth the look. */
const ELEMENTS_MAX = 63;
/** The first byte of a string that is compressed. */
const COMPRESSED = 0xc0 | StringEncoding.LZF;

/** Where a length ends. */
export const lengthEnd: ValueEnd = (bytes, at, end) => {
  if (at >= end) return BEYOND;
  const first = bytes[at];
  if (first < 0x40) return at + 1;
  if (first < 0x80) return at + 2;
  if (first === LENGTH_32) return at + 5;
  return first === LENGTH_64 ? at + 9 : BEYOND;
};

/** Where a string ends. */
export const stringEnd: ValueEnd = (bytes, at, end) => {
  if (at + 5 >= end) return BEYOND;
  const first = bytes[at];
  if (first < 0x40) return at + 1 + first;
  if (first < 0x80) return at + 2 + (((first & 63) << 8) | bytes[at + 1]);
  // The length of the bytes, then that of what they stand for.
  if (first === COMPRESSED) {
    const size = bytes[at + 1];
    if (size < 0x40) return lengthEnd(bytes, at + 2, end) + size;
    if (size >= 0x80) return BEYOND;
    return lengthEnd(bytes, at + 3, end) + (((size & 63) << 8) | bytes[at + 2]);
  }
  // An integer of 1, 2 or 4 bytes.
  return first >= 0xc0 && first < COMPRESSED ? at + 1 + (1 << (first & 3)) : BEYOND;
};

/** Where a collection ends: a number of elements, each of the same parts. */
export function elementsEnd(...parts: readonly ValueEnd[]): ValueEnd {
  return (bytes, at, end) => {
    if (at >= end || bytes[at] > ELEMENTS_MAX) return BEYOND;
    let left = bytes[at++];
    for (; left > 0 && at < end; left--)
      for (let part = 0; part < parts.length; part++) at = parts[part](bytes, at, end);
    return left === 0 ? at : BEYOND;
  };
}

/** Where so many bytes end. */
export function bytesEnd(count: number): ValueEnd {
  return (_bytes, at) => at + count;
}
