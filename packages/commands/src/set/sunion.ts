/** Unions: SUNION, SUNIONSTORE. */
import { Encoding, freeEntry, type ListpackValue, NONE, type SetValue } from "@kv/core";
import type { Call } from "../call/call.ts";
import { arg } from "../declare/arg.ts";
import { command } from "../declare/command.ts";
import { keyAt, keyRange } from "../declare/key-spec.ts";
import { type Operands, operandsAt } from "./operands.ts";
import { createAside, replyAll, replyMember } from "./set-at.ts";
import { storeSet } from "./store-set.ts";

/** Of so many sets, asking the earlier ones for each member beats gathering all members in a set. */
const FEW_SETS = 4;

export const sunion = command({
  name: "sunion",
  group: "set",
  since: "1.0.0",
  summary: "Returns the members that any of several sets has.",
  complexity: "O(N) where N is the size of all sets together.",
  arity: -2,
  flags: ["readonly"],
  keys: [keyRange(1, -1, 1, "RO", "access")],
  args: [arg.many(arg.key("key"))],
  tips: ["nondeterministic_output_order"],

  run(call) {
    const sets = operandsAt(call, 1, call.argc);
    if (sets.count <= FEW_SETS) {
      replyUnion(call, sets);
      return;
    }
    const made = createAside(call, 1, Encoding.HASHTABLE, call.keyspace.seed);
    try {
      uniteInto(call, made, sets);
      replyAll(call, made);
    } finally {
      freeEntry(call.keyspace.arena, made.entry);
    }
  },
});

/** Replies with the members of each set that none before it has. Needs no memory. */
function replyUnion(call: Call, sets: Operands): void {
  const { reply } = call;
  const handle = reply.deferLength();
  let count = 0;
  for (let i = 0; i < sets.count; i++) {
    if (sets.entryAt(i) === NONE) continue;
    const set = sets.at(i);
    set.rewind();
    while (set.next()) {
      if (isInEarlier(sets, i, set.member)) continue;
      replyMember(call, set.member);
      count++;
    }
  }
  reply.closeSet(handle, count);
}

function isInEarlier(sets: Operands, end: number, text: ListpackValue): boolean {
  for (let i = 0; i < end; i++)
    if (sets.entryAt(i) !== NONE && sets.at(i).hasShown(text)) return true;
  return false;
}

function uniteInto(call: Call, made: SetValue, sets: Operands): void {
  const limits = call.settings.limits.set;
  let largest = 0;
  for (let i = 0; i < sets.count; i++) largest = Math.max(largest, sets.lengthAt(i));
  made.reserve(largest);
  for (let i = 0; i < sets.count; i++) {
    if (sets.entryAt(i) === NONE) continue;
    const set = sets.at(i);
    const { member } = set;
    set.rewind();
    while (set.next()) made.add(member.bytes, member.view, member.start, member.end, limits);
  }
}

export const sunionstore = command({
  name: "sunionstore",
  group: "set",
  since: "1.0.0",
  summary: "Stores the members that any of several sets has.",
  complexity: "O(N) where N is the size of all sets together.",
  arity: -3,
  flags: ["write", "denyoom"],
  keys: [keyAt(1, "OW", "update"), keyRange(2, -1, 1, "RO", "access")],
  args: [arg.key("destination"), arg.many(arg.key("key", { keySpecIndex: 1 }))],

  run(call) {
    const sets = operandsAt(call, 2, call.argc);
    const made = createAside(call, 1, Encoding.INTSET, call.keyspace.seed);
    try {
      uniteInto(call, made, sets);
      storeSet(call, made, "sunionstore");
    } catch (full) {
      freeEntry(call.keyspace.arena, made.entry);
      throw full;
    }
  },
});
