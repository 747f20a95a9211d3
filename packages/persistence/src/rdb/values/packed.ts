/**
 * Collections that are one string in the file: how a listpack is written, whether the bytes of such a
 * string keep the rules of their form, and no field or member comes twice.
 */
import {
  byteIndex,
  bytesOf,
  hasOrderedExpiries,
  intset,
  ListpackValue,
  listpack,
  listpackWalk,
  parseScore,
  type Ref,
  viewOf,
} from "@kv/core";
import type { Distinct } from "../distinct.ts";
import type { RdbString } from "../input.ts";
import { ZiplistWalk } from "../ziplist.ts";
import { ZipmapWalk } from "../zipmap.ts";
import type { ValueOutput } from "./form.ts";

/** Writes the listpack at `block`, as one string. */
export function writeListpack({ arena, output }: ValueOutput, block: Ref): void {
  const start = byteIndex(block);
  const end = start + listpack.listpackBytes(arena, block);
  output.string(bytesOf(arena, block), viewOf(arena, block), start, end);
}

/** True for a listpack that is whole and has no elements. */
export function isEmptyListpack({ bytes, start, end }: RdbString): boolean {
  const hasLength = end - start === listpackWalk.EMPTY_LISTPACK_BYTES;
  return hasLength && listpack.validateListpack(bytes, start, end, true);
}

/** "" for a whole collection, otherwise what is wrong with it. `seen` is for use. */
export type Fault = (packed: RdbString, seen: Distinct) => string;

/** The fault of listpacks every `stride`-th element of which must not come twice; 0: any may. */
export function listpackFault(fault: string, stride: number): Fault {
  return (packed, seen) => (isListpack(packed, stride, seen) ? "" : fault);
}

/** The fault of listpacks of fields, values and expiries, the earliest first. */
export function tripleListpackFault(fault: string): Fault {
  const ofFields = listpackFault(fault, 3);
  return (packed, seen) => {
    if (ofFields(packed, seen) !== "") return fault;
    const { arena } = seen;
    const lp = listpack.listpackFromBytes(arena, packed.bytes, packed.start, packed.end);
    const isOrdered = hasOrderedExpiries(arena, lp);
    arena.free(lp);
    return isOrdered ? "" : fault;
  };
}

/** As listpackFault(), of listpacks of members and scores. */
export function scoredListpackFault(fault: string): Fault {
  return (packed, seen) => (isListpack(packed, 2, seen, isScore) ? "" : fault);
}

/** As scoredListpackFault(), of ziplists. */
export function scoredZiplistFault(fault: string): Fault {
  return (packed, seen) => (isZiplist(packed, 2, seen, isScore) ? "" : fault);
}

const isAnything = () => true;
const isScore = ({ bytes, start, end }: ListpackValue) =>
  !Number.isNaN(parseScore(bytes, start, end));

/** As listpackFault(), of ziplists; with a stride of 0 any element may come twice. */
export function ziplistFault(fault: string, stride: number): Fault {
  return (packed, seen) => (isZiplist(packed, stride, seen) ? "" : fault);
}

/** `isOther`: whether an element may stand beside those that must not come twice. */
function isListpack(
  { bytes, start, end }: RdbString,
  stride: number,
  seen: Distinct,
  isOther: (element: ListpackValue) => boolean = isAnything,
): boolean {
  if (!listpack.validateListpack(bytes, start, end, true)) return false;
  if (stride === 0) return true;
  const { arena } = seen; // Listpacks are read in one.
  const lp = listpack.listpackFromBytes(arena, bytes, start, end);
  const element = new ListpackValue();
  let count = 0;
  let isGood = true;
  for (let at = listpack.first(arena, lp); at !== 0; at = listpack.next(arena, lp, at)) {
    listpack.readAt(arena, lp, at, element);
    isGood &&=
      count++ % stride === 0
        ? seen.add(element.bytes, element.view, element.start, element.end)
        : isOther(element);
  }
  arena.free(lp);
  return isGood && count % stride === 0;
}

function isZiplist(
  { bytes, view, start, end }: RdbString,
  stride: number,
  seen: Distinct,
  isOther: (element: ListpackValue) => boolean = isAnything,
): boolean {
  const walk = new ZiplistWalk(bytes, view, start, end);
  const element = new ListpackValue();
  let count = 0;
  for (; walk.next(element); count++) {
    if (stride === 0) continue;
    const isGood =
      count % stride === 0
        ? seen.add(element.bytes, element.view, element.start, element.end)
        : isOther(element);
    if (!isGood) return false;
  }
  return walk.isWhole() && (stride === 0 || count % stride === 0);
}

/** The fault of zipmaps, in which no field must come twice. */
export const zipmapFault: Fault = ({ bytes, view, start, end }, seen) => {
  const walk = new ZipmapWalk(bytes, view, start, end);
  let repeats = false;
  while (walk.next()) repeats ||= !seen.add(bytes, view, walk.fieldStart, walk.fieldEnd);
  if (!walk.isWhole()) return "Zipmap integrity check failed.";
  return repeats ? "Hash zipmap with dup elements" : "";
};

export const INTSET_FAULT = "Intset integrity check failed.";

/** The fault of intsets: their length, or integers that do not ascend. */
export const intsetFault: Fault = ({ view, start, end }) =>
  intset.validateIntset(view, start, end) ? "" : INTSET_FAULT;
