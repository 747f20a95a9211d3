/** BGREWRITEAOF: makes the append-only file as short as the data set is. */
import { fail } from "@kv/commands";
import { engineCommand } from "../../module/engine-call.ts";
import { appendOnlyPort } from "./append-only.ts";

export const bgrewriteaof = engineCommand({
  name: "bgrewriteaof",
  group: "server",
  since: "1.0.0",
  summary: "Rewrites the append-only file in the background.",
  complexity: "O(1)",
  arity: 1,
  flags: ["admin", "noscript", "no_async_loading"],
  run({ engine, reply }) {
    const answer = engine.of(appendOnlyPort).rewriteAsked();
    if (answer.startsWith("ERR")) fail(answer);
    reply.simple(answer);
  },
});
