/** ZRANDMEMBER: one random member, some different ones, or some with repetition. */
import { Int64, RefSet, type SortedSetValue, toNumber } from "@kv/core";
import type { Call } from "../call/call.ts";
import { replyDrawn } from "../call/drawn.ts";
import { CommandError, errors } from "../call/errors.ts";
import { arg } from "../declare/arg.ts";
import { command } from "../declare/command.ts";
import { keyAt } from "../declare/key-spec.ts";
import { readSortedSet, replyMember, replyMembersHeader, replyText } from "./sorted-set-at.ts";

/** Up to so many picked ranks are remembered: 32 MiB for a while. */
const PICKED_MAX = 2 ** 22;

const countOutOfRange = new CommandError(
  "ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807",
);
const wide = new Int64();

export const zrandmember = command({
  name: "zrandmember",
  group: "sorted-set",
  since: "6.2.0",
  summary: "Returns random members of a sorted set.",
  complexity: "O(N) where N is the number of members returned.",
  arity: -2,
  flags: ["readonly"],
  keys: [keyAt(1, "RO", "access")],
  args: [
    arg.key("key"),
    arg.optional(
      arg.block(
        "options",
        arg.integer("count"),
        arg.optional(arg.token("withscores", "WITHSCORES")),
      ),
    ),
  ],
  tips: ["nondeterministic_output"],

  run(call) {
    const { random32 } = call.keyspace;
    if (call.argc === 2) {
      const set = readSortedSet(call, 1);
      if (set?.random(random32)) replyText(call, set.member);
      else call.reply.null();
      return;
    }
    const withScores = call.argc > 3;
    const count = countArgument(call, withScores);
    const set = readSortedSet(call, 1);
    if (set === null || count === 0) call.reply.emptyArray();
    else if (count < 0) replyRepeated(call, set, -count, withScores);
    else if (count >= set.length || count > PICKED_MAX || count * 3 > set.length)
      replySelection(call, set, Math.min(count, set.length), withScores);
    else replyPicked(call, set, count, withScores);
  },
});

/** The count, and the checks that Redis makes before it looks at the key. */
function countArgument(call: Call, withScores: boolean): number {
  call.int64(2, wide);
  const { hi, lo } = wide;
  if (hi === -(2 ** 31) && lo === 0) throw countOutOfRange;
  if (call.argc > 4 || (withScores && !call.is(3, "WITHSCORES"))) throw errors.syntax;
  // Twice the count must fit an int64, as RESP2 replies with members and scores in one list.
  const doubles = hi < 2 ** 30 && (hi > -(2 ** 30) || (hi === -(2 ** 30) && lo !== 0));
  if (withScores && !doubles) throw errors.outOfRange;
  return toNumber(hi, lo);
}

/** `count` random members, of which some may come several times. */
function replyRepeated(call: Call, set: SortedSetValue, count: number, withScores: boolean): void {
  const { random32 } = call.keyspace;
  const draw = () => {
    set.random(random32);
    replyMember(call, set, withScores);
  };
  replyDrawn(call, count, () => replyMembersHeader(call, count, withScores), draw);
}

/** One walk over all members that takes each with the probability that is left over. */
function replySelection(call: Call, set: SortedSetValue, count: number, withScores: boolean): void {
  const { random32 } = call.keyspace;
  replyMembersHeader(call, count, withScores);
  let wanted = count;
  set.seek(0);
  for (let left = set.length; wanted > 0; left--) {
    set.next();
    if (((random32() >>> 0) / 2 ** 32) * left >= wanted) continue;
    replyMember(call, set, withScores);
    wanted--;
  }
}

/** Random ranks, skipping those already picked. */
function replyPicked(call: Call, set: SortedSetValue, count: number, withScores: boolean): void {
  const { random32 } = call.keyspace;
  const { length } = set;
  const picked = new RefSet(count);
  replyMembersHeader(call, count, withScores);
  for (let left = count; left > 0; ) {
    const rank = Math.floor(((random32() >>> 0) / 2 ** 32) * length);
    // No ref is 0, but a rank may be.
    if (!picked.add(rank + 1)) continue;
    set.seek(rank);
    set.next();
    replyMember(call, set, withScores);
    left--;
  }
  picked.free();
}
