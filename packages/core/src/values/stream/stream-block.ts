/**
 * Blocks of a stream: some entries in one listpack, in Redis's own form, so that they go to files and
 * replicas by copying. Stored under the ID that its entries' IDs are counted from, the master ID.
 *
 *      master entry   count | deleted | field count | field ... | 0
 *      entry          flags | ms | seq | field count | field | value ... | elements
 *      the same, SAME_FIELDS      flags | ms | seq | value ... | elements
 *
 * `count` entries are there and `deleted` ones, flagged DELETED, still take room. `ms` and `seq` are
 * what is to be added to the halves of the master ID. SAME_FIELDS says that the fields are those of
 * the master entry, which are the first entry's. `elements` is the number of elements of the entry
 * before this one: it leads from the end of an entry to its beginning.
 *
 * Example, master ID 5-0, and in it 5-1 {a: 1}, deleted, and 7-0 {a: 2}:
 *
 *      1 1 1 "a" 0 | 3 0 1 "1" 4 | 2 2 0 "2" 4
 *
 * To delete an entry must not fail: the block has room for the counts to take more bytes than they do
 * (slackBytes).
 */

import { Int64, parseInt64, splitNumber, toNumber } from "../../int64.ts";
import { type Arena, type Ref, SEGMENT_SHIFT, UNIT_MASK } from "../../memory/arena.ts";
import { listpackBytes, replaceIntegerAt } from "../../memory/listpack.ts";
import {
  backlenBytes,
  END,
  encodedBytes,
  encodedIntegerBytes,
  isString,
  readInteger,
  sameBytes,
  stored,
  stringBytes,
  stringHeadBytes,
  writeElement,
} from "../../memory/listpack-element.ts";
import { LISTPACK_HEADER_BYTES, positionAfter } from "../../memory/listpack-walk.ts";
import type { StreamId } from "./stream-id.ts";

/** Flags of an entry. */
export const DELETED = 1;
export const SAME_FIELDS = 2;

/** Where the words of a new entry stand: fields and values by turns, from `first` on. A Call is one. */
export interface EntrySource {
  /** The bytes that all words lie in. */
  readonly bytes: Uint8Array;
  /** Where a word begins. */
  start(index: number): number;
  /** Where it ends. */
  end(index: number): number;
}

const COUNT_UNKNOWN = 0xffff;
/** Bytes around a long text, at the most. */
const ELEMENT_OVERHEAD_MAX = 10;
/** Numbers of an entry (flags, two differences, fields, elements), and what the block's count may grow. */
const NUMBERS_BYTES_MAX = 2 + 10 + 10 + 6 + 6 + 2;
/** Numbers of a master entry. */
const MASTER_BYTES_MAX = 2 + 2 + 6 + 2;
const NO_BYTES = new Uint8Array(0);
const wide = new Int64();

/** What the counts may come to take more than they do now, of a block with so many entries in all. */
export function slackBytes(total: number): number {
  return total < 128 ? 0 : total < 4096 ? 1 : total < 32768 ? 2 : 4;
}

function baseOf(lp: Ref): number {
  return (lp & UNIT_MASK) << 3;
}

function bytesAt(arena: Arena, lp: Ref): Uint8Array {
  return arena.bytes[lp >>> SEGMENT_SHIFT] as Uint8Array;
}

/** Index of the element in front of bytes[at], which is an element or the end byte. */
function before(bytes: Uint8Array, at: number): number {
  let end = at - 1;
  let size = (bytes[end] as number) & 0x7f;
  for (let scale = 128; ((bytes[end] as number) & 0x80) !== 0; scale *= 128) {
    end--;
    size += ((bytes[end] as number) & 0x7f) * scale;
  }
  return end - size;
}

/** The small integer in the element at bytes[at]. */
export function integerAt(bytes: Uint8Array, at: number): number {
  const lead = bytes[at] as number;
  if (lead < 0x80) return lead;
  readInteger(bytes, at, lead);
  return toNumber(stored.hi, stored.lo);
}

/** Entries of the block that are there. */
export function entryCount(arena: Arena, lp: Ref): number {
  return integerAt(bytesAt(arena, lp), baseOf(lp) + LISTPACK_HEADER_BYTES);
}

/** Entries of the block that are there or deleted. */
export function totalCount(arena: Arena, lp: Ref): number {
  const bytes = bytesAt(arena, lp);
  const at = baseOf(lp) + LISTPACK_HEADER_BYTES;
  return integerAt(bytes, at) + integerAt(bytes, positionAfter(bytes, at));
}

