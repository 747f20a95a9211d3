/**
 * Parts of listpacks: cutting one in two, making one of two, taking many elements out at once. What
 * lists need that are made of several (values/list).
 *
 * As in listpack.ts a function that changes a listpack returns its ref anew, and an element is named
 * by its offset from the listpack's start. Who calls knows how many elements there are.
 */
import { type Arena, type Ref, roundedBytes, SEGMENT_SHIFT, UNIT_MASK } from "./arena.ts";
import { listpackBytes } from "./listpack.ts";
import { backlenBytes, END, encodedBytes, writeElement } from "./listpack-element.ts";
import { LISTPACK_HEADER_BYTES, positionAfter, type TextMatcher } from "./listpack-walk.ts";

const COUNT_UNKNOWN = 0xffff;

/** Writes the head of a listpack whose elements are in place. */
function setHead(arena: Arena, lp: Ref, bytes: number, count: number): void {
  const words = arena.words[lp >>> SEGMENT_SHIFT] as Int32Array;
  const at = (lp & UNIT_MASK) << 1;
  words[at] = bytes;
  words[at + 1] = ((words[at + 1] as number) & ~0xffff) | Math.min(count, COUNT_UNKNOWN);
}

/** A block of the right size for a listpack that has become shorter; never fails. */
function shrunk(arena: Arena, lp: Ref, bytes: number): Ref {
  return roundedBytes(bytes) === arena.blockBytes(lp) ? lp : arena.resize(lp, bytes, bytes);
}

/** A new listpack of the one element bytes[start, end). */
export function listpackOf(arena: Arena, bytes: Uint8Array, start: number, end: number): Ref {
  const size = encodedBytes(bytes, start, end);
  const total = LISTPACK_HEADER_BYTES + size + backlenBytes(size) + 1;
  const lp = arena.alloc(total);
  const target = arena.bytes[lp >>> SEGMENT_SHIFT] as Uint8Array;
  const base = (lp & UNIT_MASK) << 3;
  writeElement(target, base + LISTPACK_HEADER_BYTES, bytes, start, end, size);
  target[base + total - 1] = END;
  setHead(arena, lp, total, 1);
  return lp;
}

/** A new listpack of the elements from `offset` on of another one, `count` of them. */
export function listpackTail(arena: Arena, lp: Ref, offset: number, count: number): Ref {
  const bytes = listpackBytes(arena, lp) - offset;
  const tail = arena.alloc(LISTPACK_HEADER_BYTES + bytes);
  arena.copy(tail, LISTPACK_HEADER_BYTES, lp, offset, bytes);
  setHead(arena, tail, LISTPACK_HEADER_BYTES + bytes, count);
  return tail;
}

/** Makes the listpack end before the element at `offset`, so that it has `count`. Never fails. */
export function truncate(arena: Arena, lp: Ref, offset: number, count: number): Ref {
  (arena.bytes[lp >>> SEGMENT_SHIFT] as Uint8Array)[((lp & UNIT_MASK) << 3) + offset] = END;
  setHead(arena, lp, offset + 1, count);
  return shrunk(arena, lp, offset + 1);
}

/** Puts all elements of `other` behind the last one. `count` is how many that makes. */
export function appendListpack(arena: Arena, lp: Ref, other: Ref, count: number): Ref {
  const total = listpackBytes(arena, lp);
  const more = listpackBytes(arena, other) - LISTPACK_HEADER_BYTES;
  const joined = arena.resize(lp, total - 1 + more, total);
  arena.copy(joined, total - 1, other, LISTPACK_HEADER_BYTES, more);
  setHead(arena, joined, total - 1 + more, count);
  return joined;
}

/** How many of the elements of the listpack that begins at bytes[start] are the text. */
export function countMatches(bytes: Uint8Array, start: number, matcher: TextMatcher): number {
  let count = 0;
  for (let at = start + LISTPACK_HEADER_BYTES; bytes[at] !== END; at = positionAfter(bytes, at))
    if (matcher.matches(bytes, at)) count++;
  return count;
}

/**
 * Takes `wanted` elements that are the text out of a listpack of `count`: the first ones after
 * passing over `skipped` of them. Never fails.
 */
export function deleteMatches(
  arena: Arena,
  lp: Ref,
  count: number,
  matcher: TextMatcher,
  skipped: number,
  wanted: number,
): Ref {
  const bytes = arena.bytes[lp >>> SEGMENT_SHIFT] as Uint8Array;
  const base = (lp & UNIT_MASK) << 3;
  const end = base + listpackBytes(arena, lp);
  let target = base + LISTPACK_HEADER_BYTES;
  // What stays is moved in runs: from here to the next match.
  let run = target;
  let removed = 0;
  for (let at = target; bytes[at] !== END && removed < wanted; ) {
    const after = positionAfter(bytes, at);
    if (matcher.matches(bytes, at) && skipped-- <= 0) {
      if (run !== target) bytes.copyWithin(target, run, at);
      target += at - run;
      run = after;
      removed++;
    }
    at = after;
  }
  bytes.copyWithin(target, run, end);
  const total = target + (end - run) - base;
  setHead(arena, lp, total, count - removed);
  return shrunk(arena, lp, total);
}
