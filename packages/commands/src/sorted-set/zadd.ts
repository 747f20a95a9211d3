/** ZADD and ZINCRBY: members with scores, all of them or none. */
import { Added, freeEntry, type SortedSetValue } from "@kv/core";
import type { Call } from "../call/call.ts";
import { CommandError, errors } from "../call/errors.ts";
import { Notify } from "../call/notify.ts";
import { arg } from "../declare/arg.ts";
import { command } from "../declare/command.ts";
import { keyAt } from "../declare/key-spec.ts";
import {
  addArgument,
  adopt,
  changeOf,
  createForMembers,
  expectMembers,
  findArgument,
  type MemberTarget,
  writeSortedSet,
} from "./sorted-set-at.ts";

const NX = 1;
const XX = 2;
const GT = 4;
const LT = 8;
const CH = 16;
const INCR = 32;

const nxWithXx = new CommandError("ERR XX and NX options at the same time are not compatible");
const gtLtNx = new CommandError(
  "ERR GT, LT, and/or NX options at the same time are not compatible",
);
const onlyOnePair = new CommandError("ERR INCR option supports a single increment-element pair");
const notANumber = new CommandError("ERR resulting score is not a number (NaN)");

/** What came of the pairs of one call: plain numbers, written before they are read. */
const outcome = {
  added: 0,
  updated: 0,
  /** The last member's score, and whether it was touched at all. */
  score: 0,
  isProcessed: false,
};

/** The option that an argument is, or 0. */
function optionAt(call: Call, index: number): number {
  const length = call.length(index);
  if (length === 2) {
    if (call.is(index, "NX")) return NX;
    if (call.is(index, "XX")) return XX;
    if (call.is(index, "GT")) return GT;
    if (call.is(index, "LT")) return LT;
    if (call.is(index, "CH")) return CH;
  }
  return length === 4 && call.is(index, "INCR") ? INCR : 0;
}

/** Adds the member behind argument `pair` with the score given there, as the options say. */
function addPair(
  call: Call,
  set: SortedSetValue,
  target: MemberTarget,
  pair: number,
  given: number,
  options: number,
): void {
  let score = given;
  if ((options & ~CH) !== 0) {
    const isThere = findArgument(call, set, pair + 1);
    outcome.isProcessed = false;
    if (isThere ? (options & NX) !== 0 : (options & XX) !== 0) return;
    if (isThere) {
      if ((options & INCR) !== 0) score += set.score;
      if (Number.isNaN(score)) throw notANumber;
      if ((options & LT) !== 0 && score >= set.score) return;
      if ((options & GT) !== 0 && score <= set.score) return;
    }
  }
  outcome.isProcessed = true;
  outcome.score = score;
  const done = addArgument(call, target, pair + 1, score);
  if (done === Added.NEW) outcome.added++;
  else if (done === Added.RESCORED) outcome.updated++;
}

/** Adds all pairs from an argument on to the sorted set of the key at argument 1. */
function addPairs(call: Call, first: number, options: number): void {
  const { argc } = call;
  outcome.added = 0;
  outcome.updated = 0;
  outcome.isProcessed = false;
  // All scores are read before anything changes.
  const score = call.float(first);
  for (let i = first + 2; i < argc; i += 2) call.float(i);
  const set = writeSortedSet(call, 1);
  if (set !== null) expectMembers(call, set, (argc - first) >>> 1);
  if (set === null) {
    if ((options & XX) === 0) addToNew(call, first, options);
  } else if (first + 2 === argc) {
    addPair(call, set, set, first, score, options);
  } else {
    addAsOne(call, set, first, options);
  }
  if (outcome.added + outcome.updated === 0) return;
  call.changed(1, (options & INCR) !== 0 ? "zincr" : "zadd", Notify.ZSET);
  call.dirty += outcome.added + outcome.updated - 1;
}

function addToNew(call: Call, first: number, options: number): void {
  const set = createForMembers(call, (call.argc - first) >>> 1, first + 1);
  try {
    for (let i = first; i < call.argc; i += 2) addPair(call, set, set, i, call.float(i), options);
    adopt(call, 1, set);
  } catch (full) {
    freeEntry(call.keyspace.arena, set.entry);
    throw full;
  }
}

function addAsOne(call: Call, set: SortedSetValue, first: number, options: number): void {
  const change = changeOf(call);
  change.begin(set);
  try {
    for (let i = first; i < call.argc; i += 2)
      addPair(call, set, change, i, call.float(i), options);
    change.commit();
  } catch (full) {
    change.rollBack();
    throw full;
  }
}

export const zadd = command({
  name: "zadd",
  group: "sorted-set",
  since: "1.2.0",
  summary: "Adds members with scores to a sorted set, or gives present ones other scores.",
  complexity: "O(log(N)) for each member, where N is the number of members.",
  arity: -4,
  flags: ["write", "denyoom", "fast"],
  keys: [keyAt(1, "RW", "update")],
  elements: { first: 3, step: 2 },
  args: [
    arg.key("key"),
    {
      ...arg.oneOf("condition", arg.token("nx", "NX"), arg.token("xx", "XX")),
      optional: true,
      since: "3.0.2",
    },
    {
      ...arg.oneOf("comparison", arg.token("gt", "GT"), arg.token("lt", "LT")),
      optional: true,
      since: "6.2.0",
    },
    arg.optional(arg.token("change", "CH", { since: "3.0.2" })),
    arg.optional(arg.token("increment", "INCR", { since: "3.0.2" })),
    arg.many(arg.block("data", arg.double("score"), arg.string("member"))),
  ],
  history: [
    ["2.4.0", "Takes several members."],
    ["3.0.2", "Takes `XX`, `NX`, `CH` and `INCR`."],
    ["6.2.0", "Takes `GT` and `LT`."],
  ],

  run(call) {
    const { argc } = call;
    let first = 2;
    let options = 0;
    for (let option = optionAt(call, first); option !== 0; ) {
      options |= option;
      first++;
      option = first < argc ? optionAt(call, first) : 0;
    }
    const words = argc - first;
    if (words === 0 || words % 2 !== 0) throw errors.syntax;
    if ((options & NX) !== 0 && (options & XX) !== 0) throw nxWithXx;
    const sides = ((options & NX) !== 0 ? 1 : 0) + ((options & GT) >> 2) + ((options & LT) >> 3);
    if (sides > 1) throw gtLtNx;
    if ((options & INCR) !== 0 && words > 2) throw onlyOnePair;
    addPairs(call, first, options);
    if ((options & INCR) === 0)
      call.reply.integer((options & CH) !== 0 ? outcome.added + outcome.updated : outcome.added);
    else if (outcome.isProcessed) call.reply.double(outcome.score);
    else call.reply.null();
  },
});

export const zincrby = command({
  name: "zincrby",
  group: "sorted-set",
  since: "1.2.0",
  summary: "Adds a number to the score of a member; a missing member counts as zero.",
  complexity: "O(log(N)) where N is the number of members.",
  arity: 4,
  flags: ["write", "denyoom", "fast"],
  keys: [keyAt(1, "RW", "access", "update")],
  elements: { first: 3, step: 0 },
  args: [arg.key("key"), arg.integer("increment"), arg.string("member")],

  run(call) {
    addPairs(call, 2, INCR);
    call.reply.double(outcome.score);
  },
});
