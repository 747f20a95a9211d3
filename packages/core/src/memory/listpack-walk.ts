/**
 * Walking over the elements of a listpack that lies anywhere in memory, as positions in its bytes:
 * for what has to be quick over many elements, and for listpacks that are in no arena.
 *
 * A position is the index of an element's first byte, or of the end byte. The listpack is one that
 * has been validated, or was made here; its first element is LISTPACK_HEADER_BYTES behind its start.
 */
import { Int64, parseInt64 } from "../int64.ts";
import type { ListpackValue } from "./listpack.ts";
import {
  EMPTY_LISTPACK_BYTES,
  isString,
  LISTPACK_HEADER_BYTES,
  positionAfter,
  readInteger,
  sameBytes,
  stored,
  stringBytes,
  stringHeadBytes,
} from "./listpack-element.ts";

export { EMPTY_LISTPACK_BYTES, LISTPACK_HEADER_BYTES, positionAfter };

/** The position of the element before the one (or the end byte) at `at`. */
export function positionBefore(bytes: Uint8Array, at: number): number {
  let from = at - 1;
  let size = (bytes[from] as number) & 0x7f;
  for (let scale = 128; ((bytes[from] as number) & 0x80) !== 0; scale *= 128) {
    from--;
    size += ((bytes[from] as number) & 0x7f) * scale;
  }
  return from - size;
}

/** The position of element `index` of the `count` in the listpack bytes[start, end). */
export function positionOf(
  bytes: Uint8Array,
  start: number,
  end: number,
  count: number,
  index: number,
): number {
  if (index * 2 <= count) {
    let at = start + LISTPACK_HEADER_BYTES;
    for (; index > 0; index--) at = positionAfter(bytes, at);
    return at;
  }
  let at = end - 1;
  for (let left = count - index; left > 0; left--) at = positionBefore(bytes, at);
  return at;
}

/** Fills `out` with the element at a position. A string stays in place. */
export function readPosition(
  bytes: Uint8Array,
  view: DataView,
  at: number,
  out: ListpackValue,
): void {
  const lead = bytes[at] as number;
  if (isString(lead)) {
    const start = at + stringHeadBytes(lead);
    out.setString(bytes, view, start, start + stringBytes(bytes, at, lead));
    return;
  }
  readInteger(bytes, at, lead);
  out.setInteger(stored.hi, stored.lo);
}

/** Tells which elements are a text that was given to it. The text must stay where it is. */
export class TextMatcher {
  private bytes: Uint8Array = new Uint8Array(0);
  private start = 0;
  private length = 0;
  private isInteger = false;
  private readonly integer = new Int64();

  /** The text to look for is bytes[start, end). */
  begin(bytes: Uint8Array, start: number, end: number): void {
    this.bytes = bytes;
    this.start = start;
    this.length = end - start;
    this.isInteger = parseInt64(bytes, start, end, this.integer);
  }

  /** True when the element at a position of a listpack is the text. */
  matches(stack: Uint8Array, at: number): boolean {
    const lead = stack[at] as number;
    if (isString(lead)) {
      const size = stringBytes(stack, at, lead);
      if (size !== this.length) return false;
      return sameBytes(stack, at + stringHeadBytes(lead), this.bytes, this.start, size);
    }
    if (!this.isInteger) return false;
    readInteger(stack, at, lead);
    return stored.lo === this.integer.lo && stored.hi === this.integer.hi;
  }

  /** True when other[start, end) is the text. */
  isText(other: Uint8Array, start: number, end: number): boolean {
    if (end - start !== this.length) return false;
    return sameBytes(other, start, this.bytes, this.start, this.length);
  }
}
