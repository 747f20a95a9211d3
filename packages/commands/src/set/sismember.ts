/** Asking a set: SISMEMBER, SMISMEMBER, SCARD, SMEMBERS. */
import { arg } from "../declare/arg.ts";
import { command } from "../declare/command.ts";
import { keyAt } from "../declare/key-spec.ts";
import { hasMember, readSet, replyAll } from "./set-at.ts";

export const sismember = command({
  name: "sismember",
  group: "set",
  since: "1.0.0",
  summary: "Tells whether a set has a member.",
  complexity: "O(1)",
  arity: 3,
  flags: ["readonly", "fast"],
  keys: [keyAt(1, "RO")],
  elements: { first: 2, step: 0 },
  args: [arg.key("key"), arg.string("member")],

  run(call) {
    const set = readSet(call, 1);
    call.reply.integer(set !== null && hasMember(call, set, 2) ? 1 : 0);
  },
});

export const smismember = command({
  name: "smismember",
  group: "set",
  since: "6.2.0",
  summary: "Tells of several members whether a set has them.",
  complexity: "O(N) where N is the number of members asked for.",
  arity: -3,
  flags: ["readonly", "fast"],
  keys: [keyAt(1, "RO", "access")],
  elements: { first: 2, step: 1 },
  args: [arg.key("key"), arg.many(arg.string("member"))],

  run(call) {
    const set = readSet(call, 1);
    const { argc } = call;
    call.reply.array(argc - 2);
    for (let i = 2; i < argc; i++)
      call.reply.integer(set !== null && hasMember(call, set, i) ? 1 : 0);
  },
});

export const scard = command({
  name: "scard",
  group: "set",
  since: "1.0.0",
  summary: "Returns how many members a set has.",
  complexity: "O(1)",
  arity: 2,
  flags: ["readonly", "fast"],
  keys: [keyAt(1, "RO")],
  args: [arg.key("key")],

  run(call) {
    const set = readSet(call, 1);
    call.reply.integer(set === null ? 0 : set.length);
  },
});

export const smembers = command({
  name: "smembers",
  group: "set",
  since: "1.0.0",
  summary: "Returns all members of a set.",
  complexity: "O(N) where N is the number of members.",
  arity: 2,
  flags: ["readonly"],
  keys: [keyAt(1, "RO", "access")],
  args: [arg.key("key")],
  tips: ["nondeterministic_output_order"],

  run(call) {
    const set = readSet(call, 1);
    if (set === null) call.reply.set(0);
    else replyAll(call, set);
  },
});
