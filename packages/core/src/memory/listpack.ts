/**
 * Listpack: a short sequence of strings and integers in one flat block, in Redis's own byte format,
 * so that it goes to RDB, DUMP and replicas by copying.
 *
 *      total bytes u32 | count u16 | element | element | ... | FF             (little-endian)
 *
 * `count` 65535 says "count them". An element is its encoding, its data and the size of those two
 * for walking backwards; listpack-element.ts draws them. Example, "hi" then "-5":
 *
 *      0E 00 00 00 | 02 00 | 82 68 69 | 03 | DF FB | 02 | FF        14 bytes, 2 elements
 *
 * A value that is canonical int64 text is stored as an integer, in the smallest form that holds it.
 * Strings cost 2 bytes over their own up to 63 bytes; a small hash pays about 11 bytes once.
 *
 * A listpack is an arena block and is named by its ref; an element is named by its offset from the
 * block's start, 0 meaning "no element". Every function that changes a listpack returns its ref
 * anew, since it may have moved. Offsets survive the move: the element that was put in or changed
 * is at the offset that was given, and after deleting, the one that followed is there (settle()
 * says whether there is one). Values given to a listpack must not lie inside that very listpack.
 *
 * Not in this file: what elements mean (fields, scores), and when a listpack is too long.
 */
import { assert } from "../assert.ts";
import { formatInt64, INT64_TEXT_BYTES, Int64, parseInt64, splitNumber } from "../int64.ts";
import {
  type Arena,
  ArenaFullError,
  type Ref,
  roundedBytes,
  SEGMENT_SHIFT,
  UNIT_MASK,
} from "./arena.ts";
import {
  backlenBytes,
  dataBytes,
  EMPTY_LISTPACK_BYTES,
  END,
  encodedBytes,
  encodedIntegerBytes,
  foreignDataBytes,
  isBacklen,
  isString,
  LISTPACK_HEADER_BYTES,
  positionAfter,
  read32,
  readInteger,
  sameBytes,
  stored,
  stringBytes,
  stringHeadBytes,
  wanted,
  writeElement,
} from "./listpack-element.ts";

const NO_BYTES = new Uint8Array(0);
const COUNT_UNKNOWN = 0xffff;
/** Tails of up to this many bytes are moved by a loop, which beats the call of copyWithin. */
const SHORT_TAIL = 16;

/** What readAt() fills: the element as text and, when it is stored as an integer, as one. */
export class ListpackValue {
  /** True when the element is stored as an integer. */
  isInteger = false;
  /** The integer is hi * 2^32 + (lo >>> 0); both 0 for a string. */
  hi = 0;
  /** Lower 32 bits of the integer. */
  lo = 0;
  /** The element's text is bytes[start, end); `view` covers the same memory. */
  bytes: Uint8Array;
  /** A view over the memory of `bytes`. */
  view: DataView;
  /** Index of the text's first byte. */
  start = 0;
  /** Index behind the text's last byte. */
  end = 0;
  private readonly digits: Uint8Array;
  private readonly digitsView: DataView;

  constructor() {
    const buffer = new ArrayBuffer(INT64_TEXT_BYTES + 4);
    this.digits = new Uint8Array(buffer);
    this.digitsView = new DataView(buffer);
    this.bytes = this.digits;
    this.view = this.digitsView;
  }

  /** Makes this the text of an integer, in memory of its own. */
  setInteger(hi: number, lo: number): void {
    this.isInteger = true;
    this.hi = hi;
    this.lo = lo;
    this.bytes = this.digits;
    this.view = this.digitsView;
    this.start = 0;
    this.end = formatInt64(hi, lo, this.digits, 0);
  }

  /** Makes this the string bytes[start, end), which stays where it is. */
  setString(bytes: Uint8Array, view: DataView, start: number, end: number): void {
    this.isInteger = false;
    this.hi = 0;
    this.lo = 0;
    this.bytes = bytes;
    this.view = view;
    this.start = start;
    this.end = end;
  }
}

