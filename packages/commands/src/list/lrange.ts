/** Reading lists: LRANGE, LINDEX, LLEN. */
import { arg } from "../declare/arg.ts";
import { command } from "../declare/command.ts";
import { keyAt } from "../declare/key-spec.ts";
import { readList, replyText, scratchText } from "./list-at.ts";
import { replyRange } from "./reply-range.ts";

export const lrange = command({
  name: "lrange",
  group: "list",
  since: "1.0.0",
  summary: "Returns the elements of a list between two indexes.",
  complexity: "O(N) where N is the number of elements in the range.",
  arity: 4,
  flags: ["readonly", "timed_in_runs"],
  keys: [keyAt(1, "RO", "access")],
  args: [arg.key("key"), arg.integer("start"), arg.integer("stop")],

  run(call) {
    let start = call.integer(2);
    let stop = call.integer(3);
    const list = readList(call, 1);
    if (list === null) return call.reply.emptyArray();
    const { length } = list;
    if (start < 0) start = Math.max(0, length + start);
    if (stop < 0) stop += length;
    if (stop >= length) stop = length - 1;
    if (start > stop) return call.reply.emptyArray();
    replyRange(call, list, start, stop - start + 1, true);
  },
});

export const lindex = command({
  name: "lindex",
  group: "list",
  since: "1.0.0",
  summary: "Returns the element at an index of a list.",
  complexity: "O(N) where N is the number of elements of one node; nodes are found by their sums.",
  arity: 3,
  flags: ["readonly", "timed_in_runs"],
  keys: [keyAt(1, "RO", "access")],
  args: [arg.key("key"), arg.integer("index")],

  run(call) {
    const list = readList(call, 1);
    if (list === null) return call.reply.null();
    let index = call.integer(2);
    const { length } = list;
    if (index < 0) index += length;
    if (index < 0 || index >= length) return call.reply.null();
    const text = scratchText(call);
    list.read(index, text);
    replyText(call, text);
  },
});

export const llen = command({
  name: "llen",
  group: "list",
  since: "1.0.0",
  summary: "Returns the number of elements of a list.",
  complexity: "O(1)",
  arity: 2,
  flags: ["readonly", "fast"],
  keys: [keyAt(1, "RO")],
  args: [arg.key("key")],

  run(call) {
    const list = readList(call, 1);
    call.reply.integer(list === null ? 0 : list.length);
  },
});
