/**
 * Values that are one block which refers to no other: long strings, listpacks. What their kinds have
 * in common.
 */
import type { Arena, Ref } from "../memory/arena.ts";
import { wordIndex, wordsOf } from "../table/entry.ts";
import type { ValueKind } from "./kind.ts";

/** Up to so many bytes a loop over words beats the call into the runtime. */
const WORDS_BYTES_MAX = 512;

/** A copy of a block that refers to no other. Throws ArenaFullError. */
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

/** The part of a ValueKind that deals with blocks. */
export const oneBlock: Pick<ValueKind, "free" | "memory" | "copy" | "move"> = {
  free: (arena, ref) => arena.free(ref),
  memory: (arena, ref) => arena.blockBytes(ref),
  copy: copyBlock,
  move: (_arena, ref, move) => move(ref),
};
