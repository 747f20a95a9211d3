/** MONITOR: from now on the client hears of every command (../../monitor.ts writes the lines). */
import { engineCommand } from "../../engine-call.ts";

export const monitor = engineCommand({
  name: "monitor",
  group: "server",
  since: "1.0.0",
  summary: "Shows every command that the server runs.",
  complexity: "O(1), and a line for each command from then on.",
  arity: 1,
  flags: ["admin", "noscript", "loading", "stale"],
  run({ client, engine, reply }) {
    engine.monitors.add(client);
    reply.ok();
  },
});