// --- Reading ---------------------------------------------------------------------------------

/** Bytes of the whole listpack, header and end byte included. */
export function listpackBytes(arena: Arena, lp: Ref): number {
  return arena.words[lp >>> SEGMENT_SHIFT][(lp & UNIT_MASK) << 1] >>> 0;
}

/** Number of elements. A walk when there are 65,535 or more. */
export function listpackCount(arena: Arena, lp: Ref): number {
  const count = arena.words[lp >>> SEGMENT_SHIFT][((lp & UNIT_MASK) << 1) + 1] & 0xffff;
  if (count !== COUNT_UNKNOWN) return count;
  let walked = 0;
  for (let at = first(arena, lp); at !== 0; at = next(arena, lp, at)) walked++;
  // It may have become countable again.
  if (walked < COUNT_UNKNOWN) setCount(arena, lp, walked);
  return walked;
}

/** `offset`, or 0 when that is the listpack's end: for the offset left over by a deletion. */
export function settle(arena: Arena, lp: Ref, offset: number): number {
  return bytesAt(arena, lp)[baseOf(lp) + offset] === END ? 0 : offset;
}

/** Offset of the first element, or 0 when there is none. */
export function first(arena: Arena, lp: Ref): number {
  return settle(arena, lp, LISTPACK_HEADER_BYTES);
}

/** Offset of the last element, or 0 when there is none. */
export function last(arena: Arena, lp: Ref): number {
  return previous(arena, lp, listpackBytes(arena, lp) - 1);
}

/** Offset of the element after the one at `offset`, or 0. */
export function next(arena: Arena, lp: Ref, offset: number): number {
  const bytes = bytesAt(arena, lp);
  const at = baseOf(lp) + offset;
  const size = dataBytes(bytes, at);
  const after = offset + size + backlenBytes(size);
  return bytes[baseOf(lp) + after] === END ? 0 : after;
}

/** Offset of the element before `offset` (an element's or the end byte's), or 0. */
export function previous(arena: Arena, lp: Ref, offset: number): number {
  if (offset === LISTPACK_HEADER_BYTES) return 0;
  const bytes = bytesAt(arena, lp);
  let at = baseOf(lp) + offset - 1;
  let size = bytes[at] & 0x7f;
  for (let scale = 128; (bytes[at] & 0x80) !== 0; scale *= 128) {
    at--;
    size += (bytes[at] & 0x7f) * scale;
  }
  return at - baseOf(lp) - size;
}

/** Offset of element number `index`, counted from the end when negative; 0 when out of range. */
export function seek(arena: Arena, lp: Ref, index: number): number {
  const count = arena.words[lp >>> SEGMENT_SHIFT][((lp & UNIT_MASK) << 1) + 1] & 0xffff;
  if (count !== COUNT_UNKNOWN) {
    if (index >= count || index < -count) return 0;
    // From whichever end is nearer.
    if (index >= 0 && index * 2 > count) index -= count;
    else if (index < 0 && -index * 2 > count) index += count;
  }
  let at: number;
  if (index >= 0) {
    at = first(arena, lp);
    while (index-- > 0 && at !== 0) at = next(arena, lp, at);
  } else {
    at = last(arena, lp);
    while (++index < 0 && at !== 0) at = previous(arena, lp, at);
  }
  return at;
}

/** Fills `out` with the element at `offset`. A string stays in place: read it before writing. */
export function readAt(arena: Arena, lp: Ref, offset: number, out: ListpackValue): void {
  const segment = lp >>> SEGMENT_SHIFT;
  const bytes = arena.bytes[segment];
  const at = baseOf(lp) + offset;
  const lead = bytes[at];
  if (isString(lead)) {
    const start = at + stringHeadBytes(lead);
    out.setString(bytes, arena.views[segment], start, start + stringBytes(bytes, at, lead));
    return;
  }
  readInteger(bytes, at, lead);
  out.setInteger(stored.hi, stored.lo);
}

