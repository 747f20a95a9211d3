/** PING: is anybody there, and can it write? */
import { arg, arityError } from "@kv/commands";
import { ClientState } from "../../kernel/client-state.ts";
import { engineCommand } from "../../module/engine-call.ts";

export const ping = engineCommand({
  name: "ping",
  group: "connection",
  since: "1.0.0",
  summary: "Answers PONG, or the given message: a sign of life.",
  complexity: "O(1)",
  arity: -1,
  flags: ["fast", "while_subscribed", "answers_health"],
  tips: ["request_policy:all_shards", "response_policy:all_succeeded"],
  args: [arg.optional(arg.string("message"))],

  run(call) {
    if (call.argc > 2) throw arityError("ping");
    const { client, reply } = call;
    if (client.is(ClientState.SUBSCRIBED)) {
      reply.array(2);
      reply.bulkLatin1("pong");
      if (call.argc === 1) reply.bulkLatin1("");
      else reply.bulk(call.bytes, call.start(1), call.end(1));
      return;
    }
    if (call.argc === 1) reply.pong();
    else reply.bulk(call.bytes, call.start(1), call.end(1));
  },
});
