/** New sets: in which encoding one begins, and the entry that holds it. See set-value.ts. */
import type { Arena, Ref } from "../../memory/arena.ts";
import { createListpack } from "../../memory/listpack.ts";
import { Dict } from "../../table/dict.ts";
import { Encoding, Type } from "../../table/entry.ts";
import { createBlockEntry } from "../block-entry.ts";
import { createIntset } from "./intset.ts";

/** When a set stops being the small form of itself: set-max-intset-entries, -listpack-entries and -value. */
export interface SetLimits {
  /** Most members of an intset. */
  readonly intsetEntriesMax: number;
  /** Most members of a listpack. */
  readonly listpackEntriesMax: number;
  /** Longest member of a listpack. */
  readonly listpackValueBytesMax: number;
}

/** Most members of an intset, whatever the limits say. */
export const INTSET_ENTRIES_MAX = 2 ** 25;

/** The encoding in which a set begins whose first member is an integer or not, for so many members. */
export function setEncodingFor(isInteger: boolean, sizeHint: number, limits: SetLimits): number {
  if (isInteger && sizeHint <= Math.min(limits.intsetEntriesMax, INTSET_ENTRIES_MAX))
    return Encoding.INTSET;
  return sizeHint <= limits.listpackEntriesMax ? Encoding.LISTPACK : Encoding.HASHTABLE;
}

/**
 * A new entry for the key bytes[start, end), holding an empty set in this encoding. `seed` is that of
 * a table, which is made for `expected` members; `expiryMs` is the key's expiry, or -1.
 */
export function createSet(
  arena: Arena,
  seed: number,
  encoding: number,
  epoch: number,
  bytes: Uint8Array,
  start: number,
  end: number,
  expiryMs = -1,
  expected = 0,
): Ref {
  let block: Ref;
  if (encoding === Encoding.INTSET) block = createIntset(arena);
  else if (encoding === Encoding.LISTPACK) block = createListpack(arena);
  else block = Dict.create(arena, seed, 0, expected);
  try {
    return setEntryOf(arena, block, encoding, epoch, bytes, start, end, expiryMs);
  } catch (full) {
    if (encoding === Encoding.HASHTABLE) new Dict(arena).attach(block).free();
    else arena.free(block);
    throw full;
  }
}

/** A new entry for the key, with the block as its value. */
export function setEntryOf(
  arena: Arena,
  block: Ref,
  encoding: number,
  epoch: number,
  bytes: Uint8Array,
  start: number,
  end: number,
  expiryMs: number,
): Ref {
  return createBlockEntry(arena, Type.SET, encoding, block, epoch, bytes, start, end, expiryMs);
}
