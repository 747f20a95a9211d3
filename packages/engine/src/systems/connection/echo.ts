/** ECHO: says what was said. */
import { arg } from "@kv/commands";
import { engineCommand } from "../../module/engine-call.ts";

export const echo = engineCommand({
  name: "echo",
  group: "connection",
  since: "1.0.0",
  summary: "Returns the message.",
  complexity: "O(1)",
  arity: 2,
  flags: ["loading", "stale", "fast"],
  args: [arg.string("message")],

  run(call) {
    call.reply.bulk(call.bytes, call.start(1), call.end(1));
  },
});
