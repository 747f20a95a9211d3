/** EXISTS and TOUCH: counting the keys that are there, without or with marking an access. */
import { NONE } from "@kv/core";
import { arg } from "../declare/arg.ts";
import { command } from "../declare/command.ts";
import { keyRange } from "../declare/key-spec.ts";

export const exists = command({
  name: "exists",
  group: "generic",
  since: "1.0.0",
  summary: "Counts how many of the keys exist; a key named twice counts twice.",
  complexity: "O(N) in the number of keys.",
  arity: -2,
  flags: ["readonly", "fast"],
  categories: ["keyspace"],
  keys: [keyRange(1, -1, 1, "RO")],
  args: [arg.many(arg.key("key"))],
  tips: ["request_policy:multi_shard", "response_policy:agg_sum"],
  history: [["3.0.3", "Takes several keys."]],

  run(call) {
    let count = 0;
    for (let i = 1; i < call.argc; i++) if (call.lookupQuietly(i) !== NONE) count++;
    call.reply.integer(count);
  },
});

export const touch = command({
  name: "touch",
  group: "generic",
  since: "3.2.1",
  summary: "Marks keys as just used and counts those that exist.",
  complexity: "O(N) in the number of keys.",
  arity: -2,
  flags: ["readonly", "fast"],
  categories: ["keyspace"],
  keys: [keyRange(1, -1, 1, "RO")],
  args: [arg.many(arg.key("key"))],
  tips: ["request_policy:multi_shard", "response_policy:agg_sum"],

  run(call) {
    // Marking the access is what the command is for: CLIENT NO-TOUCH does not apply.
    const { touches } = call;
    call.touches = true;
    let count = 0;
    for (let i = 1; i < call.argc; i++) if (call.lookupRead(i) !== NONE) count++;
    call.touches = touches;
    call.reply.integer(count);
  },
});