/** Index, in the segment's bytes, of the block's first entry (or the end byte). */
export function firstEntryAt(arena: Arena, lp: Ref): number {
  const bytes = bytesAt(arena, lp);
  let at = positionAfter(bytes, positionAfter(bytes, baseOf(lp) + LISTPACK_HEADER_BYTES));
  const fields = integerAt(bytes, at);
  // The field count, the fields, the end of the master entry.
  for (let i = fields + 2; i > 0; i--) at = positionAfter(bytes, at);
  return at;
}

/** Index, in the segment's bytes, of the block's end byte. */
export function endAt(arena: Arena, lp: Ref): number {
  return baseOf(lp) + listpackBytes(arena, lp) - 1;
}

/** Index of the entry that ends at bytes[end], which is an entry or the end byte. */
export function entryBefore(bytes: Uint8Array, end: number): number {
  let at = before(bytes, end);
  for (let left = integerAt(bytes, at); left > 0; left--) at = before(bytes, at);
  return at;
}

/** Reads the ID of the entry at bytes[at]; returns the index of what follows it. */
export function readEntryId(
  bytes: Uint8Array,
  at: number,
  masterMsHi: number,
  masterMsLo: number,
  masterSeqHi: number,
  masterSeqLo: number,
  out: StreamId,
): number {
  let next = at + 2; // Flags are one byte, and its length is another.
  let lead = bytes[next] as number;
  readInteger(bytes, next, lead);
  let low = (masterMsLo >>> 0) + (stored.lo >>> 0);
  out.msLo = low | 0;
  out.msHi = (masterMsHi + stored.hi + (low >= 2 ** 32 ? 1 : 0)) | 0;
  next = lead < 0x80 ? next + 2 : positionAfter(bytes, next);
  lead = bytes[next] as number;
  readInteger(bytes, next, lead);
  low = (masterSeqLo >>> 0) + (stored.lo >>> 0);
  out.seqLo = low | 0;
  out.seqHi = (masterSeqHi + stored.hi + (low >= 2 ** 32 ? 1 : 0)) | 0;
  return lead < 0x80 ? next + 2 : positionAfter(bytes, next);
}

// --- Writing ---------------------------------------------------------------------------------

/** Where writeText() and writeNumber() go on. */
let writeAt = 0;

function writeText(target: Uint8Array, bytes: Uint8Array, start: number, end: number): void {
  const size = encodedBytes(bytes, start, end);
  writeElement(target, writeAt, bytes, start, end, size);
  writeAt += size + backlenBytes(size);
}

function writeInteger(target: Uint8Array, hi: number, lo: number): void {
  if (hi === 0 && lo >= 0 && lo < 128) {
    target[writeAt] = lo;
    target[writeAt + 1] = 1;
    writeAt += 2;
    return;
  }
  const size = encodedIntegerBytes(hi, lo);
  writeElement(target, writeAt, NO_BYTES, 0, 0, size);
  writeAt += size + backlenBytes(size);
}

/** Bytes that the elements of an entry take, at the most. */
export function entryBytesMax(source: EntrySource, first: number, fields: number): number {
  let sum = NUMBERS_BYTES_MAX;
  for (let i = first; i < first + 2 * fields; i++) sum += textBytesMax(source, i);
  return sum;
}

function textBytesMax(source: EntrySource, word: number): number {
  const length = source.end(word) - source.start(word);
  return length < 64 ? length + 2 : length + ELEMENT_OVERHEAD_MAX;
}

/** Bytes of the texts of an entry together. */
export function entryTextBytes(source: EntrySource, first: number, fields: number): number {
  let sum = 0;
  for (let i = first; i < first + 2 * fields; i++) sum += source.end(i) - source.start(i);
  return sum;
}

/** A new block with no entry: its master entry has the fields. Room for `bytesMax` more bytes. */
export function createBlock(
  arena: Arena,
  source: EntrySource,
  first: number,
  fields: number,
  bytesMax: number,
): Ref {
  let headBytes = LISTPACK_HEADER_BYTES + 1 + MASTER_BYTES_MAX;
  for (let i = 0; i < fields; i++) headBytes += textBytesMax(source, first + 2 * i);
  const lp = arena.alloc(headBytes + bytesMax);
  const target = bytesAt(arena, lp);
  const base = baseOf(lp);
  writeAt = base + LISTPACK_HEADER_BYTES;
  writeInteger(target, 0, 0);
  writeInteger(target, 0, 0);
  writeInteger(target, 0, fields);
  for (let i = 0; i < fields; i++) {
    const word = first + 2 * i;
    writeText(target, source.bytes, source.start(word), source.end(word));
  }
  writeInteger(target, 0, 0);
  target[writeAt++] = END;
  setHead(arena, lp, writeAt - base, fields + 4);
  return lp;
}

