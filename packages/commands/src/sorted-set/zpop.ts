/** ZPOPMIN and ZPOPMAX, and BZPOPMIN and BZPOPMAX, which wait for a member. */
import { Type } from "@kv/core";
import type { Call } from "../call/call.ts";
import { errors } from "../call/errors.ts";
import { timeoutAt } from "../call/timeout.ts";
import { arg } from "../declare/arg.ts";
import { command } from "../declare/command.ts";
import { keyAt, keyRange } from "../declare/key-spec.ts";
import { type PopForm, pop, propagatePop } from "./pop.ts";
import { writeSortedSet } from "./sorted-set-at.ts";

const FLAT: PopForm = { withKey: false, nested: false };
const NESTED: PopForm = { withKey: false, nested: true };
const WITH_KEY: PopForm = { withKey: true, nested: false };

function runPop(call: Call, fromEnd: boolean): void {
  const { argc, reply } = call;
  if (argc > 3) throw errors.syntax;
  let count = 1;
  if (argc === 3) {
    count = call.integer(2, errors.mustBePositive);
    if (count < 0) throw errors.mustBePositive;
  }
  const set = writeSortedSet(call, 1);
  if (set === null || count === 0) {
    reply.emptyArray();
    return;
  }
  pop(call, 1, set, fromEnd, count, argc === 3 && reply.resp3 ? NESTED : FLAT);
}

export const zpopmin = command({
  name: "zpopmin",
  group: "sorted-set",
  since: "5.0.0",
  summary: "Takes the members with the lowest scores out of a sorted set and returns them.",
  complexity: "O(log(N)*M) where N is the number of members and M that of those taken.",
  arity: -2,
  flags: ["write", "fast"],
  keys: [keyAt(1, "RW", "access", "delete")],
  args: [arg.key("key"), arg.optional(arg.integer("count"))],

  run(call) {
    runPop(call, false);
  },
});

export const zpopmax = command({
  name: "zpopmax",
  group: "sorted-set",
  since: "5.0.0",
  summary: "Takes the members with the highest scores out of a sorted set and returns them.",
  complexity: "O(log(N)*M) where N is the number of members and M that of those taken.",
  arity: -2,
  flags: ["write", "fast"],
  keys: [keyAt(1, "RW", "access", "delete")],
  args: [arg.key("key"), arg.optional(arg.integer("count"))],

  run(call) {
    runPop(call, true);
  },
});

/** Takes a member of the first key that has any, or waits for one. */
function runBlockingPop(call: Call, fromEnd: boolean): void {
  const last = call.argc - 1;
  const untilMs = timeoutAt(call, last);
  for (let key = 1; key < last; key++) {
    const set = writeSortedSet(call, key);
    if (set === null) continue;
    pop(call, key, set, fromEnd, 1, WITH_KEY);
    propagatePop(call, key, fromEnd, -1);
    return;
  }
  if (!call.mayWait) call.reply.nullArray();
  else call.waitFor({ firstKey: 1, keyCount: last - 1, type: Type.ZSET, untilMs });
}

export const bzpopmin = command({
  name: "bzpopmin",
  group: "sorted-set",
  since: "5.0.0",
  summary: "Takes the member with the lowest score out of a sorted set; waits for one if need be.",
  complexity: "O(log(N)) where N is the number of members.",
  arity: -3,
  flags: ["write", "blocking", "fast"],
  keys: [keyRange(1, -2, 1, "RW", "access", "delete")],
  args: [arg.many(arg.key("key")), arg.double("timeout")],
  history: [["6.0.0", "The timeout may be a fraction."]],

  run(call) {
    runBlockingPop(call, false);
  },
});

export const bzpopmax = command({
  name: "bzpopmax",
  group: "sorted-set",
  since: "5.0.0",
  summary: "Takes the member with the highest score out of a sorted set; waits for one if need be.",
  complexity: "O(log(N)) where N is the number of members.",
  arity: -3,
  flags: ["write", "blocking", "fast"],
  keys: [keyRange(1, -2, 1, "RW", "access", "delete")],
  args: [arg.many(arg.key("key")), arg.double("timeout")],
  history: [["6.0.0", "The timeout may be a fraction."]],

  run(call) {
    runBlockingPop(call, true);
  },
});
