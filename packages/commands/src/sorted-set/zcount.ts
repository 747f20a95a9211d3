/** ZCOUNT and ZLEXCOUNT: how many members are between two bounds. */
import { arg } from "../declare/arg.ts";
import { command } from "../declare/command.ts";
import { keyAt } from "../declare/key-spec.ts";
import { MemberBound, RankRange, ScoreBound } from "./range-bounds.ts";
import { readSortedSet } from "./sorted-set-at.ts";

const range = new RankRange();
const lowerScore = new ScoreBound();
const upperScore = new ScoreBound();
const lowerMember = new MemberBound();
const upperMember = new MemberBound();

export const zcount = command({
  name: "zcount",
  group: "sorted-set",
  since: "2.0.0",
  summary: "Returns how many members of a sorted set have scores between two bounds.",
  complexity: "O(log(N)) where N is the number of members.",
  arity: 4,
  flags: ["readonly", "fast"],
  keys: [keyAt(1, "RO", "access")],
  args: [arg.key("key"), arg.double("min"), arg.double("max")],

  run(call) {
    lowerScore.parse(call, 2);
    upperScore.parse(call, 3);
    const set = readSortedSet(call, 1);
    call.reply.integer(set === null ? 0 : range.byScore(set, lowerScore, upperScore).count);
  },
});

export const zlexcount = command({
  name: "zlexcount",
  group: "sorted-set",
  since: "2.8.9",
  summary: "Returns how many members are between two others, where all scores are the same.",
  complexity: "O(log(N)) where N is the number of members.",
  arity: 4,
  flags: ["readonly", "fast"],
  keys: [keyAt(1, "RO", "access")],
  args: [arg.key("key"), arg.string("min"), arg.string("max")],

  run(call) {
    lowerMember.parse(call, 2);
    upperMember.parse(call, 3);
    const set = readSortedSet(call, 1);
    call.reply.integer(
      set === null ? 0 : range.byMember(set, lowerMember, upperMember, false).count,
    );
  },
});
