/** PERSIST: taking a key's time to live away. */
import { expiryMs, NONE } from "@kv/core";
import { Notify } from "../call/notify.ts";
import { arg } from "../declare/arg.ts";
import { command } from "../declare/command.ts";
import { keyAt } from "../declare/key-spec.ts";

export const persist = command({
  name: "persist",
  group: "generic",
  since: "2.2.0",
  summary: "Makes a key live for good again.",
  complexity: "O(1)",
  arity: 2,
  flags: ["write", "fast"],
  categories: ["keyspace"],
  keys: [keyAt(1, "RW", "update")],
  args: [arg.key("key")],

  run(call) {
    const entry = call.lookupWrite(1);
    if (entry === NONE || expiryMs(call.database.arena, entry) === -1) {
      call.reply.integer(0);
      return;
    }
    call.database.clearExpiry(entry);
    call.changed(1, "persist", Notify.GENERIC);
    call.reply.integer(1);
  },
});
