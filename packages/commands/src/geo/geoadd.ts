/** GEOADD: places are added to a sorted set, as the scores that stand for them. */
import { Added, freeEntry, type SortedSetValue } from "@kv/core";
import type { Call } from "../call/call.ts";
import type { CommandWord } from "../call/call-context.ts";
import { errors } from "../call/errors.ts";
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
} from "../sorted-set/sorted-set-at.ts";
import { placeAt } from "./geo-at.ts";
import { place, scoreOfPlace } from "./geohash.ts";

const NX = 1;
const XX = 2;
const CH = 4;

/** What came of the places of one call. */
const outcome = { added: 0, updated: 0 };

/** Score of the place at two arguments. */
function scoreAt(call: Call, index: number): number {
  placeAt(call, index);
  return scoreOfPlace(place.longitude, place.latitude);
}

function addPlace(
  call: Call,
  set: SortedSetValue,
  target: MemberTarget,
  index: number,
  options: number,
): void {
  if ((options & (NX | XX)) !== 0) {
    const isThere = findArgument(call, set, index + 2);
    if (isThere ? (options & NX) !== 0 : (options & XX) !== 0) return;
  }
  const done = addArgument(call, target, index + 2, scoreAt(call, index));
  if (done === Added.NEW) outcome.added++;
  else if (done === Added.RESCORED) outcome.updated++;
}

/** Adds all places to a present sorted set, or none when there is no room for the last one. */
function addToPresent(call: Call, set: SortedSetValue, first: number, options: number): void {
  expectMembers(call, set, (call.argc - first) / 3);
  if (first + 3 === call.argc) {
    addPlace(call, set, set, first, options);
    return;
  }
  const change = changeOf(call);
  change.begin(set);
  try {
    for (let i = first; i < call.argc; i += 3) addPlace(call, set, change, i, options);
    change.commit();
  } catch (full) {
    change.rollBack();
    throw full;
  }
}

function addToNew(call: Call, first: number, options: number): void {
  if ((options & XX) !== 0) return;
  const set = createForMembers(call, (call.argc - first) / 3, first + 2);
  try {
    for (let i = first; i < call.argc; i += 3) addPlace(call, set, set, i, options);
    adopt(call, 1, set);
  } catch (full) {
    freeEntry(call.keyspace.arena, set.entry);
    throw full;
  }
}

/** It goes on as the ZADD that it comes to. */
function propagate(call: Call, first: number): void {
  const words: CommandWord[] = ["zadd"];
  for (let i = 1; i < first; i++) words.push(call.argument(i));
  for (let i = first; i < call.argc; i += 3) words.push(scoreAt(call, i), call.argument(i + 2));
  call.propagateAs(...words);
}

export const geoadd = command({
  name: "geoadd",
  group: "geo",
  since: "3.2.0",
  summary: "Adds members with their places to a sorted set, or moves present ones.",
  complexity: "O(log(N)) for each member, where N is the number of members.",
  arity: -5,
  flags: ["write", "denyoom"],
  keys: [keyAt(1, "RW", "update")],
  args: [
    arg.key("key"),
    {
      ...arg.optional(arg.oneOf("condition", arg.token("nx", "NX"), arg.token("xx", "XX"))),
      since: "6.2.0",
    },
    arg.optional(arg.token("change", "CH", { since: "6.2.0" })),
    arg.many(
      arg.block("data", arg.double("longitude"), arg.double("latitude"), arg.string("member")),
    ),
  ],
  history: [["6.2.0", "New options `CH`, `NX` and `XX`."]],

  run(call) {
    let first = 2;
    let options = 0;
    for (; first < call.argc; first++) {
      if (call.is(first, "NX")) options |= NX;
      else if (call.is(first, "XX")) options |= XX;
      else if (call.is(first, "CH")) options |= CH;
      else break;
    }
    const words = call.argc - first;
    if (words % 3 !== 0 || (options & (NX | XX)) === (NX | XX)) throw errors.syntax;
    // Every place is read before anything changes.
    for (let i = first; i < call.argc; i += 3) placeAt(call, i);
    if (words === 0) throw errors.syntax;
    outcome.added = 0;
    outcome.updated = 0;
    const set = writeSortedSet(call, 1);
    if (set === null) addToNew(call, first, options);
    else addToPresent(call, set, first, options);
    const changes = outcome.added + outcome.updated;
    if (changes > 0) {
      call.changed(1, "zadd", Notify.ZSET);
      call.dirty += changes - 1;
      if (call.propagates) propagate(call, first);
    }
    call.reply.integer((options & CH) !== 0 ? changes : outcome.added);
  },
});
