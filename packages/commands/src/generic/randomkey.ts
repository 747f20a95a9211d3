/** RANDOMKEY: any key. */
import { bytesOf, keyIndex, keyLength, NONE } from "@kv/core";
import { command } from "../declare/command.ts";

/** Expired keys that are met in vain, where they may not be removed, before one is shown. */
const TRIES = 100;

export const randomkey = command({
  name: "randomkey",
  group: "generic",
  since: "1.0.0",
  summary: "Returns the name of a random key.",
  complexity: "O(1)",
  arity: 1,
  flags: ["readonly", "touches_arbitrary_keys"],
  categories: ["keyspace"],
  tips: ["request_policy:all_shards", "response_policy:special", "nondeterministic_output"],

  run(call) {
    const { arena } = call.keyspace;
    const { database } = call;
    let inVain = 0;
    for (;;) {
      const entry = database.random();
      if (entry === NONE) {
        call.reply.null();
        return;
      }
      const size = database.size;
      // A replica keeps expired keys until its primary removes them. If every key expires, all of
      // them may be such keys, and looking for a live one would never end.
      if (call.unexpired(database, entry, false) === NONE) {
        if (database.size < size || database.expires.count < size || ++inVain < TRIES) continue;
      }
      const from = keyIndex(arena, entry);
      call.reply.bulk(bytesOf(arena, entry), from, from + keyLength(arena, entry));
      return;
    }
  },
});
