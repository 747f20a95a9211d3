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
  validateListpack,
} from "../../memory/listpack.ts";
import { setValueRef, valueRef } from "../../table/entry.ts";
import { hashBytes } from "../../table/hash.ts";
import { freeEntry } from "../value.ts";
import { compareBytes } from "./scored-member.ts";
import { nextMember, scoreAt } from "./sorted-listpack.ts";
import {
  Added,
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
    entry = createSortedSet(arena, epoch, key, keyStart, keyEnd, expiryMs);
    isTaken =
      count / 2 <= limits.listpackEntriesMax && isInOrder(arena, loaded, count / 2, scratch);
    if (isTaken) {
      arena.free(valueRef(arena, entry));
      setValueRef(arena, entry, loaded);
      set.attach(entry);
      return entry;
    }
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
  let slotCount = 4;
  while (slotCount < count * 2) slotCount *= 2;
  const slots = scratch.emptySlots(slotCount);
  const mask = slotCount - 1;
  let score = Number.NEGATIVE_INFINITY;
  let before = 0;
  for (let at = first(arena, lp); at !== 0; at = nextMember(arena, lp, at)) {
    const previous = score;
    score = scoreAt(arena, lp, at);
    // Also false when it is no number.
    if (!(score >= previous)) return false;
    readAt(arena, lp, at, one);
    if (before !== 0 && score === previous) {
      readAt(arena, lp, before, other);
      if (compareTexts(other, one) >= 0) return false;
    }
    if (!isFirstOfItsKind(arena, lp, at, one, other, slots, mask)) return false;
    before = at;
  }
  return true;
}

function compareTexts(one: ListpackValue, other: ListpackValue): number {
  return compareBytes(one.view, one.start, one.end, other.view, other.start, other.end);
}

/** Remembers the offset of a member in a table of slots. False when an equal one is there. */
function isFirstOfItsKind(
  arena: Arena,
  lp: Ref,
  at: number,
  member: ListpackValue,
  other: ListpackValue,
  slots: Int32Array,
  mask: number,
): boolean {
  let slot = hashBytes(member.bytes, member.view, member.start, member.end, 0) & mask;
  for (; slots[slot] !== 0; slot = (slot + 1) & mask) {
    readAt(arena, lp, slots[slot] as number, other);
    if (compareTexts(member, other) === 0) return false;
  }
  slots[slot] = at;
  return true;
}
