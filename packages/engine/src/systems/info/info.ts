/** INFO: the state of the server as text for people and for tools that parse it. */
import { arg } from "@kv/commands";
import { latin1Bytes, type ReplyWriter } from "@kv/resp";
import { engineCommand } from "../../module/engine-call.ts";
import { infoPort } from "./info-sections.ts";

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
    verbatimBytes(call.reply, call.engine.of(infoPort).text(call.words(1)));
  },
});

/** Text with a character for each byte: paths are in it, and need not be UTF-8. */
function verbatimBytes(reply: ReplyWriter, text: string): void {
  if (!reply.resp3) {
    reply.bulkLatin1(text);
    return;
  }
  const bytes = latin1Bytes(`=${text.length + 4}\r\ntxt:${text}\r\n`);
  reply.rawBytes(bytes, 0, bytes.length);
}
