/**
 * Lists by argument: finding the one at a key, adding to it, and what every removal has to see to.
 *
 * A ListValue is a window that is moved from list to list; there are two for each engine, since an
 * element can go from one list to another. What these functions return is void as soon as the next
 * one of the same name is called.
 *
 * Adding is all or nothing: a new list is a key only when it is whole, and of several elements either
 * all are there or none.
 */
import { createList, freeEntry, ListpackValue, ListValue, NONE, setIdleBits, Type } from "@kv/core";
import type { Call } from "../call/call.ts";
import { errors } from "../call/errors.ts";
import { Kept } from "../call/kept.ts";
import { Notify } from "../call/notify.ts";

/** Windows on the lists of an engine's keyspace. */
const windows = new Kept(({ keyspace: { arena } }) => ({
  list: new ListValue(arena),
  target: new ListValue(arena),
  text: new ListpackValue(),
}));

/** The list at an argument for reading, or null when missing. Throws wrongType. */
export function readList(call: Call, index: number): ListValue | null {
  const entry = call.readTyped(index, Type.LIST);
  return entry === NONE ? null : windows.of(call).list.attach(entry);
}

/** The list at an argument for changing it, or null when missing. Throws wrongType. */
export function writeList(call: Call, index: number): ListValue | null {
  const entry = call.writeTyped(index, Type.LIST);
  return entry === NONE ? null : windows.of(call).list.attach(entry);
}

/** As writeList(), in a window of its own: the list that an element goes to. */
export function targetList(call: Call, index: number): ListValue | null {
  const entry = call.writeTyped(index, Type.LIST);
  return entry === NONE ? null : windows.of(call).target.attach(entry);
}

/** Somewhere to read an element to. */
export function scratchText(call: Call): ListpackValue {
  return windows.of(call).text;
}

/** An empty list for the key at an argument, which is in no database yet. */
function createAside(call: Call, index: number): ListValue {
  const { arena, cuts } = call.keyspace;
  const entry = createList(arena, cuts.epoch, call.bytes, call.start(index), call.end(index));
  setIdleBits(arena, entry, call.idle.fresh);
  return windows.of(call).target.attach(entry);
}

/** Makes it the value of its key, or frees it and throws. */
function adopt(call: Call, index: number, list: ListValue): void {
  try {
    call.database.put(list.entry, NONE, call.hashOf(index), false);
  } catch (full) {
    freeEntry(call.keyspace.arena, list.entry);
    throw full;
  }
  call.event(index, "new", Notify.NEW);
}

/** Adds the arguments from `first` on at one end: all, or none and throws. */
function pushOnto(call: Call, list: ListValue, isTail: boolean, first: number): void {
  const { argc } = call;
  const limits = call.settings.limits.list;
  const wasQuicklist = list.isQuicklist;
  let pushed = 0;
  try {
    if (!wasQuicklist) {
      let bytes = 0;
      for (let i = first; i < argc; i++) bytes += call.length(i);
      list.grow(limits, argc - first, bytes);
    }
    for (let i = first; i < argc; i++) {
      list.push(isTail, call.bytes, call.start(i), call.end(i), limits);
      pushed++;
    }
  } catch (full) {
    list.undoPushes(isTail, pushed, wasQuicklist);
    throw full;
  }
  if (list.isQuicklist) list.settle();
}

/**
 * Adds the arguments from `first` on at one end of the list at argument 1: `list`, which writeList()
 * has found there, or, when that is null, a new one. Returns the list.
 */
export function pushArguments(
  call: Call,
  list: ListValue | null,
  isTail: boolean,
  first: number,
): ListValue {
  if (list !== null) {
    pushOnto(call, list, isTail, first);
    return list;
  }
  const created = createAside(call, 1);
  try {
    pushOnto(call, created, isTail, first);
  } catch (full) {
    freeEntry(call.keyspace.arena, created.entry);
    throw full;
  }
  adopt(call, 1, created);
  return created;
}

/**
 * Adds one element, which must not lie in this list, at one end of the list at an argument, as
 * targetList() has found it; null: of a new one.
 */
export function pushText(
  call: Call,
  index: number,
  list: ListValue | null,
  isTail: boolean,
  text: ListpackValue,
): ListValue {
  const limits = call.settings.limits.list;
  const { bytes, start, end } = text;
  const target = list ?? createAside(call, index);
  const wasQuicklist = target.isQuicklist;
  try {
    target.grow(limits, 1, end - start);
    target.push(isTail, bytes, start, end, limits);
  } catch (full) {
    if (list === null) freeEntry(call.keyspace.arena, target.entry);
    else target.undoPushes(isTail, 0, wasQuicklist);
    throw full;
  }
  target.settle();
  if (list === null) adopt(call, index, target);
  return target;
}

/**
 * `count` elements of the list at an argument were removed: the event, and what follows from it. The
 * key goes with the last element, before anybody hears of it, so that who does finds what is left.
 */
export function elementsRemoved(
  call: Call,
  index: number,
  list: ListValue,
  event: string,
  count: number,
): void {
  const isEmpty = list.length === 0;
  if (isEmpty) call.database.remove(list.entry, false);
  else if (list.isQuicklist) {
    list.settle();
    list.shrink(call.settings.limits.list);
  }
  call.event(index, event, Notify.LIST);
  if (isEmpty) call.event(index, "del", Notify.GENERIC);
  call.modified(index);
  call.dirty += count - 1;
}

/** True when the argument says LEFT: the head. Throws a syntax error for what is not RIGHT either. */
export function isHead(call: Call, index: number): boolean {
  if (call.is(index, "LEFT")) return true;
  if (call.is(index, "RIGHT")) return false;
  throw errors.syntax;
}

/** Replies with an element that was read. */
export function replyText(call: Call, text: ListpackValue): void {
  call.reply.bulkFrom(text.bytes, text.view, text.start, text.end);
}
