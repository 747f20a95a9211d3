/** SRANDMEMBER: one random member, some different ones, or some with repetition. */
import { Int64, RefSet, type SetValue, toNumber } from "@kv/core";
import type { Call } from "../call/call.ts";
import { replyDrawn } from "../call/drawn.ts";
import { errors } from "../call/errors.ts";
import { arg } from "../declare/arg.ts";
import { command } from "../declare/command.ts";
import { keyAt } from "../declare/key-spec.ts";
import { countOutOfRange, readSet, replyMember } from "./set-at.ts";

/** Up to so many picked members are remembered: 32 MiB for a while. */
const PICKED_MAX = 2 ** 22;

const wide = new Int64();

export const srandmember = command({
  name: "srandmember",
  group: "set",
  since: "1.0.0",
  summary: "Returns random members of a set.",
  complexity: "O(1) without a count, else O(N) where N is the absolute value of the count.",
  arity: -2,
  flags: ["readonly", "timed_in_runs"],
  keys: [keyAt(1, "RO", "access")],
  args: [arg.key("key"), arg.optional(arg.integer("count", { since: "2.6.0" }))],
  history: [["2.6.0", "Takes a count."]],
  tips: ["nondeterministic_output"],

  run(call) {
    if (call.argc > 3) throw errors.syntax;
    if (call.argc === 2) {
      const set = readSet(call, 1);
      if (set?.random(call.keyspace.random32)) replyMember(call, set.member);
      else call.reply.null();
      return;
    }
    const count = countArgument(call);
    const set = readSet(call, 1);
    if (set === null || count === 0) call.reply.array(0);
    else if (count < 0) replyRepeated(call, set, -count);
    else if (count >= set.length) replySelection(call, set, set.length);
    else if (isSelected(set, count)) replySelection(call, set, count);
    else replyPicked(call, set, count);
  },
});

function countArgument(call: Call): number {
  call.int64(2, wide);
  const { hi, lo } = wide;
  if (hi === -(2 ** 31) && lo === 0) throw countOutOfRange;
  return toNumber(hi, lo);
}

/** `count` random members, of which some may come several times. */
function replyRepeated(call: Call, set: SetValue, count: number): void {
  const { random32 } = call.keyspace;
  const draw = () => {
    set.random(random32);
    replyMember(call, set.member);
  };
  replyDrawn(call, count, () => call.reply.array(count), draw);
}

/**
 * Whether to walk over all members, which needs no memory, or to pick some and remember which. To
 * pick a few of a table is the quicker way; a listpack has to be walked for each member anyway.
 */
function isSelected(set: SetValue, count: number): boolean {
  return !set.isTable || count > PICKED_MAX || count * 3 > set.length;
}

/** One walk over all members that takes each with the probability that is left over. */
function replySelection(call: Call, set: SetValue, count: number): void {
  const { random32 } = call.keyspace;
  call.reply.array(count);
  let wanted = count;
  set.rewind();
  for (let left = set.length; wanted > 0; left--) {
    if (((random32() >>> 0) / 2 ** 32) * left >= wanted) {
      set.skip();
      continue;
    }
    set.next();
    replyMember(call, set.member);
    wanted--;
  }
}

/** Random members of a table, skipping those already picked. */
function replyPicked(call: Call, set: SetValue, count: number): void {
  const { random32 } = call.keyspace;
  const picked = new RefSet(count);
  call.reply.array(count);
  for (let left = count; left > 0; ) {
    if (!picked.add(set.randomEntry(random32))) continue;
    replyMember(call, set.member);
    left--;
  }
  picked.free();
}
