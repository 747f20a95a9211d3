/** WATCH and UNWATCH: EXEC runs only if none of these keys changed. */
import { arg, CommandError, keyRange } from "@kv/commands";
import { engineCommand } from "../../module/engine-call.ts";
import { watchedKeysPort } from "./watched-keys.ts";

const insideMulti = new CommandError("ERR WATCH inside MULTI is not allowed");

export const watch = engineCommand({
  name: "watch",
  group: "transactions",
  since: "2.2.0",
  summary: "Makes the next EXEC depend on these keys staying as they are.",
  complexity: "O(1) for each key.",
  arity: -2,
  flags: ["noscript", "loading", "stale", "fast", "allow_busy", "not_queued"],
  keys: [keyRange(1, -1, 1, "RO")],
  args: [arg.many(arg.key("key"))],

  run(call) {
    const { client, engine, reply } = call;
    if (client.inTransaction) throw insideMulti;
    engine.transactions.of(client);
    engine.of(watchedKeysPort).watch(client, call);
    engine.effects.updateInterest();
    reply.ok();
  },
});

export const unwatch = engineCommand({
  name: "unwatch",
  group: "transactions",
  since: "2.2.0",
  summary: "Forgets all watched keys.",
  complexity: "O(1) for each watched key.",
  arity: 1,
  flags: ["noscript", "loading", "stale", "fast", "allow_busy"],

  run({ client, engine, reply }) {
    engine.of(watchedKeysPort).unwatchAll(client);
    if (!client.inTransaction) client.transaction = null;
    engine.effects.updateInterest();
    reply.ok();
  },
});
