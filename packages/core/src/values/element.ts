/**
 * Elements: the entries in the table of a large value. Like an entry of a database, an element is a
 * block with a name; what else it holds stands behind the name or in one block of its own (flag
 * EXTERNAL), which refers to no other.
 */
import { assert } from "../assert.ts";
import { type Arena, NONE, type Ref } from "../memory/arena.ts";
import type { Dict } from "../table/dict.ts";
import { EXTERNAL_FLAG, flagsOf, setValueRef, valueRef } from "../table/entry.ts";
import { copyBlock } from "./one-block.ts";

function isExternal(arena: Arena, element: Ref): boolean {
  return (flagsOf(arena, element) & EXTERNAL_FLAG) !== 0;
}

/** Frees an element that is in no table any more. */
export function freeElement(arena: Arena, element: Ref): void {
  if (isExternal(arena, element)) arena.free(valueRef(arena, element));
  arena.free(element);
}

/** Frees a table with all its elements. */
export function freeElements(dict: Dict): void {
  const { arena } = dict;
  dict.eachEntry((element) => freeElement(arena, element));
  dict.free();
}

/** Bytes of the blocks that an element takes. */
export function elementBytes(arena: Arena, element: Ref): number {
  const own = arena.blockBytes(element);
  return isExternal(arena, element) ? own + arena.blockBytes(valueRef(arena, element)) : own;
}

/** Inserts a new element, which is gone again when there is no room for a larger table. */
export function insertElement(dict: Dict, element: Ref, hash: number): void {
  try {
    dict.insert(element, hash);
  } catch (full) {
    freeElement(dict.arena, element);
    throw full;
  }
}

/** Adds a copy of another table's element, or throws and leaves nothing behind. */
export function copyElement(target: Dict, element: Ref): void {
  const { arena } = target;
  const twin = copyBlock(arena, element);
  let block = NONE;
  try {
    if (isExternal(arena, element)) {
      block = copyBlock(arena, valueRef(arena, element));
      setValueRef(arena, twin, block);
    }
    target.insert(twin, target.hashOfEntry(twin));
  } catch (full) {
    if (block !== NONE) arena.free(block);
    arena.free(twin);
    throw full;
  }
}

/** Moves the blocks of an element, and tells its table. Returns where it is. */
export function moveElement(dict: Dict, old: Ref, move: (ref: Ref) => Ref): Ref {
  const { arena } = dict;
  const element = move(old);
  if (element !== old) {
    const isKnown = dict.findRef(old, dict.hashOfEntry(element));
    assert(isKnown, "an element that moves is in its table");
    dict.replaceFound(element);
  }
  if (!isExternal(arena, element)) return element;
  const block = valueRef(arena, element);
  const moved = move(block);
  if (moved !== block) setValueRef(arena, element, moved);
  return element;
}
