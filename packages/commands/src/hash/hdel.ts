/** HDEL: removes fields, and the key with the last of them. */

import { Notify } from "../call/notify.ts";
import { arg } from "../declare/arg.ts";
import { command } from "../declare/command.ts";
import { keyAt } from "../declare/key-spec.ts";
import { writeHash } from "./hash-at.ts";

export const hdel = command({
  name: "hdel",
  group: "hash",
  since: "2.0.0",
  summary: "Removes fields of a hash, and the hash itself with its last field.",
  complexity: "O(N) where N is the number of fields to remove.",
  arity: -3,
  flags: ["write", "fast"],
  keys: [keyAt(1, "RW", "delete")],
  elements: { first: 2, step: 1 },
  args: [arg.key("key"), arg.many(arg.string("field"))],
  history: [["2.4.0", "Takes several fields."]],

  run(call) {
    const hash = writeHash(call, 1);
    const wasVolatile = hash?.isVolatile === true;
    let removed = 0;
    if (hash !== null) {
      for (let i = 2; i < call.argc && hash.length !== 0; i++) {
        if (hash.delete(call.bytes, call.view, call.start(i), call.end(i))) removed++;
      }
    }
    if (hash !== null && removed !== 0) {
      // The key goes first, so that who hears of the change finds what is left.
      const isEmpty = hash.length === 0;
      if (wasVolatile) call.database.fieldExpiries.changed(hash.entry);
      if (isEmpty) call.database.remove(hash.entry, false);
      call.changed(1, "hdel", Notify.HASH);
      if (isEmpty) call.event(1, "del", Notify.GENERIC);
      call.dirty += removed - 1;
    }
    call.reply.integer(removed);
  },
});
