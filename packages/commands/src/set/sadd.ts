/** SADD: adds members to a set. */
import { Notify } from "../call/notify.ts";
import { arg } from "../declare/arg.ts";
import { command } from "../declare/command.ts";
import { keyAt } from "../declare/key-spec.ts";
import { addMembers, writeSet } from "./set-at.ts";

export const sadd = command({
  name: "sadd",
  group: "set",
  since: "1.0.0",
  summary: "Adds members to a set and tells how many are new.",
  complexity: "O(N) where N is the number of members to add.",
  arity: -3,
  flags: ["write", "denyoom", "fast"],
  keys: [keyAt(1, "RW", "insert")],
  elements: { first: 2, step: 1 },
  args: [arg.key("key"), arg.many(arg.string("member"))],
  history: [["2.4.0", "Takes several members."]],

  run(call) {
    const added = addMembers(call, writeSet(call, 1), 2);
    if (added !== 0) {
      call.changed(1, "sadd", Notify.SET);
      call.dirty += added - 1;
    }
    call.reply.integer(added);
  },
});
