/** INFO: the state of the server as text for people and for tools that parse it. */
import { arg } from "@kv/commands";
import { engineCommand } from "../../engine-call.ts";
import { infoText } from "../../info/index.ts";

export const info = engineCommand({
  name: "info",
  group: "server",
  since: "1.0.0",
  summary: "Reports the state of the server, by sections.",
  complexity: "O(1)",
  arity: -1,
  flags: ["loading", "stale"],
  categories: ["dangerous"],
  args: [arg.optional(arg.many(arg.string("section")))],
  tips: ["nondeterministic_output", "request_policy:all_shards", "response_policy:special"],
  history: [["7.0.0", "Takes several sections."]],

  run(call) {
    call.reply.verbatim("txt", infoText(call.engine, call.words(1)));
  },
});
