/** ROLE: what this server is to others. Without replication, a primary that nobody follows. */
import { engineCommand } from "../../module/engine-call.ts";

export const role = engineCommand({
  name: "role",
  group: "server",
  since: "2.8.12",
  summary: "Tells the server's part in replication.",
  complexity: "O(1)",
  arity: 1,
  flags: ["noscript", "loading", "stale", "fast"],
  categories: ["admin", "dangerous"],
  run({ reply }) {
    reply.array(3);
    reply.bulkLatin1("master");
    reply.integer(0);
    reply.emptyArray();
  },
});
