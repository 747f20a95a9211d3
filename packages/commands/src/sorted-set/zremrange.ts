/** ZREMRANGEBYRANK, ZREMRANGEBYSCORE, ZREMRANGEBYLEX: members that go with a range. */
import type { SortedSetValue } from "@kv/core";
import type { Call } from "../call/call.ts";
import { arg } from "../declare/arg.ts";
import { command } from "../declare/command.ts";
import { keyAt } from "../declare/key-spec.ts";
import { MemberBound, RankRange, ScoreBound } from "./range-bounds.ts";
import { membersRemoved, writeSortedSet } from "./sorted-set-at.ts";

const range = new RankRange();
const lowerScore = new ScoreBound();
const upperScore = new ScoreBound();
const lowerMember = new MemberBound();
const upperMember = new MemberBound();

const complexity = "O(log(N)+M) where N is the number of members and M that of those removed.";

/** Removes the range, and says so. */
function removeRange(call: Call, set: SortedSetValue, event: string): void {
  const { first, count } = range;
  if (count !== 0) {
    set.deleteRange(first, count);
    membersRemoved(call, 1, set, count, event);
  }
  call.reply.integer(count);
}

export const zremrangebyrank = command({
  name: "zremrangebyrank",
  group: "sorted-set",
  since: "2.0.0",
  summary: "Removes a range of the members of a sorted set.",
  complexity,
  arity: 4,
  flags: ["write"],
  keys: [keyAt(1, "RW", "delete")],
  args: [arg.key("key"), arg.integer("start"), arg.integer("stop")],

  run(call) {
    const start = call.integer(2);
    const stop = call.integer(3);
    const set = writeSortedSet(call, 1);
    if (set === null) return call.reply.integer(0);
    range.byRank(set.length, start, stop);
    removeRange(call, set, "zremrangebyrank");
  },
});

export const zremrangebyscore = command({
  name: "zremrangebyscore",
  group: "sorted-set",
  since: "1.2.0",
  summary: "Removes the members of a sorted set with scores between two bounds.",
  complexity,
  arity: 4,
  flags: ["write"],
  keys: [keyAt(1, "RW", "delete")],
  args: [arg.key("key"), arg.double("min"), arg.double("max")],

  run(call) {
    lowerScore.parse(call, 2);
    upperScore.parse(call, 3);
    const set = writeSortedSet(call, 1);
    if (set === null) return call.reply.integer(0);
    range.byScore(set, lowerScore, upperScore);
    removeRange(call, set, "zremrangebyscore");
  },
});

export const zremrangebylex = command({
  name: "zremrangebylex",
  group: "sorted-set",
  since: "2.8.9",
  summary: "Removes the members between two others, where all scores are the same.",
  complexity,
  arity: 4,
  flags: ["write"],
  keys: [keyAt(1, "RW", "delete")],
  args: [arg.key("key"), arg.string("min"), arg.string("max")],

  run(call) {
    lowerMember.parse(call, 2);
    upperMember.parse(call, 3);
    const set = writeSortedSet(call, 1);
    if (set === null) return call.reply.integer(0);
    range.byMember(set, lowerMember, upperMember, false);
    removeRange(call, set, "zremrangebylex");
  },
});
