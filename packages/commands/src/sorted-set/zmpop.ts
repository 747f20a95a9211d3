/** ZMPOP and BZMPOP: members of the first of several sorted sets that has any. */
import { Type } from "@kv/core";
import type { Call } from "../call/call.ts";
import { CommandError, errors } from "../call/errors.ts";
import { timeoutAt } from "../call/timeout.ts";
import { arg } from "../declare/arg.ts";
import { command } from "../declare/command.ts";
import { keyCountAt } from "../declare/key-spec.ts";
import { type PopForm, pop, propagatePop } from "./pop.ts";
import { writeSortedSet } from "./sorted-set-at.ts";

const WITH_KEY: PopForm = { withKey: true, nested: true };

const keysMissing = new CommandError("ERR numkeys should be greater than 0");
const countMissing = new CommandError("ERR count should be greater than 0");

/** What the arguments ask for: plain numbers, written before they are read. */
const wanted = { keyCount: 0, fromEnd: false, count: 0 };

function parse(call: Call, countIndex: number): void {
  const { argc } = call;
  wanted.keyCount = call.integer(countIndex, keysMissing);
  if (wanted.keyCount < 1) throw keysMissing;
  const where = countIndex + wanted.keyCount + 1;
  if (where >= argc) throw errors.syntax;
  wanted.fromEnd = call.is(where, "MAX");
  if (!wanted.fromEnd && !call.is(where, "MIN")) throw errors.syntax;
  wanted.count = -1;
  for (let i = where + 1; i < argc; i++) {
    if (wanted.count !== -1 || !call.is(i, "COUNT") || i + 1 === argc) throw errors.syntax;
    wanted.count = call.integer(++i, countMissing);
    if (wanted.count < 1) throw countMissing;
  }
  if (wanted.count === -1) wanted.count = 1;
}

/** True when one of the keys had members, which are then taken. */
function popped(call: Call, firstKey: number): boolean {
  for (let key = firstKey; key < firstKey + wanted.keyCount; key++) {
    const set = writeSortedSet(call, key);
    if (set === null) continue;
    const taken = Math.min(wanted.count, set.length);
    pop(call, key, set, wanted.fromEnd, wanted.count, WITH_KEY);
    propagatePop(call, key, wanted.fromEnd, taken);
    return true;
  }
  return false;
}

const poppingArgs = [
  arg.integer("numkeys"),
  arg.many(arg.key("key")),
  arg.oneOf("where", arg.token("min", "MIN"), arg.token("max", "MAX")),
  arg.optional(arg.integer("count", { token: "COUNT" })),
];
const complexity =
  "O(K)+O(M*log(N)) where K is the number of keys, N that of members and M that of those taken.";

export const zmpop = command({
  name: "zmpop",
  group: "sorted-set",
  since: "7.0.0",
  summary: "Takes members out of the first of several sorted sets that has any, and returns them.",
  complexity,
  arity: -4,
  flags: ["write", "movablekeys"],
  keys: [keyCountAt(1, "RW", "access", "delete")],
  args: poppingArgs,

  run(call) {
    parse(call, 1);
    if (!popped(call, 2)) call.reply.nullArray();
  },
});

export const bzmpop = command({
  name: "bzmpop",
  group: "sorted-set",
  since: "7.0.0",
  summary: "As ZMPOP, and waits where none of the sorted sets has a member.",
  complexity,
  arity: -5,
  flags: ["write", "blocking", "movablekeys"],
  keys: [keyCountAt(2, "RW", "access", "delete")],
  args: [arg.double("timeout"), ...poppingArgs],

  run(call) {
    parse(call, 2);
    const untilMs = timeoutAt(call, 1);
    if (popped(call, 3)) return;
    if (!call.mayWait) call.reply.nullArray();
    else call.waitFor({ firstKey: 3, keyCount: wanted.keyCount, type: Type.ZSET, untilMs });
  },
});
