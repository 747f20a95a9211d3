/** Single members, and how many there are: ZSCORE, ZMSCORE, ZRANK, ZREVRANK, ZCARD. */
import type { Call } from "../call/call.ts";
import { arityError, errors } from "../call/errors.ts";
import { arg } from "../declare/arg.ts";
import { command } from "../declare/command.ts";
import { keyAt } from "../declare/key-spec.ts";
import { findArgument, readSortedSet } from "./sorted-set-at.ts";

export const zscore = command({
  name: "zscore",
  group: "sorted-set",
  since: "1.2.0",
  summary: "Returns the score of a member of a sorted set.",
  complexity: "O(1)",
  arity: 3,
  flags: ["readonly", "fast"],
  keys: [keyAt(1, "RO", "access")],
  elements: { first: 2, step: 0 },
  args: [arg.key("key"), arg.string("member")],

  run(call) {
    const set = readSortedSet(call, 1);
    if (set === null || !findArgument(call, set, 2)) call.reply.null();
    else call.reply.double(set.score);
  },
});

export const zmscore = command({
  name: "zmscore",
  group: "sorted-set",
  since: "6.2.0",
  summary: "Returns the scores of several members of a sorted set; null for those it lacks.",
  complexity: "O(N) where N is the number of members asked for.",
  arity: -3,
  flags: ["readonly", "fast"],
  keys: [keyAt(1, "RO", "access")],
  elements: { first: 2, step: 1 },
  args: [arg.key("key"), arg.many(arg.string("member"))],

  run(call) {
    const set = readSortedSet(call, 1);
    const { argc } = call;
    call.reply.array(argc - 2);
    for (let i = 2; i < argc; i++) {
      if (set === null || !findArgument(call, set, i)) call.reply.null();
      else call.reply.double(set.score);
    }
  },
});

export const zcard = command({
  name: "zcard",
  group: "sorted-set",
  since: "1.2.0",
  summary: "Returns how many members a sorted set has.",
  complexity: "O(1)",
  arity: 2,
  flags: ["readonly", "fast"],
  keys: [keyAt(1, "RO")],
  args: [arg.key("key")],

  run(call) {
    const set = readSortedSet(call, 1);
    call.reply.integer(set === null ? 0 : set.length);
  },
});

/** How many members come before the one at argument 2, or behind it, and if wanted its score. */
function replyRank(call: Call, fromEnd: boolean): void {
  const withScore = call.argc > 3;
  if (call.argc > 4) throw arityError(fromEnd ? "zrevrank" : "zrank");
  if (withScore && !call.is(3, "WITHSCORE")) throw errors.syntax;
  const set = readSortedSet(call, 1);
  let rank = -1;
  if (set !== null) rank = set.rankOf(call.bytes, call.view, call.start(2), call.end(2));
  if (set === null || rank === -1) {
    if (withScore) call.reply.nullArray();
    else call.reply.null();
    return;
  }
  if (withScore) call.reply.array(2);
  call.reply.integer(fromEnd ? set.length - 1 - rank : rank);
  if (withScore) call.reply.double(set.score);
}

export const zrank = command({
  name: "zrank",
  group: "sorted-set",
  since: "2.0.0",
  summary: "Returns how many members of a sorted set come before one.",
  complexity: "O(log(N))",
  arity: -3,
  flags: ["readonly", "fast"],
  keys: [keyAt(1, "RO", "access")],
  elements: { first: 2, step: 0 },
  args: [arg.key("key"), arg.string("member"), arg.optional(arg.token("withscore", "WITHSCORE"))],
  history: [["7.2.0", "Takes `WITHSCORE`."]],

  run(call) {
    replyRank(call, false);
  },
});

export const zrevrank = command({
  name: "zrevrank",
  group: "sorted-set",
  since: "2.0.0",
  summary: "Returns how many members of a sorted set come behind one.",
  complexity: "O(log(N))",
  arity: -3,
  flags: ["readonly", "fast"],
  keys: [keyAt(1, "RO", "access")],
  elements: { first: 2, step: 0 },
  args: [arg.key("key"), arg.string("member"), arg.optional(arg.token("withscore", "WITHSCORE"))],
  history: [["7.2.0", "Takes `WITHSCORE`."]],

  run(call) {
    replyRank(call, true);
  },
});
