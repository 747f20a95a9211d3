/**
 * Packed nodes with room at their ends: a listpack that does not begin where its block does, so that
 * adding or removing an element at its head moves no other. The first node of a quicklist becomes one
 * when something is pushed or popped there.
 *
 *      without room   listpack
 *      with room      offset u32, bit 31 set | free ... | listpack | free ...
 *
 * The first word tells which: no listpack is so long that its length had bit 31. The offset counts
 * from the block's start and is at least 4; the listpack at it is whole at any time, but not aligned.
 *
 *      example, "hi" in a block of 24 bytes:
 *      08 00 00 80 | ?? ?? ?? ?? | 0B 00 00 00 | 01 00 | 82 68 69 03 | FF | ?? ?? ?? ?? ??
 *
 * Room is made a sixteenth of the listpack at a time, as far as the node may grow at all, and given
 * back when it is more than an eighth: and some bytes (ROOM_BYTES_MIN), and what rounds the size of the
 * block. So each byte that is pushed or popped moves up to 16 others, where it would move half a node,
 * and a list of any length has no more room than an eighth of its first node. Appending to what has no
 * room moves nothing anyhow: last nodes get none.
 *
 * Values given to a node must not lie in it. Only making room can throw ArenaFullError, and nothing
 * has changed then.
 */
import { assert } from "../../assert.ts";
import { type Arena, ArenaFullError, type Ref, roundedBytes } from "../../memory/arena.ts";
import { append, checkListpack, deleteAt, validateListpack } from "../../memory/listpack.ts";
import { backlenBytes, END, encodedBytes, writeElement } from "../../memory/listpack-element.ts";
import { truncate } from "../../memory/listpack-parts.ts";
import {
  LISTPACK_HEADER_BYTES,
  positionAfter,
  positionBefore,
} from "../../memory/listpack-walk.ts";
import { byteIndex, bytesOf, viewOf } from "../../table/entry.ts";
import { packedBytesOf, packedStartOf, ROOMY, setWordAt, wordAt } from "./list-layout.ts";

/** Bytes before the free ones. */
const HEAD_BYTES = 4;
const ROOM_BYTES_MIN = 64;
const ROOM_MADE_SHIFT = 4;
const ROOM_KEPT_SHIFT = 3;
const COUNT_UNKNOWN = 0xffff;

/** True when the packed node has room at its ends. */
export function hasRoom(arena: Arena, block: Ref): boolean {
  return wordAt(arena, block, 0) < 0;
}

/** Writes the head of a listpack that begins so many bytes behind the block's start. */
function setHead(arena: Arena, block: Ref, start: number, bytes: number, count: number): void {
  const view = viewOf(arena, block);
  const at = byteIndex(block) + start;
  view.setInt32(at, bytes, true);
  view.setInt16(at + 4, Math.min(count, COUNT_UNKNOWN), true);
  setWordAt(arena, block, 0, ROOMY | start);
}

/**
 * Puts bytes[start, end) in front of the `count` elements of a packed node, which then has room for
 * more, but no more than makes it `bytesMax` long. `isOnly`: the node is the last one as well.
 */
export function pushBefore(
  arena: Arena,
  block: Ref,
  bytes: Uint8Array,
  start: number,
  end: number,
  count: number,
  isOnly: boolean,
  bytesMax: number,
): Ref {
  const size = encodedBytes(bytes, start, end);
  const added = size + backlenBytes(size);
  const total = packedBytesOf(arena, block) + added;
  let at = packedStartOf(arena, block) - added;
  if (at < HEAD_BYTES) {
    block = withRoom(arena, block, false, added, isOnly, bytesMax);
    at = packedStartOf(arena, block) - added;
  }
  const elementAt = byteIndex(block) + at + LISTPACK_HEADER_BYTES;
  writeElement(bytesOf(arena, block), elementAt, bytes, start, end, size);
  setHead(arena, block, at, total, count + 1);
  return block;
}

/** As pushBefore(), behind the elements. A node that has no room gets none. */
export function pushBehind(
  arena: Arena,
  block: Ref,
  bytes: Uint8Array,
  start: number,
  end: number,
  count: number,
  bytesMax: number,
): Ref {
  if (!hasRoom(arena, block)) return append(arena, block, bytes, start, end);
  const size = encodedBytes(bytes, start, end);
  const added = size + backlenBytes(size);
  const total = packedBytesOf(arena, block) + added;
  if (packedStartOf(arena, block) + total > arena.blockBytes(block))
    block = withRoom(arena, block, true, added, true, bytesMax);
  const at = packedStartOf(arena, block);
  const target = bytesOf(arena, block);
  const endAt = byteIndex(block) + at + total - 1;
  writeElement(target, endAt - added, bytes, start, end, size);
  target[endAt] = END;
  setHead(arena, block, at, total, count + 1);
  return block;
}

