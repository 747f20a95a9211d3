/**
 * Sorted sets of foreign bytes: a listpack of members and scores, as files and payloads have them. One
 * that keeps all rules stays as it is, byte for byte. One whose members are out of order is put in
 * order; where a score is no number, or a member comes twice, it is none.
 */
import { type Arena, NONE, type Ref } from "../../memory/arena.ts";
import {
  first,
  ListpackValue,
  listpackCount,
  listpackFromBytes,
  readAt,
  repeatsText,
  validateListpack,
} from "../../memory/listpack.ts";
import { END } from "../../memory/listpack-element.ts";
import { LISTPACK_HEADER_BYTES, positionAfter, readPosition } from "../../memory/listpack-walk.ts";
import { byteIndex, bytesOf, setValueRef, viewOf } from "../../table/entry.ts";
import { hashBytes } from "../../table/hash.ts";
import { freeEntry } from "../value.ts";
import { readScore } from "./score-text.ts";
import { compareBytes } from "./scored-member.ts";
import { nextMember, scoreAt } from "./sorted-listpack.ts";
import {
  Added,
  createEmptyKey,
  createSortedSet,
  type SortedSetLimits,
  type SortedSetValue,
} from "./sorted-set-value.ts";

/** What loading needs besides the sorted set: made once, since it costs more than a short set does. */
export class SortedSetScratch {
  /** @internal The member at hand. */
  readonly one = new ListpackValue();
  /** @internal One that it is compared with. */
  readonly other = new ListpackValue();
  /** Offsets of members, by their hashes. */
  private slots = new Int32Array(64);

  /** @internal So many slots, a power of two, all of them empty. */
  emptySlots(count: number): Int32Array {
    if (this.slots.length < count) this.slots = new Int32Array(count);
    return this.slots.fill(0, 0, count);
  }
}

/**
 * A new entry for the key key[keyStart, keyEnd) with the sorted set that the listpack bytes[start, end)
 * is, and `set` attached to it. NONE when it is none, or empty. `expiryMs`: the key's expiry, or -1.
 */
export function loadSortedSet(
  set: SortedSetValue,
  epoch: number,
  key: Uint8Array,
  keyStart: number,
  keyEnd: number,
  expiryMs: number,
  bytes: Uint8Array,
  start: number,
  end: number,
  limits: SortedSetLimits,
  scratch: SortedSetScratch,
): Ref {
  const { arena } = set;
  if (!validateListpack(bytes, start, end, true)) return NONE;
  const loaded = listpackFromBytes(arena, bytes, start, end);
  let entry: Ref = NONE;
  let isTaken = false;
  try {
    const count = listpackCount(arena, loaded);
    if (count === 0 || count % 2 !== 0) return NONE;
    if (count / 2 <= limits.listpackEntriesMax && isInOrder(arena, loaded, count / 2, scratch)) {
      entry = createEmptyKey(arena, false, epoch, key, keyStart, keyEnd, expiryMs);
      setValueRef(arena, entry, loaded);
      isTaken = true;
      set.attach(entry);
      return entry;
    }
    entry = createSortedSet(arena, epoch, key, keyStart, keyEnd, expiryMs);
    set.attach(entry);
    if (addAll(set, loaded, limits)) return entry;
    freeEntry(arena, entry);
    return NONE;
  } catch (full) {
    if (entry !== NONE) freeEntry(arena, entry);
    throw full;
  } finally {
    if (!isTaken) arena.free(loaded);
  }
}

/** Adds what a listpack holds, in whatever order. False when it is no sorted set. */
function addAll(set: SortedSetValue, lp: Ref, limits: SortedSetLimits): boolean {
  const { arena } = set;
  const member = new ListpackValue();
  // What came packed stays so unless there are too many members, however long they are.
  const packed = { ...limits, listpackValueBytesMax: Number.POSITIVE_INFINITY };
  for (let at = first(arena, lp); at !== 0; at = nextMember(arena, lp, at)) {
    readAt(arena, lp, at, member);
    const score = scoreAt(arena, lp, at);
    if (Number.isNaN(score)) return false;
    const { bytes, view, start, end } = member;
    if (set.add(bytes, view, start, end, score, packed) !== Added.NEW) return false;
  }
  return true;
}

/** True when members ascend, have numbers for scores, and none comes twice. */
function isInOrder(arena: Arena, lp: Ref, count: number, scratch: SortedSetScratch): boolean {
  const { one, other } = scratch;
  const bytes = bytesOf(arena, lp);
  const view = viewOf(arena, lp);
  let score = Number.NEGATIVE_INFINITY;
  let before = 0;
  for (let at = byteIndex(lp) + LISTPACK_HEADER_BYTES; bytes[at] !== END; ) {
    const scoreAt = positionAfter(bytes, at);
    const previous = score;
    score = readScore(bytes, scoreAt);
    // Also false when it is no number.
    if (!(score >= previous)) return false;
    if (before !== 0 && score === previous) {
      readPosition(bytes, view, before, other);
      readPosition(bytes, view, at, one);
      if (compareTexts(other, one) >= 0) return false;
    }
    before = at;
    at = positionAfter(bytes, scoreAt);
  }
  return !(repeatsText(arena, lp, 2) ?? repeatsMember(arena, lp, count, scratch));
}

function compareTexts(one: ListpackValue, other: ListpackValue): number {
  return compareBytes(one.view, one.start, one.end, other.view, other.start, other.end);
}

/** True when a member comes twice, of however many. */
function repeatsMember(arena: Arena, lp: Ref, count: number, scratch: SortedSetScratch): boolean {
  const { one, other } = scratch;
  let slotCount = 4;
  while (slotCount < count * 2) slotCount *= 2;
  const slots = scratch.emptySlots(slotCount);
  const mask = slotCount - 1;
  for (let at = first(arena, lp); at !== 0; at = nextMember(arena, lp, at)) {
    readAt(arena, lp, at, one);
    let slot = hashBytes(one.bytes, one.view, one.start, one.end, 0) & mask;
    for (; slots[slot] !== 0; slot = (slot + 1) & mask) {
      readAt(arena, lp, slots[slot] as number, other);
      if (compareTexts(one, other) === 0) return true;
    }
    slots[slot] = at;
  }
  return false;
}