/** The integer at `offset`, which is a safe one; NaN for a string. */
export function numberAt(arena: Arena, lp: Ref, offset: number): number {
  const bytes = bytesAt(arena, lp);
  const at = baseOf(lp) + offset;
  const lead = bytes[at];
  if (isString(lead)) return Number.NaN;
  readInteger(bytes, at, lead);
  return stored.hi * 2 ** 32 + (stored.lo >>> 0);
}

/**
 * Offset of the first element that is the text bytes[start, end), or 0. Only every `stride`-th
 * element is compared, from the first on: 1 searches all, 2 the fields of a hash.
 */
export function find(
  arena: Arena,
  lp: Ref,
  bytes: Uint8Array,
  start: number,
  end: number,
  stride: number,
): number {
  const packed = bytesAt(arena, lp);
  const length = end - start;
  const isNumber = parseInt64(bytes, start, end, wanted);
  const base = baseOf(lp);
  let at = base + LISTPACK_HEADER_BYTES;
  let skip = 0;
  for (;;) {
    const lead = packed[at];
    if (lead === END) return 0;
    const size = dataBytes(packed, at);
    if (skip === 0) {
      skip = stride;
      if (isString(lead)) {
        const head = stringHeadBytes(lead);
        if (size - head === length && sameBytes(packed, at + head, bytes, start, length)) {
          return at - base;
        }
      } else if (isNumber) {
        readInteger(packed, at, lead);
        if (stored.lo === wanted.lo && stored.hi === wanted.hi) return at - base;
      }
    }
    skip--;
    at += size + backlenBytes(size);
  }
}

/** Where the texts that repeatsText() compares begin, and how long they are. */
const textStarts = new Int32Array(16);
const textLengths = new Int32Array(16);

/**
 * True when two of every `stride`-th elements are the same text. Undefined when that is for
 * another to tell: there are more than 16, or one may be a number, which has several forms.
 */
export function repeatsText(arena: Arena, lp: Ref, stride: number): boolean | undefined {
  const bytes = bytesAt(arena, lp);
  let at = baseOf(lp) + LISTPACK_HEADER_BYTES;
  let count = 0;
  for (let skip = 0; bytes[at] !== END; skip = skip === 0 ? stride - 1 : skip - 1) {
    if (skip === 0) {
      const lead = bytes[at];
      if (!isString(lead) || count === textStarts.length) return undefined;
      const start = at + stringHeadBytes(lead);
      const length = stringBytes(bytes, at, lead);
      // Digits and the minus sign.
      if (length > 0 && bytes[start] < 58 && bytes[start] > 44) return undefined;
      // Fields often begin alike and end differently.
      const tail = bytes[start + length - 1];
      for (let i = 0; i < count; i++) {
        const other = textStarts[i];
        if (
          textLengths[i] === length &&
          bytes[other + length - 1] === tail &&
          sameBytes(bytes, start, bytes, other, length)
        ) {
          return true;
        }
      }
      textStarts[count] = start;
      textLengths[count++] = length;
    }
    at = positionAfter(bytes, at);
  }
  return false;
}

// --- Writing ---------------------------------------------------------------------------------

/** A new, empty listpack. */
export function createListpack(arena: Arena): Ref {
  const lp = arena.alloc(EMPTY_LISTPACK_BYTES);
  const words = arena.words[lp >>> SEGMENT_SHIFT];
  const at = (lp & UNIT_MASK) << 1;
  words[at] = EMPTY_LISTPACK_BYTES;
  words[at + 1] = END << 16;
  return lp;
}

/** A new listpack that is a copy of bytes[start, end), which must have passed validateListpack. */
export function listpackFromBytes(
  arena: Arena,
  bytes: Uint8Array,
  start: number,
  end: number,
): Ref {
  const lp = arena.alloc(end - start);
  arena.write(lp, 0, bytes, start, end);
  assert(listpackBytes(arena, lp) === end - start, "a listpack says how long it is");
  return lp;
}

