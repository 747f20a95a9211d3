/**
 * Collections that are one string in the file: whether their bytes keep the rules of their form.
 *
 * Only the form is looked at, not whether an element comes twice.
 */
import { ListpackValue, listpack } from "@kv/core";
import { RdbType } from "./format.ts";
import type { RdbString } from "./input.ts";
import { ZiplistWalk } from "./ziplist.ts";
import { ZipmapWalk } from "./zipmap.ts";

const element = new ListpackValue();

/** "" for a string or a whole collection of this type, otherwise what is wrong with it. */
export function faultOfPacked(type: number, packed: RdbString): string {
  switch (type) {
    case RdbType.HASH_LISTPACK:
      return isListpack(packed) ? "" : "Hash listpack integrity check failed.";
    case RdbType.ZSET_LISTPACK:
      return isListpack(packed) ? "" : "Zset listpack integrity check failed.";
    case RdbType.SET_LISTPACK:
      return isListpack(packed) ? "" : "Set listpack integrity check failed.";
    case RdbType.HASH_ZIPLIST:
      return isZiplist(packed) ? "" : "Hash ziplist integrity check failed.";
    case RdbType.ZSET_ZIPLIST:
      return isZiplist(packed) ? "" : "Zset ziplist integrity check failed.";
    case RdbType.LIST_ZIPLIST:
      return isZiplist(packed) ? "" : "Ziplist integrity check failed.";
    case RdbType.HASH_ZIPMAP:
      return isZipmap(packed) ? "" : "Zipmap integrity check failed.";
    case RdbType.SET_INTSET:
      return isIntset(packed) ? "" : "Intset integrity check failed.";
    default:
      return "";
  }
}

function isListpack({ bytes, start, end }: RdbString): boolean {
  return listpack.validateListpack(bytes, start, end, true);
}

function isZiplist({ bytes, view, start, end }: RdbString): boolean {
  const walk = new ZiplistWalk(bytes, view, start, end);
  while (walk.next(element));
  return walk.isWhole();
}

function isZipmap({ bytes, view, start, end }: RdbString): boolean {
  const walk = new ZipmapWalk(bytes, view, start, end);
  while (walk.next());
  return walk.isWhole();
}

/** Element size u32 (2, 4 or 8), count u32, the elements. */
function isIntset({ view, start, end }: RdbString): boolean {
  if (end - start < 8) return false;
  const size = view.getUint32(start, true);
  const isSize = size === 2 || size === 4 || size === 8;
  return isSize && end - start === 8 + size * view.getUint32(start + 4, true);
}
