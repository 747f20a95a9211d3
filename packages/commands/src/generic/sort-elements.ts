/** What SORT sorts: the elements of a list, set or sorted set, copied out of it. */
import {
  ElementVisitor,
  eachElement,
  ListpackValue,
  ListValue,
  type Ref,
  SortedSetValue,
  Type,
  toNumber,
  typeOf,
} from "@kv/core";
import type { Call } from "../call/call.ts";
import { errors } from "../call/errors.ts";
import { Kept } from "../call/kept.ts";
import { setOf } from "../set/set-at.ts";
import { weightOfText } from "./sort-order.ts";
import { SortTexts } from "./sort-texts.ts";

/** Where a list is this many times longer than what is wanted of it, elements are read by index. */
const FEW = 64;

const windows = new Kept(({ keyspace: { arena, seed } }) => ({
  list: new ListValue(arena),
  sortedSet: new SortedSetValue(arena, seed),
  element: new ListpackValue(),
}));

/** Takes down the elements from number `first` to before `end`, and which numbers they are. */
class Taker extends ElementVisitor {
  private readonly texts: SortTexts;
  private readonly first: number;
  private readonly end: number;
  private readonly weights: Float64Array | null;
  private at = 0;

  constructor(texts: SortTexts, first: number, end: number, weights: Float64Array | null) {
    super();
    this.texts = texts;
    this.first = first;
    this.end = end;
    this.weights = weights;
  }

  element(): void {
    const at = this.at++;
    if (at < this.first || at >= this.end) return;
    const { isInteger, hi, lo, bytes, start, end } = this.text;
    const { weights, texts } = this;
    if (weights !== null)
      weights[texts.count] = isInteger ? toNumber(hi, lo) : weightOfText(bytes, start, end);
    texts.push(bytes, start, end);
  }

  pair(): void {}
}

/** How many elements there are to sort. Throws wrongType for what cannot be sorted. */
export function sortableLength(call: Call, entry: Ref): number {
  const { arena } = call.keyspace;
  const { list, sortedSet } = windows.of(call);
  switch (typeOf(arena, entry)) {
    case Type.LIST:
      return list.attach(entry).length;
    case Type.ZSET:
      return sortedSet.attach(entry).length;
    case Type.SET:
      return setOf(call, entry).length;
    default:
      throw errors.wrongType;
  }
}

/**
 * Sorting makes a small sorted set a large one, for good, as in Redis. SORT_RO, which reads only, leaves
 * it alone.
 */
export function asTable(call: Call, entry: Ref): void {
  if (typeOf(call.keyspace.arena, entry) !== Type.ZSET) return;
  const { sortedSet } = windows.of(call);
  sortedSet.attach(entry);
  if (sortedSet.isTable) return;
  call.database.preserve(entry);
  sortedSet.convert();
}

/** Copies all elements. `weights`, if given, gets the number that each is; NaN: none. */
export function allElements(
  call: Call,
  entry: Ref,
  length: number,
  weights: Float64Array | null,
): SortTexts {
  const texts = new SortTexts(length);
  eachElement(call.keyspace.arena, entry, new Taker(texts, 0, length, weights));
  return texts;
}

/**
 * Copies `count` elements from number `first` on in the value's own order, or backwards from its end.
 * A set has no order: what comes is what it happens to have there.
 */
export function someElements(
  call: Call,
  entry: Ref,
  length: number,
  first: number,
  count: number,
  isBackwards: boolean,
): { texts: SortTexts; isReversed: boolean } {
  const { arena } = call.keyspace;
  const type = typeOf(arena, entry);
  const { list, sortedSet, element } = windows.of(call);
  const texts = new SortTexts(count);
  if (type === Type.ZSET) {
    const { member } = sortedSet.attach(entry);
    if (count > 0) sortedSet.seek(isBackwards ? length - 1 - first : first);
    for (let left = count; left > 0; left--) {
      if (isBackwards) sortedSet.previous();
      else sortedSet.next();
      texts.push(member.bytes, member.start, member.end);
    }
    return { texts, isReversed: false };
  }
  const turns = isBackwards && type === Type.LIST;
  if (type === Type.LIST && count * FEW < length) {
    list.attach(entry);
    for (let i = 0; i < count; i++) {
      list.read(turns ? length - 1 - first - i : first + i, element);
      texts.push(element.bytes, element.start, element.end);
    }
    return { texts, isReversed: false };
  }
  const from = turns ? length - first - count : first;
  eachElement(arena, entry, new Taker(texts, from, from + count, null));
  return { texts, isReversed: turns };
}
