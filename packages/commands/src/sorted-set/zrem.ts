/** ZREM: removes members, and the key with the last of them. */
import { arg } from "../declare/arg.ts";
import { command } from "../declare/command.ts";
import { keyAt } from "../declare/key-spec.ts";
import { membersRemoved, writeSortedSet } from "./sorted-set-at.ts";

export const zrem = command({
  name: "zrem",
  group: "sorted-set",
  since: "1.2.0",
  summary: "Removes members of a sorted set, and the sorted set itself with its last member.",
  complexity: "O(M*log(N)) where N is the number of members and M that of those to remove.",
  arity: -3,
  flags: ["write", "fast"],
  keys: [keyAt(1, "RW", "delete")],
  elements: { first: 2, step: 1 },
  args: [arg.key("key"), arg.many(arg.string("member"))],
  history: [["2.4.0", "Takes several members."]],

  run(call) {
    const set = writeSortedSet(call, 1);
    let removed = 0;
    if (set !== null) {
      for (let i = 2; i < call.argc && set.length !== 0; i++) {
        if (set.delete(call.bytes, call.view, call.start(i), call.end(i))) removed++;
      }
      if (removed !== 0) membersRemoved(call, 1, set, removed, "zrem", true);
    }
    call.reply.integer(removed);
  },
});
