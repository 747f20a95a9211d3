/**
 * SPOP: takes random members out of a set.
 *
 * One of three ways, by what is less work: all members when so many are asked for; one after the other
 * while that leaves a fifth of what is taken or more; else those that are to stay are picked, and move
 * into a new set. Who follows is told what went, as SREM, since it would choose others.
 */
import {
  ArenaFullError,
  Encoding,
  expiryMs,
  freeEntry,
  idleBits,
  type ListpackValue,
  RefSet,
  type SetValue,
  setIdleBits,
} from "@kv/core";
import type { Call } from "../call/call.ts";
import type { CommandWord } from "../call/call-context.ts";
import { errors } from "../call/errors.ts";
import { Kept } from "../call/kept.ts";
import { Notify } from "../call/notify.ts";
import { arg } from "../declare/arg.ts";
import { command } from "../declare/command.ts";
import { keyAt } from "../declare/key-spec.ts";
import { createAside, putSet, removeEmpty, replyAll, replyMember, writeSet } from "./set-at.ts";

/** When as many times what stays is less than what goes, it is what stays that moves. */
const STAYING_FACTOR = 5;
/** Members that one SREM names. */
const NAMED_AT_ONCE = 1024;

/** Says what went, in as many SREM as that needs. */
class Leavers {
  private words: CommandWord[] = [];
  private readonly call: Call;

  constructor(call: Call) {
    this.call = call;
  }

  add({ bytes, start, end }: ListpackValue): void {
    if (!this.call.propagates) return;
    this.words.push(bytes.slice(start, end));
    if (this.words.length === NAMED_AT_ONCE) this.flush();
  }

  flush(): void {
    if (this.words.length === 0) return;
    this.call.propagateAs("SREM", this.call.argument(1), ...this.words);
    this.words = [];
  }
}

const leaversOf = new Kept((call) => new Leavers(call));

export const spop = command({
  name: "spop",
  group: "set",
  since: "1.0.0",
  summary: "Takes random members out of a set and returns them.",
  complexity: "O(1) without a count, else O(N) where N is the count.",
  arity: -2,
  flags: ["write", "fast"],
  keys: [keyAt(1, "RW", "access", "delete")],
  args: [arg.key("key"), arg.optional(arg.integer("count", { since: "3.2.0" }))],
  history: [["3.2.0", "Takes a count."]],
  tips: ["nondeterministic_output"],

  run(call) {
    if (call.argc > 3) throw errors.syntax;
    if (call.argc === 3) popSeveral(call);
    else popOne(call);
  },
});

function popOne(call: Call): void {
  const set = writeSet(call, 1);
  if (set === null) {
    call.reply.null();
    return;
  }
  take(call, set);
  if (call.propagates) leaversOf.of(call).flush();
  tell(call, 1, removeEmpty(call, set));
}

/** Replies with a random member and removes it. */
function take(call: Call, set: SetValue): void {
  set.random(call.keyspace.random32);
  replyMember(call, set.member);
  if (call.propagates) leaversOf.of(call).add(set.member);
  set.deleteShown();
}

function tell(call: Call, count: number, isEmpty: boolean): void {
  call.event(1, "spop", Notify.SET);
  if (isEmpty) call.event(1, "del", Notify.GENERIC);
  call.modified(1);
  call.dirty += count - 1;
}

function popSeveral(call: Call): void {
  const count = call.integer(2, errors.mustBePositive);
  if (count < 0) throw errors.mustBePositive;
  const set = writeSet(call, 1);
  if (set === null || count === 0) {
    call.reply.set(0);
    return;
  }
  const { length } = set;
  if (count >= length) popAll(call, set);
  else {
    const staying = length - count;
    const moves = staying * STAYING_FACTOR <= count && popByMoving(call, set, count);
    if (!moves) popOneByOne(call, set, count);
    leaversOf.of(call).flush();
    tell(call, count, false);
  }
}

function popAll(call: Call, set: SetValue): void {
  const { length } = set;
  replyAll(call, set);
  const lazily = call.settings.lazyServerDel;
  call.database.remove(set.entry, lazily);
  if (call.propagates) call.propagateAs(lazily ? "UNLINK" : "DEL", call.argument(1));
  tell(call, length, true);
}

function popOneByOne(call: Call, set: SetValue, count: number): void {
  call.reply.set(count);
  for (let i = 0; i < count; i++) take(call, set);
}

/** Makes a set of random members that stay; the others are popped. False when there is no room for it. */
function popByMoving(call: Call, set: SetValue, count: number): boolean {
  const { arena } = call.keyspace;
  const { length, entry } = set;
  const staying = length - count;
  const encoding = set.encoding === Encoding.INTSET ? Encoding.INTSET : Encoding.LISTPACK;
  let made: SetValue | null = null;
  const picked = new RefSet(staying);
  try {
    made = createAside(call, 1, encoding, call.keyspace.seed, expiryMs(arena, entry));
    pick(call, set, made, picked, staying);
  } catch (full) {
    picked.free();
    if (made !== null) freeEntry(arena, made.entry);
    if (full instanceof ArenaFullError) return false;
    throw full;
  }
  call.reply.set(count);
  const leavers = leaversOf.of(call);
  set.rewind();
  while (set.next()) {
    if (picked.has(set.place)) continue;
    replyMember(call, set.member);
    leavers.add(set.member);
  }
  picked.free();
  setIdleBits(arena, made.entry, idleBits(arena, entry));
  putSet(call, 1, made, entry);
  return true;
}

/** Adds random members of the set to `made`, and their places to `picked`. */
function pick(call: Call, set: SetValue, made: SetValue, picked: RefSet, wanted: number): void {
  const limits = call.settings.limits.set;
  const { member } = set;
  for (let left = wanted; left > 0; ) {
    set.random(call.keyspace.random32);
    if (!picked.add(set.place)) continue;
    made.add(member.bytes, member.view, member.start, member.end, limits);
    left--;
  }
}