/** Puts bytes[start, end) in front of the element at `offset` (or of the end byte). */
export function insertAt(
  arena: Arena,
  lp: Ref,
  offset: number,
  bytes: Uint8Array,
  start: number,
  end: number,
): Ref {
  const size = encodedBytes(bytes, start, end);
  lp = splice(arena, lp, offset, 0, size + backlenBytes(size), bytes, start);
  writeElement(bytesAt(arena, lp), baseOf(lp) + offset, bytes, start, end, size);
  addToCount(arena, lp, 1);
  return lp;
}

/** Puts bytes[start, end) behind the last element. */
export function append(arena: Arena, lp: Ref, bytes: Uint8Array, start: number, end: number): Ref {
  return insertAt(arena, lp, listpackBytes(arena, lp) - 1, bytes, start, end);
}

/** Puts bytes[start, end) before the first element. */
export function prepend(arena: Arena, lp: Ref, bytes: Uint8Array, start: number, end: number): Ref {
  return insertAt(arena, lp, LISTPACK_HEADER_BYTES, bytes, start, end);
}

/** Puts two values in front of `offset`, growing the block once: a field and what belongs to it. */
export function insertPairAt(
  arena: Arena,
  lp: Ref,
  offset: number,
  oneBytes: Uint8Array,
  oneStart: number,
  oneEnd: number,
  twoBytes: Uint8Array,
  twoStart: number,
  twoEnd: number,
): Ref {
  const two = encodedBytes(twoBytes, twoStart, twoEnd);
  const one = encodedBytes(oneBytes, oneStart, oneEnd);
  const oneTotal = one + backlenBytes(one);
  assertOutside(arena, lp, twoBytes, twoStart);
  lp = splice(arena, lp, offset, 0, oneTotal + two + backlenBytes(two), oneBytes, oneStart);
  writeElement(bytesAt(arena, lp), baseOf(lp) + offset, oneBytes, oneStart, oneEnd, one);
  encodedBytes(twoBytes, twoStart, twoEnd); // Parses the second value again, if it is a number.
  const secondAt = baseOf(lp) + offset + oneTotal;
  writeElement(bytesAt(arena, lp), secondAt, twoBytes, twoStart, twoEnd, two);
  addToCount(arena, lp, 2);
  return lp;
}

/** For use by insertTripleAt(): its number, and that as text. */
const tripleNumber = new Int64();
const tripleDigits = new Uint8Array(INT64_TEXT_BYTES);

/** As insertPairAt(), with a safe integer behind the two: when the field expires. */
export function insertTripleAt(
  arena: Arena,
  lp: Ref,
  offset: number,
  oneBytes: Uint8Array,
  oneStart: number,
  oneEnd: number,
  twoBytes: Uint8Array,
  twoStart: number,
  twoEnd: number,
  number: number,
): Ref {
  splitNumber(number, tripleNumber);
  const digitsEnd = formatInt64(tripleNumber.hi, tripleNumber.lo, tripleDigits, 0);
  const three = encodedBytes(tripleDigits, 0, digitsEnd);
  const two = encodedBytes(twoBytes, twoStart, twoEnd);
  const one = encodedBytes(oneBytes, oneStart, oneEnd);
  const oneTotal = one + backlenBytes(one);
  const twoTotal = two + backlenBytes(two);
  assertOutside(arena, lp, twoBytes, twoStart);
  const total = oneTotal + twoTotal + three + backlenBytes(three);
  lp = splice(arena, lp, offset, 0, total, oneBytes, oneStart);
  const at = baseOf(lp) + offset;
  // Each is parsed again before it is written, if it is a number.
  writeElement(bytesAt(arena, lp), at, oneBytes, oneStart, oneEnd, one);
  encodedBytes(twoBytes, twoStart, twoEnd);
  writeElement(bytesAt(arena, lp), at + oneTotal, twoBytes, twoStart, twoEnd, two);
  encodedBytes(tripleDigits, 0, digitsEnd);
  const threeAt = at + oneTotal + twoTotal;
  writeElement(bytesAt(arena, lp), threeAt, tripleDigits, 0, digitsEnd, three);
  addToCount(arena, lp, 3);
  return lp;
}

