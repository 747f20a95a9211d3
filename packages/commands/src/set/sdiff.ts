/**
 * Differences: SDIFF, SDIFFSTORE. Two ways lead to one, and the sizes of the sets say which is shorter:
 *
 *   ask      look for each member of the first set in all others, the largest of them first;
 *   remove   copy the first set, and remove the members of all others from the copy.
 *
 * To ask has the better constants, and stops at the first set that has the member: it is chosen up to
 * twice the work.
 */
import { Encoding, freeEntry, freshSeed, type ListpackValue, NONE, type SetValue } from "@kv/core";
import type { Call } from "../call/call.ts";
import { arg } from "../declare/arg.ts";
import { command } from "../declare/command.ts";
import { keyAt, keyRange } from "../declare/key-spec.ts";
import { type Operands, operandsAt } from "./operands.ts";
import { createAside, replyAll, replyMember } from "./set-at.ts";
import { storeSet } from "./store-set.ts";

const Way = { NOTHING_LEFT: 0, ASK: 1, REMOVE: 2 } as const;

/** How to come to the difference; for asking, the sets are put in order. */
function wayFor(sets: Operands): number {
  const first = sets.entryAt(0);
  if (first === NONE) return Way.NOTHING_LEFT;
  let asked = 0;
  let removed = 0;
  for (let i = 0; i < sets.count; i++) {
    const entry = sets.entryAt(i);
    if (i > 0 && entry === first) return Way.NOTHING_LEFT;
    if (entry === NONE) continue;
    asked += sets.lengthAt(0);
    removed += sets.lengthAt(i);
  }
  if (asked / 2 > removed) return Way.REMOVE;
  if (sets.count > 2) sets.sort(1, false);
  return Way.ASK;
}

/** True when a set other than the first has what that shows. */
function isInOthers(sets: Operands, text: ListpackValue): boolean {
  for (let i = 1; i < sets.count; i++)
    if (sets.entryAt(i) !== NONE && sets.at(i).hasShown(text)) return true;
  return false;
}

/** Adds the difference to `made`. */
function subtractInto(call: Call, made: SetValue, sets: Operands, way: number): void {
  if (way === Way.NOTHING_LEFT) return;
  const limits = call.settings.limits.set;
  const first = sets.at(0);
  const { member } = first;
  first.rewind();
  while (first.next()) {
    if (way === Way.ASK && isInOthers(sets, member)) continue;
    made.addNew(member.bytes, member.view, member.start, member.end, limits);
  }
  if (way === Way.ASK) return;
  for (let i = 1; i < sets.count && made.length !== 0; i++) {
    if (sets.entryAt(i) === NONE) continue;
    const set = sets.at(i);
    set.rewind();
    while (set.next()) {
      const { bytes, view, start, end } = set.member;
      made.delete(bytes, view, start, end);
    }
  }
}

export const sdiff = command({
  name: "sdiff",
  group: "set",
  since: "1.0.0",
  summary: "Returns the members of a set that none of several others has.",
  complexity: "O(N) where N is the size of all sets together.",
  arity: -2,
  flags: ["readonly"],
  keys: [keyRange(1, -1, 1, "RO", "access")],
  args: [arg.many(arg.key("key"))],
  tips: ["nondeterministic_output_order"],

  run(call) {
    const sets = operandsAt(call, 1, call.argc);
    const way = wayFor(sets);
    if (way === Way.NOTHING_LEFT) call.reply.set(0);
    else if (way === Way.ASK) replyDifference(call, sets);
    else {
      const made = createAside(call, 1, Encoding.HASHTABLE, freshSeed(call.keyspace.random32));
      try {
        subtractInto(call, made, sets, way);
        replyAll(call, made);
      } finally {
        freeEntry(call.keyspace.arena, made.entry);
      }
    }
  },
});

/** Replies with the members of the first set that no other has. Needs no memory. */
function replyDifference(call: Call, sets: Operands): void {
  const { reply } = call;
  const first = sets.at(0);
  const handle = reply.deferLength();
  let count = 0;
  first.rewind();
  while (first.next()) {
    if (isInOthers(sets, first.member)) continue;
    replyMember(call, first.member);
    count++;
  }
  reply.closeSet(handle, count);
}

export const sdiffstore = command({
  name: "sdiffstore",
  group: "set",
  since: "1.0.0",
  summary: "Stores the members of a set that none of several others has.",
  complexity: "O(N) where N is the size of all sets together.",
  arity: -3,
  flags: ["write", "denyoom"],
  keys: [keyAt(1, "OW", "update"), keyRange(2, -1, 1, "RO", "access")],
  args: [arg.key("destination"), arg.many(arg.key("key", { keySpecIndex: 1 }))],

  run(call) {
    const sets = operandsAt(call, 2, call.argc);
    const made = createAside(call, 1, Encoding.INTSET, freshSeed(call.keyspace.random32));
    try {
      subtractInto(call, made, sets, wayFor(sets));
      storeSet(call, made, "sdiffstore");
    } catch (full) {
      freeEntry(call.keyspace.arena, made.entry);
      throw full;
    }
  },
});
