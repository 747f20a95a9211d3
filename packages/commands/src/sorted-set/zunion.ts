/** Set algebra with scores: ZUNION, ZINTER, ZDIFF, what stores their results, and ZINTERCARD. */
import { arg } from "../declare/arg.ts";
import { command } from "../declare/command.ts";
import { keyAt, keyCountAt } from "../declare/key-spec.ts";
import {
  combiningArgs,
  countShared,
  intersect,
  parseOperation,
  replyResult,
  storeResult,
  subtract,
  unite,
} from "./set-operation.ts";

const inputArgs = [arg.integer("numkeys"), arg.many(arg.key("key"))];
const storedArgs = [
  arg.key("destination"),
  arg.integer("numkeys"),
  arg.many(arg.key("key", { keySpecIndex: 1 })),
];
const withScores = arg.optional(arg.token("withscores", "WITHSCORES"));
const storedKeys = [keyAt(1, "OW", "update"), keyCountAt(2, "RO", "access")];

const unionComplexity =
  "O(N)+O(M*log(M)) where N is the sum of the sizes of the inputs and M the size of the result.";
const interComplexity =
  "O(N*K)+O(M*log(M)) at worst, where N is the size of the smallest of K inputs and M that of the result.";
const diffComplexity =
  "O(N*K)+O(M*log(M)) at worst, where N is the size of the first of K inputs and M that of the result.";

export const zunion = command({
  name: "zunion",
  group: "sorted-set",
  since: "6.2.0",
  summary: "Returns the members that any of several sorted sets has.",
  complexity: unionComplexity,
  arity: -3,
  flags: ["readonly", "movablekeys"],
  keys: [keyCountAt(1, "RO", "access")],
  args: [...inputArgs, ...combiningArgs, withScores],

  run(call) {
    const operation = parseOperation(call, 1, { combines: true, shows: true });
    replyResult(call, operation, unite);
  },
});

export const zinter = command({
  name: "zinter",
  group: "sorted-set",
  since: "6.2.0",
  summary: "Returns the members that all of several sorted sets have.",
  complexity: interComplexity,
  arity: -3,
  flags: ["readonly", "movablekeys"],
  keys: [keyCountAt(1, "RO", "access")],
  args: [...inputArgs, ...combiningArgs, withScores],

  run(call) {
    const operation = parseOperation(call, 1, { combines: true, shows: true });
    replyResult(call, operation, intersect);
  },
});

export const zdiff = command({
  name: "zdiff",
  group: "sorted-set",
  since: "6.2.0",
  summary: "Returns the members of the first of several sorted sets that the others lack.",
  complexity: diffComplexity,
  arity: -3,
  flags: ["readonly", "movablekeys"],
  keys: [keyCountAt(1, "RO", "access")],
  args: [...inputArgs, withScores],

  run(call) {
    replyResult(call, parseOperation(call, 1, { shows: true }), subtract);
  },
});

export const zintercard = command({
  name: "zintercard",
  group: "sorted-set",
  since: "7.0.0",
  summary: "Returns how many members all of several sorted sets have.",
  complexity: "O(N*K) at worst, where N is the size of the smallest of K inputs.",
  arity: -3,
  flags: ["readonly", "movablekeys"],
  keys: [keyCountAt(1, "RO", "access")],
  args: [...inputArgs, arg.optional(arg.integer("limit", { token: "LIMIT" }))],

  run(call) {
    call.reply.integer(countShared(parseOperation(call, 1, { counts: true })));
  },
});

export const zunionstore = command({
  name: "zunionstore",
  group: "sorted-set",
  since: "2.0.0",
  summary: "Stores the members that any of several sorted sets has.",
  complexity: unionComplexity,
  arity: -4,
  flags: ["write", "denyoom", "movablekeys"],
  keys: storedKeys,
  args: [...storedArgs, ...combiningArgs],

  run(call) {
    storeResult(call, parseOperation(call, 2, { combines: true }), unite, "zunionstore");
  },
});

export const zinterstore = command({
  name: "zinterstore",
  group: "sorted-set",
  since: "2.0.0",
  summary: "Stores the members that all of several sorted sets have.",
  complexity: interComplexity,
  arity: -4,
  flags: ["write", "denyoom", "movablekeys"],
  keys: storedKeys,
  args: [...storedArgs, ...combiningArgs],

  run(call) {
    storeResult(call, parseOperation(call, 2, { combines: true }), intersect, "zinterstore");
  },
});

export const zdiffstore = command({
  name: "zdiffstore",
  group: "sorted-set",
  since: "6.2.0",
  summary: "Stores the members of the first of several sorted sets that the others lack.",
  complexity: diffComplexity,
  arity: -4,
  flags: ["write", "denyoom", "movablekeys"],
  keys: storedKeys,
  args: storedArgs,

  run(call) {
    storeResult(call, parseOperation(call, 2, {}), subtract, "zdiffstore");
  },
});
