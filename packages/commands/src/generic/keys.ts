/** KEYS: every key that matches a pattern, in one reply. */
import { bytesOf, globMatch, keyIndex, keyLength } from "@kv/core";
import { arg } from "../declare/arg.ts";
import { command } from "../declare/command.ts";

const STAR = 42;

export const keys = command({
  name: "keys",
  group: "generic",
  since: "1.0.0",
  summary: "Lists the keys that match a pattern. Walks the whole database: SCAN does it in steps.",
  complexity: "O(N) in the number of keys of the database.",
  arity: 2,
  flags: ["readonly"],
  categories: ["keyspace", "dangerous"],
  args: [arg.pattern("pattern")],
  tips: ["request_policy:all_shards", "nondeterministic_output_order"],

  run(call) {
    const { bytes, reply } = call;
    const { arena } = call.keyspace;
    const start = call.start(1);
    const end = call.end(1);
    const all = end - start === 1 && bytes[start] === STAR;
    const handle = reply.deferArray();
    let count = 0;
    call.database.dict.eachEntry((entry) => {
      const from = keyIndex(arena, entry);
      const to = from + keyLength(arena, entry);
      const memory = bytesOf(arena, entry);
      if (!all && !globMatch(bytes, start, end, memory, from, to, false)) return;
      // The dict must not change under the walk: an expired key is passed by, not removed.
      if (call.isExpired(entry)) return;
      reply.bulk(memory, from, to);
      count++;
    });
    reply.closeArray(handle, count);
  },
});