/** Moves the listpack to a block with room for `added` bytes at one end, and for some more. */
function withRoom(
  arena: Arena,
  block: Ref,
  isTail: boolean,
  added: number,
  isOnly: boolean,
  bytesMax: number,
): Ref {
  const bytes = packedBytesOf(arena, block);
  const wanted = bytes + added;
  const room = Math.min(ROOM_BYTES_MIN + (wanted >>> ROOM_MADE_SHIFT), bytesMax - wanted);
  const needed = HEAD_BYTES + wanted + Math.max(room, 0);
  const moved = arena.alloc(needed);
  const free = roundedBytes(needed) - HEAD_BYTES - wanted;
  // Where both ends of the list are in one node, what comes next may come at either.
  const start = HEAD_BYTES + (isOnly ? free >>> 1 : free) + (isTail ? 0 : added);
  arena.copy(moved, start, block, packedStartOf(arena, block), bytes);
  arena.free(block);
  setWordAt(arena, moved, 0, ROOMY | start);
  return moved;
}

/** Removes the first of the `count` elements of a packed node, which are more than one. Never fails. */
export function popFirst(arena: Arena, block: Ref, count: number): Ref {
  const start = packedStartOf(arena, block);
  const first = byteIndex(block) + start + LISTPACK_HEADER_BYTES;
  const taken = positionAfter(bytesOf(arena, block), first) - first;
  const bytes = packedBytesOf(arena, block) - taken;
  let at = start + taken;
  if (at < HEAD_BYTES) {
    // A very short element of a node without room: the first word would not find a place before the rest.
    if (HEAD_BYTES + bytes > arena.blockBytes(block))
      return deleteAt(arena, block, LISTPACK_HEADER_BYTES);
    arena.copy(block, HEAD_BYTES, block, at, bytes);
    at = HEAD_BYTES;
  }
  setHead(arena, block, at, bytes, count - 1);
  return withLessRoom(arena, block, bytes);
}

/** As popFirst(), the last element. A node that has no room gets none. */
export function popLast(arena: Arena, block: Ref, count: number): Ref {
  const start = packedStartOf(arena, block);
  const base = byteIndex(block) + start;
  const target = bytesOf(arena, block);
  const at = positionBefore(target, base + packedBytesOf(arena, block) - 1);
  if (start === 0) return truncate(arena, block, at - base, count - 1);
  const bytes = at - base + 1;
  target[at] = END;
  setHead(arena, block, start, bytes, count - 1);
  return withLessRoom(arena, block, bytes);
}

/** Gives the room back if it is too much for a listpack of so many bytes. */
function withLessRoom(arena: Arena, block: Ref, bytes: number): Ref {
  const kept = HEAD_BYTES + bytes + 2 * ROOM_BYTES_MIN + (bytes >>> ROOM_KEPT_SHIFT);
  if (arena.blockBytes(block) <= roundedBytes(kept)) return block;
  try {
    return withoutRoom(arena, block);
  } catch (full) {
    if (full instanceof ArenaFullError) return block;
    throw full;
  }
}

/** Moves the listpack to a block of the right size, and frees the other. */
function withoutRoom(arena: Arena, block: Ref): Ref {
  const tight = copyWithoutRoom(arena, block);
  arena.free(block);
  return tight;
}

/** A new block of the right size with the listpack of a packed node. */
export function copyWithoutRoom(arena: Arena, block: Ref): Ref {
  const bytes = packedBytesOf(arena, block);
  const tight = arena.alloc(bytes);
  arena.copy(tight, 0, block, packedStartOf(arena, block), bytes);
  return tight;
}

/** Moves the listpack of a packed node to the start of its block: it has no room then. Never fails. */
export function closeRoom(arena: Arena, block: Ref): Ref {
  const start = packedStartOf(arena, block);
  if (start !== 0) arena.copy(block, 0, block, start, packedBytesOf(arena, block));
  return block;
}

/** Throws unless the packed node is whole and has `count` elements. */
export function checkPacked(arena: Arena, block: Ref, count: number): void {
  const start = packedStartOf(arena, block);
  const bytes = packedBytesOf(arena, block);
  const base = byteIndex(block) + start;
  if (start === 0) {
    checkListpack(arena, block);
  } else {
    assert(start >= HEAD_BYTES, "the free bytes begin behind the offset");
    assert(start + bytes <= arena.blockBytes(block), "a listpack fits its block");
    const isWhole = validateListpack(bytesOf(arena, block), base, base + bytes, true);
    assert(isWhole, "a listpack is whole");
  }
  const claimed = viewOf(arena, block).getUint16(base + 4, true);
  assert(claimed === COUNT_UNKNOWN || claimed === count, "a node counts its elements");
}
