/**
 * When the fields of a hash expire: its two volatile forms, and what can be asked of them.
 *
 *   LISTPACK_EX    field, value, expiry; field, value, expiry; ... the earliest first, and behind them
 *                  those that do not expire, whose expiry is 0;
 *   HASHTABLE_EX   the entry of a field that expires has the flag EXPIRY and its time, and the table has
 *                  an ExpiryHeap of those fields (its `attachment`). At least one field expires: the
 *                  last one takes the heap with it, and the table is a plain HASHTABLE again.
 *
 * Expiries are milliseconds since 1970; a field has passed when the clock is beyond its expiry. A hash
 * that is not volatile is what it always was, and pays nothing. A listpack that was volatile stays so.
 *
 * In a table the flag may outlast the expiry: the entry keeps its 8 bytes and says -1. So taking the
 * expiry away needs no memory, and a field can be given the flag beforehand, which nobody sees.
 */
import { assert } from "../../assert.ts";
import type { Arena, Ref } from "../../memory/arena.ts";
import { NONE } from "../../memory/arena.ts";
import {
  createListpack,
  first,
  insertTripleAt,
  ListpackValue,
  listpackBytes,
  next,
  numberAt,
  readAt,
} from "../../memory/listpack.ts";
import { Dict } from "../../table/dict.ts";
import {
  Encoding,
  EXPIRY_FLAG,
  encodingOf,
  expiryMs,
  flagsOf,
  isVolatileHash,
  VOLATILE_BIT,
  valueRef,
} from "../../table/entry.ts";
import { ExpiryHeap, HeapWord, topExpiryOf } from "../../table/expiry-heap.ts";

/** The latest time at which a field can expire, as Redis has it: some two thousand years from now. */
export const FIELD_EXPIRY_MAX_MS = 2 ** 46 - 1;
/** The latest time that a file may have: Redis 7.4 took so much before its release. */
export const FIELD_EXPIRY_LOADED_MAX_MS = 2 ** 48 - 2;
/** Elements of a listpack for each field that may expire. */
export const TRIPLE = 3;

/** A window on the heap of the fields of the table `header`. */
export function heapOf(arena: Arena, header: Ref): ExpiryHeap {
  return new ExpiryHeap(arena, HeapWord.IDLE).attach(Dict.attachmentAt(arena, header));
}

/** When the first field of the hash in this entry expires, or -1: none does. */
export function earliestFieldExpiry(arena: Arena, entry: Ref): number {
  if (!isVolatileHash(arena, entry)) return -1;
  const ref = valueRef(arena, entry);
  if (encodingOf(arena, entry) === Encoding.HASHTABLE_EX) {
    return topExpiryOf(arena, Dict.attachmentAt(arena, ref));
  }
  const at = first(arena, ref);
  return (at === 0 ? 0 : tripleExpiry(arena, ref, at)) || -1;
}

/** True when the hash in this entry has no field left, and its key is to go. */
export function isEmptyHash(arena: Arena, entry: Ref): boolean {
  const ref = valueRef(arena, entry);
  const isTable = (encodingOf(arena, entry) & ~VOLATILE_BIT) === Encoding.HASHTABLE;
  return isTable ? Dict.countAt(arena, ref) === 0 : first(arena, ref) === 0;
}

/** The expiry of the field at `offset` of a volatile listpack; 0: it has none. */
export function tripleExpiry(arena: Arena, listpack: Ref, offset: number): number {
  return numberAt(arena, listpack, next(arena, listpack, next(arena, listpack, offset)));
}

/** Where the field behind that at `offset` of a volatile listpack is, or 0. */
export function nextTriple(arena: Arena, listpack: Ref, offset: number): number {
  return next(arena, listpack, next(arena, listpack, next(arena, listpack, offset)));
}

