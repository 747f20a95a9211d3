/**
 * What can be done with a value of any kind: freeing, measuring, copying, looking at its elements.
 */
import { type Arena, NONE, type Ref } from "../memory/arena.ts";
import { EXTERNAL_FLAG, flagsOf, valueRef } from "../table/entry.ts";
import type { ElementVisitor, ValueKind } from "./kind.ts";
import { kindOfEntry } from "./kind-table.ts";

/** Elements that are measured of a value that a snapshot keeps: enough to know about how large it is. */
const HELD_SAMPLES = 256;

/** Frees the blocks of a value outside its entry; the entry itself stays. */
export function freeValue(arena: Arena, entry: Ref): void {
  if ((flagsOf(arena, entry) & EXTERNAL_FLAG) === 0) return;
  freeBlocks(arena, kindOfEntry(arena, entry), valueRef(arena, entry));
}

/** Frees the blocks of a value of this kind, the first of which is `ref`. */
export function freeBlocks(arena: Arena, kind: ValueKind, ref: Ref): void {
  if (kind.pieces === undefined || !leaveToHold(arena, kind, ref)) kind.free(arena, ref);
}

/** True when a snapshot still needs the block, and sees to its freeing from now on. */
export function leaveToHold(arena: Arena, kind: ValueKind, ref: Ref): boolean {
  if (arena.holds.size === 0) return false;
  const hold = arena.holds.get(ref);
  if (hold === undefined) return false;
  hold.letGo(kind.memory(arena, ref, HELD_SAMPLES));
  return true;
}

/** Frees an entry and what hangs on it. */
export function freeEntry(arena: Arena, entry: Ref): void {
  freeValue(arena, entry);
  arena.free(entry);
}

/** How much work freeing the value is, in blocks: what UNLINK and lazy freeing decide by. */
export function freeEffort(arena: Arena, entry: Ref): number {
  return elementsInPieces(arena, entry) || 1;
}

/** Elements of a value that can be dealt with in pieces; 0: it cannot. */
export function elementsInPieces(arena: Arena, entry: Ref): number {
  if ((flagsOf(arena, entry) & EXTERNAL_FLAG) === 0) return 0;
  return kindOfEntry(arena, entry).pieces?.count(arena, valueRef(arena, entry)) ?? 0;
}

/**
 * Bytes of the blocks that the entry and its value take. Of a large collection `samples` elements
 * are measured and the rest estimated from them; 0 measures all.
 */
export function entryMemory(arena: Arena, entry: Ref, samples: number): number {
  const sum = arena.blockBytes(entry);
  const kind = kindOfEntry(arena, entry);
  if ((flagsOf(arena, entry) & EXTERNAL_FLAG) === 0) return sum;
  return sum + kind.memory(arena, valueRef(arena, entry), samples);
}

/**
 * A copy of the value's own block or blocks, or NONE for a value that lies inside its entry. Throws
 * ArenaFullError, and has copied nothing then.
 */
export function copyValue(arena: Arena, entry: Ref): Ref {
  if ((flagsOf(arena, entry) & EXTERNAL_FLAG) === 0) return NONE;
  return kindOfEntry(arena, entry).copy(arena, valueRef(arena, entry));
}

/** Frees what copyValue() gave, when no entry takes it. `source` is what was copied. */
export function freeCopy(arena: Arena, source: Ref, copy: Ref): void {
  if (copy !== NONE) freeBlocks(arena, kindOfEntry(arena, source), copy);
}

/** Shows each element of an entry's value to the visitor, which must not change it. */
export function eachElement(arena: Arena, entry: Ref, visitor: ElementVisitor): void {
  kindOfEntry(arena, entry).each(arena, entry, visitor);
}
