/**
 * Sorted sets by argument: finding the one at a key, adding to it, removing from it, replying with what
 * is in it.
 *
 * A SortedSetValue is a window that is moved from sorted set to sorted set, so one per engine does for
 * the key of a command, and another one for what it makes; what these functions return is void as soon
 * as the next one is called. Adding is all or nothing: a new sorted set is a key only when it is whole,
 * several members of a present one are one change.
 */
import {
  createSortedSet,
  freeEntry,
  type ListpackValue,
  NONE,
  type Ref,
  SortedSetBuilder,
  SortedSetChange,
  SortedSetValue,
  setIdleBits,
  Type,
} from "@kv/core";
import type { Call } from "../call/call.ts";
import { Kept } from "../call/kept.ts";
import { Notify } from "../call/notify.ts";

/** Windows on the sorted sets of an engine's keyspace. */
const windows = new Kept(({ keyspace: { arena, seed } }) => ({
  set: new SortedSetValue(arena, seed),
  made: new SortedSetValue(arena, seed),
  change: new SortedSetChange(arena),
  builder: new SortedSetBuilder(arena, seed),
}));

/** The sorted set at an argument for reading, or null when missing. Throws wrongType. */
export function readSortedSet(call: Call, index: number): SortedSetValue | null {
  const entry = call.readTyped(index, Type.ZSET);
  return entry === NONE ? null : windows.of(call).set.attach(entry);
}

/** The sorted set at an argument for changing it, or null when missing. Throws wrongType. */
export function writeSortedSet(call: Call, index: number): SortedSetValue | null {
  const entry = call.writeTyped(index, Type.ZSET);
  return entry === NONE ? null : windows.of(call).set.attach(entry);
}

/**
 * An empty sorted set for the key at an argument, which is in no database yet: a listpack, or a table made
 * for `expected` members.
 */
export function createAside(
  call: Call,
  index: number,
  isTable = false,
  expected = 0,
): SortedSetValue {
  const { arena, cuts, seed } = call.keyspace;
  const entry = createSortedSet(
    arena,
    cuts.epoch,
    call.bytes,
    call.start(index),
    call.end(index),
    -1,
    isTable,
    seed,
    expected,
  );
  setIdleBits(arena, entry, call.idle.fresh);
  return windows.of(call).made.attach(entry);
}

/**
 * An empty one for the key at argument 1 and as many members as a call has, the first of which is the
 * argument `first`: their number and that one tell whether it begins as a table, as in Redis 7.2.
 */
export function createForMembers(call: Call, members: number, first: number): SortedSetValue {
  const { listpackEntriesMax, listpackValueBytesMax } = call.settings.limits.sortedSet;
  const isTable = members > listpackEntriesMax || call.length(first) > listpackValueBytesMax;
  return createAside(call, 1, isTable, members);
}

/** So many members come: a listpack that could not hold as many becomes a table, as in Redis 7.2. */
export function expectMembers(call: Call, set: SortedSetValue, members: number): void {
  if (!set.isTable && members > call.settings.limits.sortedSet.listpackEntriesMax)
    set.convert(members);
}

/** Makes a sorted set that was made aside the value of its key, which has none yet. */
export function adopt(call: Call, index: number, set: SortedSetValue): void {
  call.database.put(set.entry, NONE, call.hashOf(index), false);
  call.event(index, "new", Notify.NEW);
}

/** What changes a sorted set: the window, or a change of several members. */
export type MemberTarget = Pick<SortedSetValue, "add">;

/** The change of several members that goes with the call's engine. */
export function changeOf(call: Call): SortedSetChange {
  return windows.of(call).change;
}

/** What makes whole sorted sets for the call's engine. */
export function builderOf(call: Call): SortedSetBuilder {
  return windows.of(call).builder;
}

/** The window on the sorted set that an entry holds which is in no database. */
export function attachMade(call: Call, entry: Ref): SortedSetValue {
  return windows.of(call).made.attach(entry);
}

/** Adds the member at an argument with a score: see SortedSetValue.add(). */
export function addArgument(
  call: Call,
  target: MemberTarget,
  member: number,
  score: number,
): number {
  const start = call.start(member);
  const limits = call.settings.limits.sortedSet;
  return target.add(call.bytes, call.view, start, call.end(member), score, limits);
}

/** True when the member at an argument is there; its score is then in `set.score`. */
export function findArgument(call: Call, set: SortedSetValue, member: number): boolean {
  return set.find(call.bytes, call.view, call.start(member), call.end(member));
}

/**
 * Members are gone from the key at an argument: removes an empty one, and says what happened; with
 * `eventsFirst` in the order of Redis's ZREM, else in that of its ZREMRANGE.
 */
export function membersRemoved(
  call: Call,
  index: number,
  set: SortedSetValue,
  count: number,
  event: string,
  eventsFirst = false,
): void {
  // The key goes first, so that who hears of the change finds what is left.
  const isEmpty = set.length === 0;
  if (isEmpty) call.database.remove(set.entry, false);
  if (eventsFirst) call.event(index, event, Notify.ZSET);
  else call.changed(index, event, Notify.ZSET);
  if (isEmpty) call.event(index, "del", Notify.GENERIC);
  if (eventsFirst) call.modified(index);
  call.dirty += count - 1;
}

/**
 * Makes a sorted set that was made aside the value of the key at argument 1, whatever that holds now (it
 * may be what the result was made of), and replies with the number of members. An empty one removes the
 * key, even if its time has passed. When there is no room nothing has changed, and it is the caller's.
 */
export function store(call: Call, made: SortedSetValue, event: string): void {
  const { arena } = call.keyspace;
  const { database, settings } = call;
  const count = made.length;
  if (count === 0) {
    freeEntry(arena, made.entry);
    const old = call.findStored(1);
    if (old !== NONE) {
      database.remove(old, settings.lazyServerDel);
      call.changed(1, "del", Notify.GENERIC);
    }
  } else {
    const old = call.find(1);
    setIdleBits(arena, made.entry, call.idleOf(old));
    database.put(made.entry, old, call.hashOf(1), settings.lazyServerDel);
    if (old === NONE) call.event(1, "new", Notify.NEW);
    call.changed(1, event, Notify.ZSET);
  }
  call.reply.integer(count);
}

/** Replies with the text of a member. */
export function replyText(call: Call, text: ListpackValue): void {
  call.reply.bulkFrom(text.bytes, text.view, text.start, text.end);
}

/** The header of a reply of `count` members: with scores RESP3 has a pair for each, RESP2 one list. */
export function replyMembersHeader(call: Call, count: number, withScores: boolean): void {
  call.reply.array(withScores && !call.reply.resp3 ? count * 2 : count);
}

/** Replies with the member that the window shows, and its score if wanted. */
export function replyMember(call: Call, set: SortedSetValue, withScores: boolean): void {
  if (withScores && call.reply.resp3) call.reply.array(2);
  replyText(call, set.member);
  if (withScores) call.reply.double(set.score);
}
