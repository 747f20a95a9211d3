/** SREM: removes members, and the key with the last of them. */
import { Notify } from "../call/notify.ts";
import { arg } from "../declare/arg.ts";
import { command } from "../declare/command.ts";
import { keyAt } from "../declare/key-spec.ts";
import { removeEmpty, writeSet } from "./set-at.ts";

export const srem = command({
  name: "srem",
  group: "set",
  since: "1.0.0",
  summary: "Removes members of a set, and the set itself with its last member.",
  complexity: "O(N) where N is the number of members to remove.",
  arity: -3,
  flags: ["write", "fast"],
  keys: [keyAt(1, "RW", "delete")],
  elements: { first: 2, step: 1 },
  args: [arg.key("key"), arg.many(arg.string("member"))],
  history: [["2.4.0", "Takes several members."]],

  run(call) {
    const set = writeSet(call, 1);
    let removed = 0;
    if (set !== null) {
      for (let i = 2; i < call.argc && set.length !== 0; i++) {
        if (set.delete(call.bytes, call.view, call.start(i), call.end(i))) removed++;
      }
    }
    if (set !== null && removed !== 0) {
      // The key goes first, so that who hears of the change finds what is left.
      const isEmpty = removeEmpty(call, set);
      call.changed(1, "srem", Notify.SET);
      if (isEmpty) call.event(1, "del", Notify.GENERIC);
      call.dirty += removed - 1;
    }
    call.reply.integer(removed);
  },
});
