/**
 * Intset: different integers in ascending order in one flat block, in Redis's own byte format, so
 * that it goes to RDB, DUMP and replicas by copying.
 *
 *      width u32 (2, 4 or 8) | count u32 | integer | integer | ...             (little-endian)
 *
 * All integers take as many bytes as the widest needs: adding one that does not fit makes them all
 * wider, and none becomes narrower again. Example, -5, 1 and 300:
 *
 *      02 00 00 00 | 03 00 00 00 | FB FF | 01 00 | 2C 01                       14 bytes
 *
 * An intset is an arena block and is named by its ref; an integer is two words (int64.ts), and is
 * named by its index. Every function that changes an intset returns its ref anew, since it may have
 * moved. Finding is a binary search; adding and removing move what follows.
 *
 * Not in this file: when a set has too many integers for this.
 */
import { assert } from "../../assert.ts";
import type { Int64 } from "../../int64.ts";
import { type Arena, type Ref, roundedBytes } from "../../memory/arena.ts";
import { byteIndex, viewOf, wordIndex, wordsOf } from "../../table/entry.ts";

const HEADER = 8;

/** Bytes that an integer needs here. */
function widthOf(hi: number, lo: number): number {
  if (hi !== lo >> 31) return 8;
  return lo === (lo << 16) >> 16 ? 2 : 4;
}

/** Bytes of each integer: 2, 4 or 8. */
function widthAt(arena: Arena, intset: Ref): number {
  return wordsOf(arena, intset)[wordIndex(intset)] as number;
}

/** Number of integers. */
export function intsetCount(arena: Arena, intset: Ref): number {
  return wordsOf(arena, intset)[wordIndex(intset) + 1] as number;
}

/** Bytes of the whole intset, header included. */
export function intsetBytes(arena: Arena, intset: Ref): number {
  return HEADER + widthAt(arena, intset) * intsetCount(arena, intset);
}

/** A new, empty intset. */
export function createIntset(arena: Arena): Ref {
  const intset = arena.alloc(HEADER);
  const words = wordsOf(arena, intset);
  words[wordIndex(intset)] = 2;
  words[wordIndex(intset) + 1] = 0;
  return intset;
}

/** A new intset that is a copy of bytes[start, end), which must have passed validateIntset. */
export function intsetFromBytes(arena: Arena, bytes: Uint8Array, start: number, end: number): Ref {
  const intset = arena.alloc(end - start);
  arena.write(intset, 0, bytes, start, end);
  assert(intsetBytes(arena, intset) === end - start, "an intset says how long it is");
  return intset;
}

/** Puts integer number `index` in `out`. */
export function intsetAt(arena: Arena, intset: Ref, index: number, out: Int64): void {
  const words = wordsOf(arena, intset);
  const at = wordIndex(intset);
  const width = words[at] as number;
  if (width === 8) {
    out.lo = words[at + 2 + (index << 1)] as number;
    out.hi = words[at + 3 + (index << 1)] as number;
    return;
  }
  if (width === 4) out.lo = words[at + 2 + index] as number;
  else {
    const pair = words[at + 2 + (index >> 1)] as number;
    out.lo = (index & 1) === 0 ? (pair << 16) >> 16 : pair >> 16;
  }
  out.hi = out.lo >> 31;
}

/** Index of the integer; when it is not there, -1 - the index that it would have. */
export function intsetFind(arena: Arena, intset: Ref, hi: number, lo: number): number {
  const words = wordsOf(arena, intset);
  const at = wordIndex(intset);
  const width = words[at] as number;
  const count = words[at + 1] as number;
  // One that needs more room than any integer here lies beyond one of the ends.
  if (widthOf(hi, lo) > width) return hi < 0 ? -1 : -1 - count;
  let low = 0;
  let high = count;
  const first = at + 2;
  while (low < high) {
    const middle = (low + high) >>> 1;
    let isLess: boolean;
    if (width === 8) {
      const upper = words[first + (middle << 1) + 1] as number;
      const lower = words[first + (middle << 1)] as number;
      if (upper === hi && lower === lo) return middle;
      isLess = upper < hi || (upper === hi && lower >>> 0 < lo >>> 0);
    } else {
      let value: number;
      if (width === 4) value = words[first + middle] as number;
      else {
        const pair = words[first + (middle >> 1)] as number;
        value = (middle & 1) === 0 ? (pair << 16) >> 16 : pair >> 16;
      }
      if (value === lo) return middle;
      isLess = value < lo;
    }
    if (isLess) low = middle + 1;
    else high = middle;
  }
  return -1 - low;
}

