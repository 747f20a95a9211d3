/**
 * Sets by argument: finding the one at a key, looking for members, adding them, making new ones.
 *
 * A SetValue is a window that is moved from set to set, so a few per engine do; what these functions
 * return is void as soon as the next one is called.
 *
 * Adding is all or nothing: a new set is a key only when it is whole, several members of a present one
 * are one change.
 */
import {
  createSet,
  freeEntry,
  Int64,
  type ListpackValue,
  NONE,
  parseInt64,
  type Ref,
  SetChange,
  SetValue,
  setEncodingFor,
  setIdleBits,
  Type,
} from "@kv/core";
import type { Call } from "../call/call.ts";
import { CommandError } from "../call/errors.ts";
import { Kept } from "../call/kept.ts";
import { Notify } from "../call/notify.ts";

/** Windows on the sets of an engine's keyspace. */
const windows = new Kept(({ keyspace: { arena, seed } }) => ({
  set: new SetValue(arena, seed),
  made: new SetValue(arena, seed),
  change: new SetChange(arena),
}));

const wide = new Int64();

/** A count of members for which there is no negative one. */
export const countOutOfRange = new CommandError(
  "ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807",
);

/** The set at an argument for reading, or null when missing. Throws wrongType. */
export function readSet(call: Call, index: number): SetValue | null {
  const entry = call.readTyped(index, Type.SET);
  return entry === NONE ? null : windows.of(call).set.attach(entry);
}

/** The set at an argument for changing it, or null when missing. Throws wrongType. */
export function writeSet(call: Call, index: number): SetValue | null {
  const entry = call.writeTyped(index, Type.SET);
  return entry === NONE ? null : windows.of(call).set.attach(entry);
}

/** The window on the set of an entry. */
export function setOf(call: Call, entry: Ref): SetValue {
  return windows.of(call).set.attach(entry);
}

/** Another window, on the set of an entry: that of createAside(), too. */
export function otherSet(call: Call, entry: Ref): SetValue {
  return windows.of(call).made.attach(entry);
}

/** The encoding of a set that begins with the member at an argument and is to hold so many. */
export function encodingOfFirst(call: Call, member: number, count: number): number {
  const isInteger = parseInt64(call.bytes, call.start(member), call.end(member), wide);
  return setEncodingFor(isInteger, count, call.settings.limits.set);
}

/**
 * An empty set for the key at an argument, which is in no database yet: put() or adopt() follows, or
 * freeEntry(). It has a window of its own. `seed` is that of the table that it may become.
 */
export function createAside(
  call: Call,
  key: number,
  encoding: number,
  seed: number,
  expiryMs = -1,
): SetValue {
  const { arena, cuts } = call.keyspace;
  const { bytes } = call;
  const start = call.start(key);
  const { made } = windows.of(call);
  made.seed = seed;
  const entry = createSet(arena, seed, encoding, cuts.epoch, bytes, start, call.end(key), expiryMs);
  setIdleBits(arena, entry, call.idle.fresh);
  return made.attach(entry);
}

/** Makes what createAside() gave the value of its key, at the same argument; `old` is what it has now. */
export function putSet(call: Call, key: number, set: SetValue, old: Ref): void {
  call.database.put(set.entry, old, call.hashOf(key), call.settings.lazyServerDel);
  if (old === NONE) call.event(key, "new", Notify.NEW);
}

/** Whatever a member is added to: a set, or a change of one. */
type MemberTarget = Pick<SetValue, "add">;

function addIn(call: Call, target: MemberTarget, member: number): boolean {
  const limits = call.settings.limits.set;
  return target.add(call.bytes, call.view, call.start(member), call.end(member), limits);
}

/** Adds the members at arguments `first` to the last one. Returns how many are new. */
function addAllIn(call: Call, target: MemberTarget, first: number): number {
  let added = 0;
  for (let i = first; i < call.argc; i++) if (addIn(call, target, i)) added++;
  return added;
}

/** Adds the member at an argument to a set that is there. True when it is new. */
export function addMember(call: Call, set: SetValue, member: number): boolean {
  return addIn(call, set, member);
}

/** True when there is room for all members whatever their number: nothing will have to be undone. */
function cannotFail(call: Call, set: SetValue, first: number): boolean {
  const { argc } = call;
  const limits = call.settings.limits.set;
  let bytes = 0;
  for (let i = first; i < argc; i++) {
    const length = call.length(i);
    if (length > limits.listpackValueBytesMax) return false;
    bytes += length;
  }
  return set.hasRoomFor(argc - first, bytes, limits);
}

/**
 * Adds the members from an argument on to the set at argument 1: to `set`, which writeSet() has found
 * there, or, when that is null, to a new one. Returns how many are new.
 */
export function addMembers(call: Call, set: SetValue | null, first: number): number {
  const count = call.argc - first;
  const limits = call.settings.limits.set;
  if (set === null) {
    const created = createAside(call, 1, encodingOfFirst(call, first, count), call.keyspace.seed);
    try {
      const added = addAllIn(call, created, first);
      putSet(call, 1, created, NONE);
      return added;
    } catch (full) {
      freeEntry(call.keyspace.arena, created.entry);
      throw full;
    }
  }
  if (count === 1 || cannotFail(call, set, first)) {
    set.expect(count, limits);
    return addAllIn(call, set, first);
  }
  const { change } = windows.of(call);
  change.begin(set);
  try {
    change.expect(count, limits);
    const added = addAllIn(call, change, first);
    change.commit();
    return added;
  } catch (full) {
    change.rollBack();
    throw full;
  }
}

/** True when the set has the member at an argument. */
export function hasMember(call: Call, set: SetValue, member: number): boolean {
  return set.has(call.bytes, call.view, call.start(member), call.end(member));
}

/** Removes the key at an argument, whose set has lost its last member. */
export function removeEmpty(call: Call, set: SetValue): boolean {
  if (set.length !== 0) return false;
  call.database.remove(set.entry, false);
  return true;
}

/** Replies with the text that a SetValue shows. */
export function replyMember(call: Call, { bytes, view, start, end }: ListpackValue): void {
  call.reply.bulkFrom(bytes, view, start, end);
}

/** Replies with all members of a set. */
export function replyAll(call: Call, set: SetValue): void {
  call.reply.set(set.length);
  set.rewind();
  while (set.next()) replyMember(call, set.member);
}
