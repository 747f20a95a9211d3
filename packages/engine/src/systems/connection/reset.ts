/** RESET: the connection as if it were new. */
import { CommandError } from "@kv/commands";
import { ClientState, ReplyMode } from "../../kernel/client-state.ts";
import { engineCommand } from "../../module/engine-call.ts";

const notNormal = new CommandError("ERR can only reset normal client connections");

export const reset = engineCommand({
  name: "reset",
  group: "connection",
  since: "6.2.0",
  summary: "Makes the connection as it was when it began.",
  complexity: "O(N) with N subscriptions, prefixes and watched keys.",
  arity: 1,
  flags: [
    "noscript",
    "loading",
    "stale",
    "fast",
    "no_auth",
    "allow_busy",
    "not_queued",
    "leaves_multi",
    "while_subscribed",
  ],

  run({ client, engine, reply }) {
    if (client.is(ClientState.REPLICATION)) throw notNormal;
    engine.transactions.discard(client);
    engine.resetClient(client);
    client.databaseIndex = 0;
    client.protocol = 2;
    client.name = "";
    client.noEvict = false;
    client.mark(ClientState.NO_TOUCH, false);
    // A reply that is to be skipped is the one to this: replies are on again behind it.
    if (client.replyMode !== ReplyMode.SKIP) {
      client.replyMode = ReplyMode.ON;
      client.mark(ClientState.MUTED, false);
    }
    reply.resp3 = false;
    // The name and version of the library stay: it is still the same one.
    reply.simple("RESET");
  },
});
