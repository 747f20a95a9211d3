/** Entries of keys whose value is a block of its own, to which the entry refers. */
import type { Arena, Ref } from "../memory/arena.ts";
import {
  createEntry,
  EXPIRY_FLAG,
  EXTERNAL_FLAG,
  kindOf,
  setExpiryMs,
  setValueRef,
  WORD_FLAG,
} from "../table/entry.ts";

/** The flags of such an entry, but for its expiry. */
export const EXTERNAL_VALUE = WORD_FLAG | EXTERNAL_FLAG;

/**
 * A new entry for the key bytes[start, end) that refers to `block`, of this type and encoding; NONE where
 * the block is to follow. `expiryMs`: the key's expiry, or -1. Throws ArenaFullError, and the block is
 * still the caller's.
 */
export function createBlockEntry(
  arena: Arena,
  type: number,
  encoding: number,
  block: Ref,
  epoch: number,
  bytes: Uint8Array,
  start: number,
  end: number,
  expiryMs: number,
): Ref {
  const flags = expiryMs === -1 ? EXTERNAL_VALUE : EXTERNAL_VALUE | EXPIRY_FLAG;
  const entry = createEntry(arena, kindOf(type, encoding), flags, epoch, bytes, start, end, 0);
  if (expiryMs !== -1) setExpiryMs(arena, entry, expiryMs);
  setValueRef(arena, entry, block);
  return entry;
}
