/** QUIT: the end of the connection, once everything before it has been answered. */
import { engineCommand } from "../../module/engine-call.ts";

export const quit = engineCommand({
  name: "quit",
  group: "connection",
  since: "1.0.0",
  deprecatedSince: "7.2.0",
  docFlags: ["deprecated"],
  replacedBy: "just closing the connection",
  summary: "Closes the connection.",
  complexity: "O(1)",
  arity: -1,
  arityBecause: "It is never refused, whatever stands behind it.",
  flags: [
    "noscript",
    "loading",
    "stale",
    "fast",
    "no_auth",
    "allow_busy",
    "not_queued",
    "while_subscribed",
    "ends_connection",
  ],

  run({ client, engine, reply }) {
    reply.ok();
    engine.clients.closeAfterReply(client, "quit");
  },
});
