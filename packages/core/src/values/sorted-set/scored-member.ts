/**
 * Scored members: the elements in the table of a large sorted set. An element is an entry whose key
 * is the member, with the score, a double, in its 8-byte word:
 *
 *      byte  0   kind, flags (WORD), epoch      4   idle: a mark while a change is under way
 *            8   length of the member          12   0
 *           16   score                         24   the member's bytes
 *
 * A member of 16 bytes takes 40. Example: "ab" with the score 1.5 asks for 26 bytes,
 *      00 02 00 00 | 00 00 00 00 | 02 00 00 00 | 00 00 00 00 | 00 00 00 00 00 00 F8 3F | 61 62
 */
import { type Arena, type Ref, SEGMENT_SHIFT, UNIT_MASK } from "../../memory/arena.ts";
import type { ListpackValue } from "../../memory/listpack.ts";
import {
  byteIndex,
  bytesOf,
  createEntry,
  Encoding,
  keyLength,
  kindOf,
  Type,
  viewOf,
  WORD_FLAG,
} from "../../table/entry.ts";

const MEMBER_KIND = kindOf(Type.STRING, Encoding.RAW);
/** Bytes of an element before its member. */
const MEMBER_OFFSET = 24;
/** The score's place among the doubles of an element. */
const SCORE = 2;

/** A new element for the member bytes[start, end). Throws ArenaFullError. */
export function createMember(
  arena: Arena,
  bytes: Uint8Array,
  start: number,
  end: number,
  score: number,
): Ref {
  const element = createEntry(arena, MEMBER_KIND, WORD_FLAG, 0, bytes, start, end, 0);
  setScore(arena, element, score);
  return element;
}

/** The score of an element. */
export function scoreOf(arena: Arena, element: Ref): number {
  return (arena.doubles[element >>> SEGMENT_SHIFT] as Float64Array)[
    (element & UNIT_MASK) + SCORE
  ] as number;
}

/** Gives an element another score. The index over the elements is the caller's business. */
export function setScore(arena: Arena, element: Ref, score: number): void {
  (arena.doubles[element >>> SEGMENT_SHIFT] as Float64Array)[(element & UNIT_MASK) + SCORE] = score;
}

/** Index, in `bytesOf(arena, element)`, of the member's first byte. */
export function memberIndex(element: Ref): number {
  return byteIndex(element) + MEMBER_OFFSET;
}

/** Shows the member of an element, in place. */
export function showMember(arena: Arena, element: Ref, text: ListpackValue): void {
  const at = memberIndex(element);
  const end = at + keyLength(arena, element);
  text.setString(bytesOf(arena, element), viewOf(arena, element), at, end);
}

/**
 * How bytes[start, end) compares with other[otherStart, otherEnd): byte by byte, and what goes on
 * longer is larger. Below, at or above zero. The views cover the memory that is meant.
 */
export function compareBytes(
  view: DataView,
  start: number,
  end: number,
  other: DataView,
  otherStart: number,
  otherEnd: number,
): number {
  const length = end - start;
  const otherLength = otherEnd - otherStart;
  const common = Math.min(length, otherLength);
  let i = 0;
  for (; i + 4 <= common; i += 4) {
    const one = view.getUint32(start + i);
    const two = other.getUint32(otherStart + i);
    if (one !== two) return one < two ? -1 : 1;
  }
  for (; i < common; i++) {
    const difference = view.getUint8(start + i) - other.getUint8(otherStart + i);
    if (difference !== 0) return difference;
  }
  return length - otherLength;
}

/** How the member of an element compares with the member in `view`[start, end). */
export function compareMember(
  arena: Arena,
  element: Ref,
  view: DataView,
  start: number,
  end: number,
): number {
  const at = memberIndex(element);
  const own = viewOf(arena, element);
  return compareBytes(own, at, at + keyLength(arena, element), view, start, end);
}
