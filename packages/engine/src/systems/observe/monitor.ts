/** MONITOR: from now on the client hears of every command (monitors.ts writes the lines). */
import { CommandError } from "@kv/commands";
import { ClientState } from "../../kernel/client-state.ts";
import { engineCommand } from "../../module/engine-call.ts";
import { observePort } from "./observe.ts";

const notInTransaction = new CommandError("ERR MONITOR isn't allowed for DENY BLOCKING client");

export const monitor = engineCommand({
  name: "monitor",
  group: "server",
  since: "1.0.0",
  summary: "Shows every command that the server runs.",
  complexity: "O(1), and a line for each command from then on.",
  arity: 1,
  flags: ["admin", "noscript", "loading", "stale"],
  run({ client, engine, reply }) {
    // EXEC promises one reply for each command, and the lines would come in between.
    if (engine.situation.isNested) throw notInTransaction;
    // Who monitors already is not even told so.
    if (client.is(ClientState.MONITOR)) return;
    engine.of(observePort).monitors.add(client);
    reply.ok();
  },
});
