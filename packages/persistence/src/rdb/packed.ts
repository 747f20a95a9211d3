/**
 * Collections that are one string in the file: whether their bytes keep the rules of their form,
 * and no field or member comes twice. Integers of an intset are not compared.
 */
import { ListpackValue, listpack } from "@kv/core";
import type { Distinct } from "./distinct.ts";
import { RdbType } from "./format.ts";
import type { RdbString } from "./input.ts";
import { ZiplistWalk } from "./ziplist.ts";
import { ZipmapWalk } from "./zipmap.ts";

const element = new ListpackValue();

/** "" for a string or a whole collection of this type, otherwise what is wrong. `seen` is for use. */
export function faultOfPacked(type: number, packed: RdbString, seen: Distinct): string {
  seen.clear();
  switch (type) {
    case RdbType.HASH_LISTPACK:
      return isListpack(packed, 2, seen) ? "" : "Hash listpack integrity check failed.";
    case RdbType.ZSET_LISTPACK:
      return isListpack(packed, 2, seen) ? "" : "Zset listpack integrity check failed.";
    case RdbType.SET_LISTPACK:
      return isListpack(packed, 1, seen) ? "" : "Set listpack integrity check failed.";
    case RdbType.HASH_ZIPLIST:
      return isZiplist(packed, 2, seen) ? "" : "Hash ziplist integrity check failed.";
    case RdbType.ZSET_ZIPLIST:
      return isZiplist(packed, 2, seen) ? "" : "Zset ziplist integrity check failed.";
    case RdbType.LIST_ZIPLIST:
      return isZiplist(packed, 0, seen) ? "" : "Ziplist integrity check failed.";
    case RdbType.HASH_ZIPMAP:
      return faultOfZipmap(packed, seen);
    case RdbType.SET_INTSET:
      return isIntset(packed) ? "" : "Intset integrity check failed.";
    default:
      return "";
  }
}

/** Every `stride`-th element must not come twice. */
function isListpack({ bytes, start, end }: RdbString, stride: number, seen: Distinct): boolean {
  if (!listpack.validateListpack(bytes, start, end, true)) return false;
  const { arena } = seen; // Listpacks are read in one.
  const lp = listpack.listpackFromBytes(arena, bytes, start, end);
  let count = 0;
  let repeats = false;
  for (let at = listpack.first(arena, lp); at !== 0; at = listpack.next(arena, lp, at)) {
    if (count++ % stride !== 0) continue;
    listpack.readAt(arena, lp, at, element);
    repeats ||= !seen.add(element.bytes, element.view, element.start, element.end);
  }
  arena.free(lp);
  return !repeats && count % stride === 0;
}

/** Every `stride`-th element must not come twice; with 0, any may. */
function isZiplist(
  { bytes, view, start, end }: RdbString,
  stride: number,
  seen: Distinct,
): boolean {
  const walk = new ZiplistWalk(bytes, view, start, end);
  let count = 0;
  for (; walk.next(element); count++) {
    if (stride === 0 || count % stride !== 0) continue;
    if (!seen.add(element.bytes, element.view, element.start, element.end)) return false;
  }
  return walk.isWhole() && (stride === 0 || count % stride === 0);
}

function faultOfZipmap({ bytes, view, start, end }: RdbString, seen: Distinct): string {
  const walk = new ZipmapWalk(bytes, view, start, end);
  let repeats = false;
  while (walk.next()) repeats ||= !seen.add(bytes, view, walk.fieldStart, walk.fieldEnd);
  if (!walk.isWhole()) return "Zipmap integrity check failed.";
  return repeats ? "Hash zipmap with duplicate elements" : "";
}

/** Element size u32 (2, 4 or 8), count u32, the elements. */
function isIntset({ view, start, end }: RdbString): boolean {
  if (end - start < 8) return false;
  const size = view.getUint32(start, true);
  const isSize = size === 2 || size === 4 || size === 8;
  return isSize && end - start === 8 + size * view.getUint32(start + 4, true);
}
