/**
 * What every type of value has in common: freeing, measuring and copying it, by one switch each.
 * A new value encoding is a file of its own and one case in each switch here, and in that of
 * defragment.ts.
 */

import { InvariantError } from "../assert.ts";
import { type Arena, NONE, type Ref } from "../memory/arena.ts";
import { RefList } from "../memory/ref-list.ts";
import { Dict } from "../table/dict.ts";
import {
  Encoding,
  EXTERNAL_FLAG,
  encodingOf,
  flagsOf,
  setValueRef,
  valueRef,
  wordIndex,
  wordsOf,
} from "../table/entry.ts";

/** Up to so many bytes a loop over words beats the call into the runtime. */
const WORDS_BYTES_MAX = 512;
/** Elements that are measured at a time. */
const SLICE = 256;

/** Frees the blocks of a value outside its entry; the entry itself stays. */
export function freeValue(arena: Arena, entry: Ref): void {
  if ((flagsOf(arena, entry) & EXTERNAL_FLAG) === 0) return;
  freeBlocks(arena, encodingOf(arena, entry), valueRef(arena, entry));
}

/** Frees the blocks of a value of the given encoding, the first of which is `ref`. */
export function freeBlocks(arena: Arena, encoding: number, ref: Ref): void {
  switch (encoding) {
    case Encoding.RAW:
    case Encoding.EMBSTR:
    case Encoding.LISTPACK:
      arena.free(ref);
      return;
    case Encoding.HASHTABLE:
      if (!leaveToHold(arena, ref)) freeTable(new Dict(arena).attach(ref));
      return;
    default:
      throw new InvariantError("a value has an encoding that is known");
  }
}

/** True when a snapshot still needs the block, and sees to its freeing from now on. */
export function leaveToHold(arena: Arena, ref: Ref): boolean {
  if (arena.holds.size === 0) return false;
  const hold = arena.holds.get(ref);
  hold?.letGo();
  return hold !== undefined;
}

/** Frees an entry and what hangs on it. */
export function freeEntry(arena: Arena, entry: Ref): void {
  freeValue(arena, entry);
  arena.free(entry);
}

/** Frees a table with all its entries. */
export function freeTable(dict: Dict): void {
  const { arena } = dict;
  dict.eachEntry((entry) => freeEntry(arena, entry));
  dict.free();
}

/** How much work freeing the value is, in blocks: what UNLINK and lazy freeing decide by. */
export function freeEffort(arena: Arena, entry: Ref): number {
  if (encodingOf(arena, entry) !== Encoding.HASHTABLE) return 1;
  return new Dict(arena).attach(valueRef(arena, entry)).count;
}

/**
 * Bytes of the blocks that the entry and its value take. Of a large collection `samples` elements
 * are measured and the rest estimated from them; 0 measures all.
 */
export function entryMemory(arena: Arena, entry: Ref, samples: number): number {
  let sum = arena.blockBytes(entry);
  if ((flagsOf(arena, entry) & EXTERNAL_FLAG) === 0) return sum;
  const ref = valueRef(arena, entry);
  if (encodingOf(arena, entry) !== Encoding.HASHTABLE) return sum + arena.blockBytes(ref);
  const dict = new Dict(arena).attach(ref);
  const out = new RefList();
  const wanted = samples === 0 ? dict.count : Math.min(samples, dict.count);
  let measured = 0;
  let count = 0;
  let cursor = 0;
  do {
    out.clear();
    cursor = dict.scan(cursor, Math.min(wanted - count, SLICE), out);
    for (let i = 0; i < out.count; i++) measured += entryMemory(arena, out.at(i), samples);
    count += out.count;
  } while (cursor !== 0 && count < wanted);
  if (count > 0) sum += Math.round((measured * dict.count) / count);
  return sum + dict.tableBytes();
}

/** A copy of the value's own block or blocks, or NONE for a value that lies inside its entry. */
export function copyValue(arena: Arena, entry: Ref): Ref {
  if ((flagsOf(arena, entry) & EXTERNAL_FLAG) === 0) return NONE;
  const ref = valueRef(arena, entry);
  if (encodingOf(arena, entry) !== Encoding.HASHTABLE) return copyBlock(arena, ref);
  const source = new Dict(arena).attach(ref);
  const copy = new Dict(arena).attach(Dict.create(arena, source.seed));
  try {
    source.eachEntry((field) => copyField(copy, field));
  } catch (full) {
    freeTable(copy);
    throw full;
  }
  return copy.header;
}

/** Adds a copy of another table's field, or throws and leaves nothing behind. */
function copyField(copy: Dict, field: Ref): void {
  const { arena } = copy;
  const twin = copyBlock(arena, field);
  const isExternal = (flagsOf(arena, field) & EXTERNAL_FLAG) !== 0;
  let block = NONE;
  try {
    if (isExternal) {
      block = copyBlock(arena, valueRef(arena, field));
      setValueRef(arena, twin, block);
    }
    copy.insert(twin, copy.hashOfEntry(twin));
  } catch (full) {
    if (block !== NONE) arena.free(block);
    arena.free(twin);
    throw full;
  }
}

/** A copy of a block that refers to no other. */
export function copyBlock(arena: Arena, ref: Ref): Ref {
  const bytes = arena.blockBytes(ref);
  const copy = arena.alloc(bytes);
  if (bytes > WORDS_BYTES_MAX) {
    arena.copy(copy, 0, ref, 0, bytes);
    return copy;
  }
  const from = wordsOf(arena, ref);
  const to = wordsOf(arena, copy);
  const fromAt = wordIndex(ref);
  const toAt = wordIndex(copy);
  for (let i = bytes / 4 - 1; i >= 0; i--) to[toAt + i] = from[fromAt + i] as number;
  return copy;
}
