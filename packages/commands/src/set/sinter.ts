/**
 * Intersections: SINTER, SINTERCARD, SINTERSTORE.
 *
 * The members of the smallest set are looked for in the others, the next larger one first: no other
 * order finds sooner that a member is missing somewhere.
 */
import {
  Encoding,
  freeEntry,
  freshSeed,
  Int64,
  type ListpackValue,
  parseInt64,
  type SetValue,
} from "@kv/core";
import type { Call } from "../call/call.ts";
import { CommandError, errors } from "../call/errors.ts";
import { arg } from "../declare/arg.ts";
import { command } from "../declare/command.ts";
import { keyAt, keyCountAt, keyRange } from "../declare/key-spec.ts";
import { type Operands, operandsAt } from "./operands.ts";
import { createAside, replyMember } from "./set-at.ts";
import { storeNothing, storeSet } from "./store-set.ts";

const keysMissing = new CommandError("ERR numkeys should be greater than 0");
const tooManyKeys = new CommandError("ERR Number of keys can't be greater than number of args");
const negativeLimit = new CommandError("ERR LIMIT can't be negative");
const integer = new Int64();

/** True when all sets but the first have what the first one shows. */
function isInOthers(sets: Operands, text: ListpackValue): boolean {
  const first = sets.entryAt(0);
  for (let i = 1; i < sets.count; i++)
    if (sets.entryAt(i) !== first && !sets.at(i).hasShown(text)) return false;
  return true;
}

export const sinter = command({
  name: "sinter",
  group: "set",
  since: "1.0.0",
  summary: "Returns the members that all of several sets have.",
  complexity: "O(N*M) at worst, where N is the size of the smallest of M sets.",
  arity: -2,
  flags: ["readonly"],
  keys: [keyRange(1, -1, 1, "RO", "access")],
  args: [arg.many(arg.key("key"))],
  tips: ["nondeterministic_output_order"],

  run(call) {
    const sets = operandsAt(call, 1, call.argc);
    const { reply } = call;
    if (sets.missingCount > 0) {
      reply.set(0);
      return;
    }
    sets.sort(0, true);
    const handle = reply.deferLength();
    let count = 0;
    const smallest = sets.at(0);
    smallest.rewind();
    while (smallest.next()) {
      if (!isInOthers(sets, smallest.member)) continue;
      replyMember(call, smallest.member);
      count++;
    }
    reply.closeSet(handle, count);
  },
});

export const sintercard = command({
  name: "sintercard",
  group: "set",
  since: "7.0.0",
  summary: "Returns how many members all of several sets have.",
  complexity: "O(N*M) at worst, where N is the size of the smallest of M sets.",
  arity: -3,
  flags: ["readonly", "movablekeys"],
  keys: [keyCountAt(1, "RO", "access")],
  args: [
    arg.integer("numkeys"),
    arg.many(arg.key("key")),
    arg.optional(arg.integer("limit", { token: "LIMIT" })),
  ],

  run(call) {
    const keyCount = call.integer(1, keysMissing);
    if (keyCount < 1) throw keysMissing;
    if (keyCount > call.argc - 2) throw tooManyKeys;
    const limit = limitOf(call, 2 + keyCount);
    const sets = operandsAt(call, 2, 2 + keyCount);
    let count = 0;
    if (sets.missingCount === 0) {
      sets.sort(0, true);
      const smallest = sets.at(0);
      smallest.rewind();
      while (count !== limit && smallest.next()) if (isInOthers(sets, smallest.member)) count++;
    }
    call.reply.integer(count);
  },
});

/** At how many members to stop counting: the last LIMIT; -1: never. */
function limitOf(call: Call, first: number): number {
  let limit = 0;
  for (let i = first; i < call.argc; i += 2) {
    if (!call.is(i, "LIMIT") || i + 1 === call.argc) throw errors.syntax;
    limit = call.integer(i + 1, negativeLimit);
    if (limit < 0) throw negativeLimit;
  }
  return limit === 0 ? -1 : limit;
}

export const sinterstore = command({
  name: "sinterstore",
  group: "set",
  since: "1.0.0",
  summary: "Stores the members that all of several sets have.",
  complexity: "O(N*M) at worst, where N is the size of the smallest of M sets.",
  arity: -3,
  flags: ["write", "denyoom"],
  keys: [keyAt(1, "RW", "update"), keyRange(2, -1, 1, "RO", "access")],
  args: [arg.key("destination"), arg.many(arg.key("key", { keySpecIndex: 1 }))],

  run(call) {
    const sets = operandsAt(call, 2, call.argc);
    if (sets.missingCount > 0) {
      storeNothing(call);
      return;
    }
    sets.sort(0, true);
    const isIntset = sets.at(0).encoding === Encoding.INTSET;
    const encoding = isIntset ? Encoding.INTSET : Encoding.LISTPACK;
    // In the order of the smallest set, and nobody knows how many: see Dict.reserve().
    const made = createAside(call, 1, encoding, freshSeed(call.keyspace.random32));
    try {
      intersectInto(call, made, sets);
      storeSet(call, made, "sinterstore");
    } catch (full) {
      freeEntry(call.keyspace.arena, made.entry);
      throw full;
    }
  },
});

/** Adds to `made` what all sets have. If that turns out to be integers alone, it becomes an intset. */
function intersectInto(call: Call, made: SetValue, sets: Operands): void {
  const limits = call.settings.limits.set;
  const smallest = sets.at(0);
  const { member } = smallest;
  let areIntegers = true;
  smallest.rewind();
  while (smallest.next()) {
    if (!isInOthers(sets, member)) continue;
    const { bytes, view, start, end } = member;
    if (areIntegers) areIntegers = member.isInteger || parseInt64(bytes, start, end, integer);
    made.addNew(bytes, view, start, end, limits);
  }
  if (areIntegers) made.preferIntset(limits);
}