function writeAt(view: DataView, at: number, width: number, hi: number, lo: number): void {
  if (width === 2) view.setInt16(at, lo, true);
  else {
    view.setInt32(at, lo, true);
    if (width === 8) view.setInt32(at + 4, hi, true);
  }
}

/** Adds an integer that is not there: `index` is what the search for it found. */
export function intsetInsert(
  arena: Arena,
  intset: Ref,
  index: number,
  hi: number,
  lo: number,
): Ref {
  const width = widthAt(arena, intset);
  const count = intsetCount(arena, intset);
  if (widthOf(hi, lo) > width) return widen(arena, intset, hi, lo);
  const before = HEADER + index * width;
  const bytes = HEADER + count * width;
  const grown = arena.resize(intset, bytes + width, bytes);
  arena.copy(grown, before + width, grown, before, bytes - before);
  writeAt(viewOf(arena, grown), byteIndex(grown) + before, width, hi, lo);
  wordsOf(arena, grown)[wordIndex(grown) + 1] = count + 1;
  return grown;
}

/** A new block for all integers and a wider one, which comes first or last. */
function widen(arena: Arena, intset: Ref, hi: number, lo: number): Ref {
  const width = widthOf(hi, lo);
  const count = intsetCount(arena, intset);
  const wider = arena.alloc(HEADER + width * (count + 1));
  const words = wordsOf(arena, wider);
  words[wordIndex(wider)] = width;
  words[wordIndex(wider) + 1] = count + 1;
  const view = viewOf(arena, wider);
  let at = byteIndex(wider) + HEADER;
  const integer = { hi: 0, lo: 0 };
  if (hi < 0) {
    writeAt(view, at, width, hi, lo);
    at += width;
  }
  for (let i = 0; i < count; i++, at += width) {
    intsetAt(arena, intset, i, integer);
    writeAt(view, at, width, integer.hi, integer.lo);
  }
  if (hi >= 0) writeAt(view, at, width, hi, lo);
  arena.free(intset);
  return wider;
}

/** Removes integer number `index`. Never fails. */
export function intsetDelete(arena: Arena, intset: Ref, index: number): Ref {
  const width = widthAt(arena, intset);
  const count = intsetCount(arena, intset);
  const at = HEADER + index * width;
  const bytes = HEADER + count * width;
  arena.copy(intset, at, intset, at + width, bytes - at - width);
  wordsOf(arena, intset)[wordIndex(intset) + 1] = count - 1;
  return arena.resize(intset, bytes - width, bytes - width);
}

/**
 * True when bytes[start, end) is an intset that the functions above can use: its length, and all
 * integers in ascending order, none twice. An empty one is none. Never reads outside the range.
 */
export function validateIntset(view: DataView, start: number, end: number): boolean {
  if (end - start < HEADER) return false;
  const width = view.getUint32(start, true);
  if (width !== 2 && width !== 4 && width !== 8) return false;
  const count = view.getUint32(start + 4, true);
  if (count === 0 || end - start !== HEADER + width * count) return false;
  for (let at = start + HEADER + width; at < end; at += width)
    if (!isAscending(view, at - width, at, width)) return false;
  return true;
}

function isAscending(view: DataView, one: number, two: number, width: number): boolean {
  if (width === 2) return view.getInt16(one, true) < view.getInt16(two, true);
  if (width === 4) return view.getInt32(one, true) < view.getInt32(two, true);
  const oneHi = view.getInt32(one + 4, true);
  const twoHi = view.getInt32(two + 4, true);
  if (oneHi !== twoHi) return oneHi < twoHi;
  return view.getUint32(one, true) < view.getUint32(two, true);
}

/** Throws unless the intset is whole and its block has the right size. For tests: slow. */
export function checkIntset(arena: Arena, intset: Ref): void {
  const bytes = intsetBytes(arena, intset);
  assert(roundedBytes(bytes) <= arena.blockBytes(intset), "an intset fits its block");
  const start = byteIndex(intset);
  const isWhole = validateIntset(viewOf(arena, intset), start, start + bytes);
  assert(isWhole || bytes === HEADER, "an intset is in order");
}
