/** What ZRANGE has made superfluous: ZREVRANGE, ZRANGEBYSCORE, ZRANGEBYLEX and the two in reverse. */
import { arg } from "../declare/arg.ts";
import { command } from "../declare/command.ts";
import { keyAt } from "../declare/key-spec.ts";
import { RangeRequest } from "./range-request.ts";
import { readSortedSet } from "./sorted-set-at.ts";

const request = new RangeRequest();

const limit = {
  ...arg.block("limit", arg.integer("offset"), arg.integer("count")),
  token: "LIMIT",
  optional: true,
};
const withScores = arg.optional(arg.token("withscores", "WITHSCORES"));
const complexity = "O(log(N)+M) where N is the number of members and M that of those returned.";

export const zrevrange = command({
  name: "zrevrange",
  group: "sorted-set",
  since: "1.2.0",
  summary: "Returns a range of the members of a sorted set, counted from the last one.",
  complexity,
  arity: -4,
  flags: ["readonly", "timed_in_runs"],
  keys: [keyAt(1, "RO", "access")],
  args: [arg.key("key"), arg.integer("start"), arg.integer("stop"), withScores],
  docFlags: ["deprecated"],
  deprecatedSince: "6.2.0",
  replacedBy: "`ZRANGE` with the `REV` argument",

  run(call) {
    request.parse(call, 2, "rank", true, false);
    request.reply(call, readSortedSet(call, 1));
  },
});

export const zrangebyscore = command({
  name: "zrangebyscore",
  group: "sorted-set",
  since: "1.0.5",
  summary: "Returns the members of a sorted set with scores between two bounds.",
  complexity,
  arity: -4,
  flags: ["readonly", "timed_in_runs"],
  keys: [keyAt(1, "RO", "access")],
  args: [
    arg.key("key"),
    arg.double("min"),
    arg.double("max"),
    { ...withScores, since: "2.0.0" },
    limit,
  ],
  history: [["2.0.0", "Takes `WITHSCORES`."]],
  docFlags: ["deprecated"],
  deprecatedSince: "6.2.0",
  replacedBy: "`ZRANGE` with the `BYSCORE` argument",

  run(call) {
    request.parse(call, 2, "score", false, false);
    request.reply(call, readSortedSet(call, 1));
  },
});

export const zrevrangebyscore = command({
  name: "zrevrangebyscore",
  group: "sorted-set",
  since: "2.2.0",
  summary: "Returns the members with scores between two bounds, the highest first.",
  complexity,
  arity: -4,
  flags: ["readonly", "timed_in_runs"],
  keys: [keyAt(1, "RO", "access")],
  args: [arg.key("key"), arg.double("max"), arg.double("min"), withScores, limit],
  history: [["2.1.6", "A bound may be exclusive."]],
  docFlags: ["deprecated"],
  deprecatedSince: "6.2.0",
  replacedBy: "`ZRANGE` with the `REV` and `BYSCORE` arguments",

  run(call) {
    request.parse(call, 2, "score", true, false);
    request.reply(call, readSortedSet(call, 1));
  },
});

export const zrangebylex = command({
  name: "zrangebylex",
  group: "sorted-set",
  since: "2.8.9",
  summary: "Returns the members between two others, of a sorted set whose scores are all the same.",
  complexity,
  arity: -4,
  flags: ["readonly", "timed_in_runs"],
  keys: [keyAt(1, "RO", "access")],
  args: [arg.key("key"), arg.string("min"), arg.string("max"), limit],
  docFlags: ["deprecated"],
  deprecatedSince: "6.2.0",
  replacedBy: "`ZRANGE` with the `BYLEX` argument",

  run(call) {
    request.parse(call, 2, "member", false, false);
    request.reply(call, readSortedSet(call, 1));
  },
});

export const zrevrangebylex = command({
  name: "zrevrangebylex",
  group: "sorted-set",
  since: "2.8.9",
  summary: "Returns the members between two others, the last first, where all scores are the same.",
  complexity,
  arity: -4,
  flags: ["readonly", "timed_in_runs"],
  keys: [keyAt(1, "RO", "access")],
  args: [arg.key("key"), arg.string("max"), arg.string("min"), limit],
  docFlags: ["deprecated"],
  deprecatedSince: "6.2.0",
  replacedBy: "`ZRANGE` with the `REV` and `BYLEX` arguments",

  run(call) {
    request.parse(call, 2, "member", true, false);
    request.reply(call, readSortedSet(call, 1));
  },
});
