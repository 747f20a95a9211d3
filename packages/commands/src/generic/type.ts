/** TYPE: what kind of value a key holds. */
import { kindOfEntry, NONE } from "@kv/core";
import { arg } from "../declare/arg.ts";
import { command } from "../declare/command.ts";
import { keyAt } from "../declare/key-spec.ts";

export const type = command({
  name: "type",
  group: "generic",
  since: "1.0.0",
  summary: 'Names the type of the value at a key; "none" when there is no such key.',
  complexity: "O(1)",
  arity: 2,
  flags: ["readonly", "fast"],
  categories: ["keyspace"],
  keys: [keyAt(1, "RO")],
  args: [arg.key("key")],

  run(call) {
    const entry = call.lookupQuietly(1);
    if (entry === NONE) call.reply.simple("none");
    else call.reply.simple(kindOfEntry(call.keyspace.arena, entry).typeName);
  },
});
