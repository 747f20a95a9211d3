/** LINSERT: an element beside another one. */
import { errors } from "../call/errors.ts";
import { Notify } from "../call/notify.ts";
import { arg } from "../declare/arg.ts";
import { command } from "../declare/command.ts";
import { keyAt } from "../declare/key-spec.ts";
import { ElementSearch } from "./element-search.ts";
import { writeList } from "./list-at.ts";

export const linsert = command({
  name: "linsert",
  group: "list",
  since: "2.2.0",
  summary: "Inserts an element before or after another one of a list.",
  complexity: "O(N) where N is the number of elements up to that one.",
  arity: 5,
  flags: ["write", "denyoom"],
  keys: [keyAt(1, "RW", "insert")],
  args: [
    arg.key("key"),
    arg.oneOf("where", arg.token("before", "BEFORE"), arg.token("after", "AFTER")),
    arg.string("pivot"),
    arg.string("element"),
  ],

  run(call) {
    const isAfter = call.is(2, "AFTER");
    if (!isAfter && !call.is(2, "BEFORE")) throw errors.syntax;
    const list = writeList(call, 1);
    if (list === null) return call.reply.integer(0);
    const search = ElementSearch.of(call).begin(call, list, 3, true);
    const found = search.next(Infinity);
    if (found === -1) return call.reply.integer(-1);
    const limits = call.settings.limits.list;
    const wasQuicklist = list.isQuicklist;
    const index = isAfter ? found + 1 : found;
    try {
      list.grow(limits, 1, call.length(4));
      list.insert(index, call.bytes, call.start(4), call.end(4), limits);
    } catch (full) {
      list.undoPushes(true, 0, wasQuicklist);
      throw full;
    }
    list.settle();
    call.changed(1, "linsert", Notify.LIST);
    call.reply.integer(list.length);
  },
});
