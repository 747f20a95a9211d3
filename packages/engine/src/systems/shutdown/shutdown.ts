/** SHUTDOWN: ends the server in good order. It answers only when that is not possible, or taken back. */
import { arg, CommandError, errors } from "@kv/commands";
import type { Client } from "../../kernel/client.ts";
import { ClientState } from "../../kernel/client-state.ts";
import type { ShutdownRequest } from "../../kernel/shutdown-request.ts";
import { EngineState } from "../../kernel/situation.ts";
import { engineCommand } from "../../module/engine-call.ts";
import type { Ports } from "../../module/ports.ts";
import { endingPort } from "./ending.ts";

const noShutdown = new CommandError("ERR No shutdown in progress.");
const FAILED = "ERR Errors trying to SHUTDOWN. Check logs.";

export const shutdown = engineCommand({
  name: "shutdown",
  group: "server",
  since: "1.0.0",
  summary: "Saves the data set if it is to be saved, and ends the server.",
  complexity: "O(N) with N keys to save, else O(1).",
  arity: -1,
  flags: ["admin", "noscript", "loading", "stale", "no_multi", "allow_busy"],
  args: [
    arg.optional(
      arg.oneOf("save-selector", arg.token("nosave", "NOSAVE"), arg.token("save", "SAVE")),
    ),
    arg.optional(arg.token("now", "NOW", { since: "7.0.0" })),
    arg.optional(arg.token("force", "FORCE", { since: "7.0.0" })),
    arg.optional(arg.token("abort", "ABORT", { since: "7.0.0" })),
  ],
  history: [["7.0.0", "Added NOW, FORCE and ABORT."]],

  run(call) {
    const { client, engine, argc } = call;
    const request: ShutdownRequest = { save: "default" };
    let aborts = false;
    for (let index = 1; index < argc; index++) {
      if (call.is(index, "NOSAVE") && request.save !== "save") request.save = "nosave";
      else if (call.is(index, "SAVE") && request.save !== "nosave") request.save = "save";
      else if (call.is(index, "NOW")) request.now = true;
      else if (call.is(index, "FORCE")) request.force = true;
      else if (call.is(index, "ABORT")) aborts = true;
      else throw errors.syntax;
    }
    const ending = engine.of(endingPort);
    if (aborts) {
      if (request.save !== "default" || request.now || request.force) throw errors.syntax;
      if (!ending.abort()) throw noShutdown;
      call.reply.ok();
      return;
    }
    // Half of what a script does may be neither saved nor lost: the one way out loses all of it.
    if (engine.situation.is(EngineState.BUSY) && request.save !== "nosave")
      throw engine.situation.busyError;
    client.mark(ClientState.WAITING, true);
    ending.begin(request, (mayExit) => {
      // What was answered before in this batch leaves first, and nothing behind this is executed.
      void Promise.resolve().then(() => {
        if (mayExit) engine.host.exit(0);
        else if (!client.closed) refuse(engine, client);
      });
    });
  },
});

/** The client hears of it, unless it wants no replies, and goes on. */
function refuse(engine: Ports, client: Client): void {
  engine.stats.countError(FAILED);
  if (!client.isMuted) {
    engine.output.pushWriter(client).error(FAILED);
    engine.output.flushOutbox(client);
  }
  engine.muting.waitEnds(client);
  engine.resume(client);
}