/** Makes bytes[start, end) the element at `offset`. */
export function replaceAt(
  arena: Arena,
  lp: Ref,
  offset: number,
  bytes: Uint8Array,
  start: number,
  end: number,
): Ref {
  const size = encodedBytes(bytes, start, end);
  const old = elementBytes(arena, lp, offset);
  lp = splice(arena, lp, offset, old, size + backlenBytes(size), bytes, start);
  writeElement(bytesAt(arena, lp), baseOf(lp) + offset, bytes, start, end, size);
  return lp;
}

/**
 * Makes an integer the element at `offset`, in a block that has the room for it: the listpack stays
 * where it is, and so does its block's size.
 */
export function replaceIntegerAt(
  arena: Arena,
  lp: Ref,
  offset: number,
  hi: number,
  lo: number,
): void {
  const old = elementBytes(arena, lp, offset);
  const size = encodedIntegerBytes(hi, lo);
  const bytes = size + backlenBytes(size);
  const total = listpackBytes(arena, lp);
  assert(total - old + bytes <= arena.blockBytes(lp), "a listpack has room for a longer integer");
  if (bytes !== old) moveTail(arena, lp, offset + bytes, offset + old, total - offset - old);
  arena.words[lp >>> SEGMENT_SHIFT][(lp & UNIT_MASK) << 1] = total - old + bytes;
  writeElement(bytesAt(arena, lp), baseOf(lp) + offset, NO_BYTES, 0, 0, size);
}

/** Removes `elements` elements (1 unless given) from the one at `offset` on, or all there are. */
export function deleteAt(arena: Arena, lp: Ref, offset: number, elements = 1): Ref {
  const bytes = bytesAt(arena, lp);
  const base = baseOf(lp);
  let at = base + offset;
  let removed = 0;
  while (removed < elements && bytes[at] !== END) {
    const size = dataBytes(bytes, at);
    at += size + backlenBytes(size);
    removed++;
  }
  if (removed === 0) return lp;
  lp = splice(arena, lp, offset, at - base - offset, 0, bytes, 0);
  addToCount(arena, lp, -removed);
  return lp;
}

/**
 * Replaces `removed` bytes at `offset` by a gap of `inserted` bytes, in a block of the right size.
 * Nothing has changed when alloc throws; becoming shorter never fails.
 */
function splice(
  arena: Arena,
  lp: Ref,
  offset: number,
  removed: number,
  inserted: number,
  source: Uint8Array,
  start: number,
): Ref {
  if (inserted > 0) assertOutside(arena, lp, source, start);
  const total = listpackBytes(arena, lp);
  const size = total - removed + inserted;
  const tail = offset + removed;
  const tailBytes = total - tail;
  const moved = roundedBytes(size) === arena.blockBytes(lp) ? lp : blockFor(arena, lp, size);
  if (moved === lp) {
    if (removed !== inserted) moveTail(arena, lp, offset + inserted, tail, tailBytes);
  } else {
    arena.copy(moved, 0, lp, 0, offset);
    arena.copy(moved, offset + inserted, lp, tail, tailBytes);
    arena.free(lp);
    lp = moved;
  }
  arena.words[lp >>> SEGMENT_SHIFT][(lp & UNIT_MASK) << 1] = size;
  return lp;
}

/** A block for a listpack of `size` bytes: its own when there is no room for a smaller one. */
function blockFor(arena: Arena, lp: Ref, size: number): Ref {
  try {
    return arena.alloc(size);
  } catch (full) {
    if (full instanceof ArenaFullError && size <= arena.blockBytes(lp)) return lp;
    throw full;
  }
}

