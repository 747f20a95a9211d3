/** LSET: another element in place of one. */
import { errors } from "../call/errors.ts";
import { Notify } from "../call/notify.ts";
import { arg } from "../declare/arg.ts";
import { command } from "../declare/command.ts";
import { keyAt } from "../declare/key-spec.ts";
import { writeList } from "./list-at.ts";

export const lset = command({
  name: "lset",
  group: "list",
  since: "1.0.0",
  summary: "Puts another element at an index of a list.",
  complexity: "O(N) where N is the number of elements of one node; nodes are found by their sums.",
  arity: 4,
  flags: ["write", "denyoom"],
  keys: [keyAt(1, "RW", "update")],
  args: [arg.key("key"), arg.integer("index"), arg.string("element")],

  run(call) {
    const list = writeList(call, 1);
    if (list === null) throw errors.noSuchKey;
    let index = call.integer(2);
    const { length } = list;
    if (index < 0) index += length;
    if (index < 0 || index >= length) throw errors.indexOutOfRange;
    const limits = call.settings.limits.list;
    const wasQuicklist = list.isQuicklist;
    try {
      list.grow(limits, 1, call.length(3));
      list.set(index, call.bytes, call.start(3), call.end(3), limits);
    } catch (full) {
      list.undoPushes(true, 0, wasQuicklist);
      throw full;
    }
    list.settle();
    list.shrink(limits);
    call.changed(1, "lset", Notify.LIST);
    call.reply.ok();
  },
});