/** Where in a volatile listpack a field with this expiry belongs (0: with none): an offset. */
export function placeOfTriple(arena: Arena, listpack: Ref, fieldExpiryMs: number): number {
  if (fieldExpiryMs !== 0) {
    for (let at = first(arena, listpack); at !== 0; at = nextTriple(arena, listpack, at)) {
      const presentMs = tripleExpiry(arena, listpack, at);
      if (presentMs === 0 || presentMs > fieldExpiryMs) return at;
    }
  }
  return listpackBytes(arena, listpack) - 1;
}

/** How many fields of a volatile listpack have passed: they are the first. */
export function passedTriples(arena: Arena, listpack: Ref, nowMs: number): number {
  let count = 0;
  for (let at = first(arena, listpack); at !== 0; at = nextTriple(arena, listpack, at)) {
    const fieldExpiryMs = tripleExpiry(arena, listpack, at);
    if (fieldExpiryMs === 0 || fieldExpiryMs >= nowMs) break;
    count++;
  }
  return count;
}

/** True when the expiries of foreign triples are numbers in their range, and in their order. */
export function hasOrderedExpiries(arena: Arena, listpack: Ref): boolean {
  let beforeMs = 0;
  let isBehind = false;
  for (let at = first(arena, listpack); at !== 0; at = nextTriple(arena, listpack, at)) {
    const fieldExpiryMs = tripleExpiry(arena, listpack, at);
    // A string is NaN, and not in the range.
    if (!(fieldExpiryMs >= 0 && fieldExpiryMs <= FIELD_EXPIRY_LOADED_MAX_MS)) return false;
    if (fieldExpiryMs === 0) isBehind = true;
    else if (isBehind || fieldExpiryMs < beforeMs) return false;
    else beforeMs = fieldExpiryMs;
  }
  return true;
}

/** A new listpack of triples with what a plain one holds, which stays. Throws ArenaFullError. */
export function triplesOf(arena: Arena, listpack: Ref): Ref {
  const field = new ListpackValue();
  const value = new ListpackValue();
  let triples = createListpack(arena);
  try {
    for (let at = first(arena, listpack); at !== 0; ) {
      readAt(arena, listpack, at, field);
      const valueAt = next(arena, listpack, at);
      readAt(arena, listpack, valueAt, value);
      triples = insertTripleAt(
        arena,
        triples,
        listpackBytes(arena, triples) - 1,
        field.bytes,
        field.start,
        field.end,
        value.bytes,
        value.start,
        value.end,
        0,
      );
      at = next(arena, listpack, valueAt);
    }
    return triples;
  } catch (full) {
    arena.free(triples);
    throw full;
  }
}

/** Throws unless a volatile listpack keeps its fields in order. */
export function checkTriples(arena: Arena, listpack: Ref): void {
  assert(hasOrderedExpiries(arena, listpack), "the fields that expire come first, in order");
}

/** Throws unless the heap of a table holds just the fields of it that expire. */
export function checkFieldHeap(dict: Dict, isVolatile: boolean): void {
  const { arena } = dict;
  const heap = heapOf(arena, dict.header);
  heap.check();
  let expiring = 0;
  dict.eachEntry((field) => {
    const isFlagged = (flagsOf(arena, field) & EXPIRY_FLAG) !== 0;
    const fieldExpiryMs = expiryMs(arena, field);
    const slot = heap.slotOf(field);
    if (!isFlagged || fieldExpiryMs === -1) {
      assert(slot === -1, "a field that does not expire is in no heap");
      return;
    }
    expiring++;
    assert(slot >= 0 && slot < heap.count, "a field that expires is in the heap");
    assert(heap.entryAt(slot) === field, "the heap knows where a field is");
    assert(heap.expiryAt(slot) === fieldExpiryMs, "the heap knows when a field expires");
  });
  assert(expiring === heap.count, "only fields that expire are in the heap");
  assert(isVolatile === (heap.ref !== NONE), "a table is volatile as long as a field expires");
}
