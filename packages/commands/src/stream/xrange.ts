/** Entries by their IDs: XRANGE, XREVRANGE; and XLEN. */
import type { Call } from "../call/call.ts";
import { errors } from "../call/errors.ts";
import { arg } from "../declare/arg.ts";
import { command } from "../declare/command.ts";
import { keyAt } from "../declare/key-spec.ts";
import { endAt, startAt } from "./id-argument.ts";
import { readStream, replyEntries, windowsOf } from "./stream-at.ts";

export const xlen = command({
  name: "xlen",
  group: "stream",
  since: "5.0.0",
  summary: "Tells how many entries a stream has.",
  complexity: "O(1)",
  arity: 2,
  flags: ["readonly", "fast"],
  keys: [keyAt(1, "RO")],
  args: [arg.key("key")],

  run(call) {
    call.reply.integer(readStream(call, 1)?.length ?? 0);
  },
});

/** The number behind COUNT; -1 without it. A negative one is 0. */
function countOption(call: Call): number {
  let count = -1;
  for (let at = 4; at < call.argc; at += 2) {
    if (at + 1 === call.argc || !call.is(at, "COUNT")) throw errors.syntax;
    count = Math.max(0, call.integer(at + 1));
  }
  return count;
}

function replyRange(call: Call, isReverse: boolean): void {
  const { start, end } = windowsOf(call);
  // The errors of the first argument come first.
  if (isReverse) endAt(call, 2, end);
  startAt(call, isReverse ? 3 : 2, start);
  if (!isReverse) endAt(call, 3, end);
  const count = countOption(call);
  const stream = readStream(call, 1);
  if (stream === null) {
    call.reply.array(0);
    return;
  }
  if (count === 0) {
    call.reply.nullArray();
    return;
  }
  stream.walk(start, end, isReverse);
  replyEntries(call, stream.range, Math.max(0, count));
}

export const xrange = command({
  name: "xrange",
  group: "stream",
  since: "5.0.0",
  summary: "Returns the entries of a stream between two IDs.",
  complexity: "O(N) where N is the number of entries returned.",
  arity: -4,
  flags: ["readonly", "timed_in_runs"],
  keys: [keyAt(1, "RO", "access")],
  args: [
    arg.key("key"),
    arg.string("start"),
    arg.string("end"),
    arg.optional(arg.integer("count", { token: "COUNT" })),
  ],
  history: [["6.2.0", "Takes ends that are excluded."]],

  run(call) {
    replyRange(call, false);
  },
});

export const xrevrange = command({
  name: "xrevrange",
  group: "stream",
  since: "5.0.0",
  summary: "Returns the entries of a stream between two IDs, the last one first.",
  complexity: "O(N) where N is the number of entries returned.",
  arity: -4,
  flags: ["readonly", "timed_in_runs"],
  keys: [keyAt(1, "RO", "access")],
  args: [
    arg.key("key"),
    arg.string("end"),
    arg.string("start"),
    arg.optional(arg.integer("count", { token: "COUNT" })),
  ],
  history: [["6.2.0", "Takes ends that are excluded."]],

  run(call) {
    replyRange(call, true);
  },
});