function moveTail(arena: Arena, lp: Ref, to: number, from: number, length: number): void {
  if (length > SHORT_TAIL) {
    arena.copy(lp, to, lp, from, length);
    return;
  }
  const bytes = bytesAt(arena, lp);
  const base = baseOf(lp);
  if (to < from) for (let i = 0; i < length; i++) bytes[base + to + i] = bytes[base + from + i];
  else for (let i = length - 1; i >= 0; i--) bytes[base + to + i] = bytes[base + from + i];
}

function elementBytes(arena: Arena, lp: Ref, offset: number): number {
  const size = dataBytes(bytesAt(arena, lp), baseOf(lp) + offset);
  return size + backlenBytes(size);
}

/** The gap would open, or the block would move away, under the value that is to be stored. */
function assertOutside(arena: Arena, lp: Ref, source: Uint8Array, start: number): void {
  if (source !== bytesAt(arena, lp)) return;
  const base = baseOf(lp);
  const inside = start > base && start < base + listpackBytes(arena, lp);
  assert(!inside, "a value does not lie in the listpack that stores it");
}

function setCount(arena: Arena, lp: Ref, count: number): void {
  const words = arena.words[lp >>> SEGMENT_SHIFT];
  const at = ((lp & UNIT_MASK) << 1) + 1;
  words[at] = (words[at] & ~0xffff) | count;
}

function addToCount(arena: Arena, lp: Ref, change: number): void {
  const words = arena.words[lp >>> SEGMENT_SHIFT];
  const at = ((lp & UNIT_MASK) << 1) + 1;
  const count = words[at] & 0xffff;
  // 65,535 stays until somebody counts; a count that grows into it has become unknown.
  if (count === COUNT_UNKNOWN) return;
  words[at] = (words[at] & ~0xffff) | Math.min(count + change, COUNT_UNKNOWN);
}

function baseOf(lp: Ref): number {
  return (lp & UNIT_MASK) << 3;
}

function bytesAt(arena: Arena, lp: Ref): Uint8Array {
  return arena.bytes[lp >>> SEGMENT_SHIFT];
}

// --- Foreign bytes ---------------------------------------------------------------------------

/**
 * True when bytes[start, end) is a listpack that the functions above can use. Without `deep` only
 * the length and the end byte are looked at; with it, every element, every backlen and the count.
 * Never reads outside the range.
 */
export function validateListpack(
  bytes: Uint8Array,
  start: number,
  end: number,
  deep: boolean,
): boolean {
  if (end - start < EMPTY_LISTPACK_BYTES || end > bytes.length) return false;
  if (read32(bytes, start) >>> 0 !== end - start || bytes[end - 1] !== END) return false;
  if (!deep) return true;
  let count = 0;
  let at = start + LISTPACK_HEADER_BYTES;
  for (; at < end - 1; count++) {
    const lead = bytes[at];
    if (lead < 0xc0) {
      // The two most common forms, with a backlen of one byte.
      const size = lead < 0x80 ? 1 : 1 + (lead & 0x3f);
      at += size + 1;
      if (at > end - 1 || bytes[at - 1] !== size) return false;
      continue;
    }
    const size = foreignDataBytes(bytes, at, end - 1);
    if (size === 0) return false;
    at += size;
    const after = at + backlenBytes(size);
    if (after > end - 1 || !isBacklen(bytes, at, size)) return false;
    at = after;
  }
  const claimed = bytes[start + 4] | (bytes[start + 5] << 8);
  return claimed === COUNT_UNKNOWN || claimed === count;
}

/** Throws unless the listpack at `lp` is whole and its block has the right size. */
export function checkListpack(arena: Arena, lp: Ref): void {
  const total = listpackBytes(arena, lp);
  const block = arena.blockBytes(lp);
  assert(roundedBytes(total) <= block, "a listpack fits its block");
  const base = baseOf(lp);
  assert(validateListpack(bytesAt(arena, lp), base, base + total, true), "a listpack is whole");
}
