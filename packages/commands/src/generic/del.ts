/** DEL and UNLINK: removing keys. They differ in when the memory of a large value is given back. */
import { NONE } from "@kv/core";
import type { Call } from "../call/call.ts";
import { Notify } from "../call/notify.ts";
import { arg } from "../declare/arg.ts";
import { command } from "../declare/command.ts";
import { keyRange } from "../declare/key-spec.ts";

export const del = command({
  name: "del",
  group: "generic",
  since: "1.0.0",
  summary: "Removes keys with their values.",
  complexity: "O(N) in the number of keys, plus the elements of collections among them.",
  arity: -2,
  flags: ["write"],
  categories: ["keyspace"],
  keys: [keyRange(1, -1, 1, "RM", "delete")],
  args: [arg.many(arg.key("key"))],
  tips: ["request_policy:multi_shard", "response_policy:agg_sum"],

  run(call) {
    removeKeys(call, call.settings.lazyUserDel);
  },
});

export const unlink = command({
  name: "unlink",
  group: "generic",
  since: "4.0.0",
  summary: "Removes keys at once and frees large values bit by bit afterwards.",
  complexity: "O(N) in the number of keys; the freeing takes its time between later commands.",
  arity: -2,
  flags: ["write", "fast"],
  categories: ["keyspace"],
  keys: [keyRange(1, -1, 1, "RM", "delete")],
  args: [arg.many(arg.key("key"))],
  tips: ["request_policy:multi_shard", "response_policy:agg_sum"],

  run(call) {
    removeKeys(call, true);
  },
});

function removeKeys(call: Call, lazily: boolean): void {
  let removed = 0;
  for (let i = 1; i < call.argc; i++) {
    const entry = call.findStored(i);
    if (entry === NONE) continue;
    // Who may not let it expire, as a replica that takes writes, still deletes it.
    if (call.isExpired(entry) && call.effects.keyExpired(call.database, entry, false)) continue;
    call.database.remove(entry, lazily);
    call.changed(i, "del", Notify.GENERIC);
    removed++;
  }
  call.reply.integer(removed);
}