function setHead(arena: Arena, lp: Ref, bytes: number, elements: number): void {
  const words = arena.words[lp >>> SEGMENT_SHIFT] as Int32Array;
  const at = (lp & UNIT_MASK) << 1;
  words[at] = bytes;
  words[at + 1] = ((words[at + 1] as number) & ~0xffff) | Math.min(elements, COUNT_UNKNOWN);
}

/** True when the fields are those of the master entry, in their order. */
function hasMasterFields(
  arena: Arena,
  lp: Ref,
  source: EntrySource,
  first: number,
  fields: number,
): boolean {
  const own = bytesAt(arena, lp);
  let at = positionAfter(own, positionAfter(own, baseOf(lp) + LISTPACK_HEADER_BYTES));
  if (integerAt(own, at) !== fields) return false;
  at = positionAfter(own, at);
  const { bytes } = source;
  for (let i = 0; i < fields; i++) {
    const start = source.start(first + 2 * i);
    const end = source.end(first + 2 * i);
    const lead = own[at] as number;
    if (isString(lead)) {
      const head = stringHeadBytes(lead);
      if (stringBytes(own, at, lead) !== end - start) return false;
      if (!sameBytes(own, at + head, bytes, start, end - start)) return false;
    } else {
      if (!parseInt64(bytes, start, end, wide)) return false;
      readInteger(own, at, lead);
      if (stored.lo !== wide.lo || stored.hi !== wide.hi) return false;
    }
    at = positionAfter(own, at);
  }
  return true;
}

/**
 * Appends an entry to a block that has room for it, as entryBytesMax() and slackBytes() say. Its ID
 * is `id`, the block's master ID is the four words at `master`.
 */
export function appendEntry(
  arena: Arena,
  lp: Ref,
  masterWords: Int32Array,
  masterAt: number,
  id: StreamId,
  source: EntrySource,
  first: number,
  fields: number,
): void {
  const isSame = hasMasterFields(arena, lp, source, first, fields);
  const target = bytesAt(arena, lp);
  const base = baseOf(lp);
  const words = arena.words[lp >>> SEGMENT_SHIFT] as Int32Array;
  const head = (lp & UNIT_MASK) << 1;
  writeAt = base + (words[head] as number) - 1;
  writeInteger(target, 0, isSame ? SAME_FIELDS : 0);
  let low = (id.msLo >>> 0) - ((masterWords[masterAt + 1] as number) >>> 0);
  let high = id.msHi - (masterWords[masterAt] as number) - (low < 0 ? 1 : 0);
  writeInteger(target, high | 0, low | 0);
  low = (id.seqLo >>> 0) - ((masterWords[masterAt + 3] as number) >>> 0);
  high = id.seqHi - (masterWords[masterAt + 2] as number) - (low < 0 ? 1 : 0);
  writeInteger(target, high | 0, low | 0);
  const { bytes } = source;
  if (isSame) {
    for (let i = first + 1; i < first + 2 * fields; i += 2)
      writeText(target, bytes, source.start(i), source.end(i));
  } else {
    writeInteger(target, 0, fields);
    for (let i = first; i < first + 2 * fields; i++)
      writeText(target, bytes, source.start(i), source.end(i));
  }
  const elements = isSame ? 3 + fields : 4 + 2 * fields;
  writeInteger(target, 0, elements);
  target[writeAt++] = END;
  const known = (words[head + 1] as number) & 0xffff;
  const total = known === COUNT_UNKNOWN ? known : known + elements + 1;
  setHead(arena, lp, writeAt - base, total);
  addToCounts(arena, lp, 1, 0);
}

/** Adds to the counts of entries that are there, and that are deleted. There is room. */
export function addToCounts(arena: Arena, lp: Ref, live: number, deleted: number): void {
  const bytes = bytesAt(arena, lp);
  const at = baseOf(lp) + LISTPACK_HEADER_BYTES;
  const count = integerAt(bytes, at) + live;
  if (count < 128 && (bytes[at] as number) < 128) bytes[at] = count;
  else replaceInteger(arena, lp, LISTPACK_HEADER_BYTES, count);
  if (deleted === 0) return;
  const deletedAt = positionAfter(bytes, at);
  replaceInteger(arena, lp, deletedAt - baseOf(lp), integerAt(bytes, deletedAt) + deleted);
}

function replaceInteger(arena: Arena, lp: Ref, offset: number, value: number): void {
  splitNumber(value, wide);
  replaceIntegerAt(arena, lp, offset, wide.hi, wide.lo);
}

/** Flags the entry at bytes[at] as deleted. */
export function flagDeleted(bytes: Uint8Array, at: number): void {
  bytes[at] = (bytes[at] as number) | DELETED;
}
