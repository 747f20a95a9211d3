/** DBSIZE: how many keys the selected database has. */
import { command } from "../declare/command.ts";

export const dbsize = command({
  name: "dbsize",
  group: "server",
  since: "1.0.0",
  summary: "Counts the keys of the database; expired ones count until they are removed.",
  complexity: "O(1)",
  arity: 1,
  flags: ["readonly", "fast"],
  categories: ["keyspace"],
  tips: ["request_policy:all_shards", "response_policy:agg_sum"],

  run(call) {
    call.reply.integer(call.database.size);
  },
});
