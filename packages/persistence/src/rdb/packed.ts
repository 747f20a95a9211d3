/**
 * Collections that are one string in the file: whether their bytes keep the rules of their form,
 * and no field or member comes twice. Integers of an intset are not compared.
 */
import { Arena, ListpackValue, listpack } from "@kv/core";
import { RdbType } from "./format.ts";
import type { RdbString } from "./input.ts";
import { ZiplistWalk } from "./ziplist.ts";
import { ZipmapWalk } from "./zipmap.ts";

const element = new ListpackValue();

/** "" for a string or a whole collection of this type, otherwise what is wrong with it. */
export function faultOfPacked(type: number, packed: RdbString): string {
  switch (type) {
    case RdbType.HASH_LISTPACK:
      return isListpack(packed, 2) ? "" : "Hash listpack integrity check failed.";
    case RdbType.ZSET_LISTPACK:
      return isListpack(packed, 2) ? "" : "Zset listpack integrity check failed.";
    case RdbType.SET_LISTPACK:
      return isListpack(packed, 1) ? "" : "Set listpack integrity check failed.";
    case RdbType.HASH_ZIPLIST:
      return isZiplist(packed, 2) ? "" : "Hash ziplist integrity check failed.";
    case RdbType.ZSET_ZIPLIST:
      return isZiplist(packed, 2) ? "" : "Zset ziplist integrity check failed.";
    case RdbType.LIST_ZIPLIST:
      return isZiplist(packed, 0) ? "" : "Ziplist integrity check failed.";
    case RdbType.HASH_ZIPMAP:
      return faultOfZipmap(packed);
    case RdbType.SET_INTSET:
      return isIntset(packed) ? "" : "Intset integrity check failed.";
    default:
      return "";
  }
}

/** Every `stride`-th element must not come twice. */
function isListpack({ bytes, start, end }: RdbString, stride: number): boolean {
  if (!listpack.validateListpack(bytes, start, end, true)) return false;
  const arena = arenaFor(end - start);
  const lp = listpack.listpackFromBytes(arena, bytes, start, end);
  const texts = new Set<string>();
  let count = 0;
  for (let at = listpack.first(arena, lp); at !== 0; at = listpack.next(arena, lp, at)) {
    if (count++ % stride !== 0) continue;
    listpack.readAt(arena, lp, at, element);
    texts.add(textOf(element.bytes, element.start, element.end));
  }
  arena.free(lp);
  return count % stride === 0 && texts.size === count / stride;
}

/** Listpacks are read in an arena; this one holds one at a time. */
const scratch: { arena: Arena | undefined; blockBytes: number } = {
  arena: undefined,
  blockBytes: 65536,
};

function arenaFor(blockBytes: number): Arena {
  if (scratch.arena === undefined || blockBytes > scratch.blockBytes) {
    scratch.blockBytes = Math.max(blockBytes, scratch.blockBytes);
    // With room for what the arena itself needs, in whole pages.
    const segmentBytes = (Math.ceil(scratch.blockBytes / 65536) + 1) * 65536;
    scratch.arena = new Arena({ segmentBytes });
  }
  return scratch.arena;
}

/** Every `stride`-th element must not come twice; with 0, any may. */
function isZiplist({ bytes, view, start, end }: RdbString, stride: number): boolean {
  const walk = new ZiplistWalk(bytes, view, start, end);
  const texts = new Set<string>();
  let count = 0;
  for (; walk.next(element); count++) {
    if (stride > 0 && count % stride === 0)
      texts.add(textOf(element.bytes, element.start, element.end));
  }
  if (!walk.isWhole()) return false;
  return stride === 0 || (count % stride === 0 && texts.size === count / stride);
}

function faultOfZipmap({ bytes, view, start, end }: RdbString): string {
  const walk = new ZipmapWalk(bytes, view, start, end);
  const texts = new Set<string>();
  let count = 0;
  for (; walk.next(); count++) texts.add(textOf(bytes, walk.fieldStart, walk.fieldEnd));
  if (!walk.isWhole()) return "Zipmap integrity check failed.";
  return texts.size === count ? "" : "Hash zipmap with duplicate elements";
}

/** A character for each byte. */
function textOf(bytes: Uint8Array, start: number, end: number): string {
  let text = "";
  for (let i = start; i < end; i++) text += String.fromCharCode(bytes[i]);
  return text;
}

/** Element size u32 (2, 4 or 8), count u32, the elements. */
function isIntset({ view, start, end }: RdbString): boolean {
  if (end - start < 8) return false;
  const size = view.getUint32(start, true);
  const isSize = size === 2 || size === 4 || size === 8;
  return isSize && end - start === 8 + size * view.getUint32(start + 4, true);
}
