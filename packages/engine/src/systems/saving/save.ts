/**
 * SAVE and BGSAVE: write the data set to its file, while everybody waits or beside them.
 *
 * A save and a rewrite of the append-only file could well run at once, but of the two the later one waits or
 * is refused: tools read that off the replies, and the disk writes the data set once at a time.
 */
import { arg, CommandError, errors, fail } from "@kv/commands";
import { engineCommand } from "../../module/engine-call.ts";
import { savingPort } from "./saving.ts";

const alreadySaving = new CommandError("ERR Background save already in progress");
const isRewriting = new CommandError(
  "ERR Another child process is active (AOF?): can't BGSAVE right now. " +
    "Use BGSAVE SCHEDULE in order to schedule a BGSAVE whenever possible.",
);
/** Redis says no more than this; the log tells what went wrong. */
const failed = new CommandError("ERR");

const facts = { group: "server", since: "1.0.0" } as const;

export const save = engineCommand({
  ...facts,
  name: "save",
  summary: "Saves the data set while everybody waits.",
  complexity: "O(N) with N keys.",
  arity: 1,
  flags: ["admin", "noscript", "no_async_loading", "no_multi"],
  run({ engine, reply }) {
    if (engine.of(savingPort).isRunning) throw alreadySaving;
    if (!engine.of(savingPort).saveNow()) throw failed;
    reply.ok();
  },
});

export const bgsave = engineCommand({
  ...facts,
  name: "bgsave",
  summary: "Begins to save the data set in the background.",
  complexity: "O(1)",
  arity: -1,
  flags: ["admin", "noscript", "no_async_loading"],
  args: [arg.optional(arg.token("schedule", "SCHEDULE", { since: "3.2.2" }))],
  history: [["3.2.2", "Added SCHEDULE."]],
  run(call) {
    const { engine, reply, argc } = call;
    if (argc > 2 || (argc === 2 && !call.is(1, "SCHEDULE"))) throw errors.syntax;
    const saving = engine.of(savingPort);
    if (saving.isRunning) throw alreadySaving;
    const { isHindered } = saving;
    if (isHindered && argc === 1 && !engine.situation.isNested) throw isRewriting;
    // Inside EXEC the transaction is not over yet, and half of it must not be saved.
    if (isHindered || engine.situation.isNested) {
      saving.isScheduled = true;
      reply.simple("Background saving scheduled");
      return;
    }
    const problem = saving.beginBackground();
    if (problem !== undefined) fail(problem);
    reply.simple("Background saving started");
  },
});

export const lastsave = engineCommand({
  name: "lastsave",
  group: "server",
  since: "1.0.0",
  summary: "Tells when the data set was last saved.",
  complexity: "O(1)",
  arity: 1,
  flags: ["loading", "stale", "fast"],
  categories: ["admin", "dangerous"],
  tips: ["nondeterministic_output"],
  run({ engine, reply }) {
    reply.integer(Math.floor(engine.of(savingPort).lastSaveMs / 1000));
  },
});
