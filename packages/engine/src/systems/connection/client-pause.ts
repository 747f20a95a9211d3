/** CLIENT PAUSE, UNPAUSE, UNBLOCK: making clients wait, and ending their waits. */
import { arg, CommandError, subcommandError } from "@kv/commands";
import { engineCommand } from "../../module/engine-call.ts";

const badMode = new CommandError("ERR CLIENT PAUSE mode must be WRITE or ALL");
const badTimeout = new CommandError("ERR timeout is not an integer or out of range");
const negativeTimeout = new CommandError("ERR timeout is negative");
const timeoutTooLong = new CommandError("ERR timeout is out of range");
const badReason = new CommandError("ERR CLIENT UNBLOCK reason should be TIMEOUT or ERROR");

const pause = engineCommand({
  name: "pause",
  group: "connection",
  since: "2.9.50",
  summary: "Lets the commands of all clients, or those that write, wait for a time.",
  complexity: "O(1)",
  arity: -3,
  flags: ["admin", "noscript", "loading", "stale"],
  args: [
    arg.integer("timeout"),
    arg.optional({
      ...arg.oneOf("mode", arg.token("write", "WRITE"), arg.token("all", "ALL")),
      since: "6.2.0",
    }),
  ],
  history: [["6.2.0", "`CLIENT PAUSE WRITE` mode added along with the `mode` option."]],

  run(call) {
    const { engine, reply } = call;
    if (call.argc > 4) throw subcommandError(call);
    const all = call.argc === 3 || call.is(3, "ALL");
    if (!all && !call.is(3, "WRITE")) throw badMode;
    const durationMs = call.integer(2, badTimeout);
    if (durationMs < 0) throw negativeTimeout;
    // Redis adds it to the time of day in 64 bits.
    if (durationMs > 2 ** 63 - engine.situation.nowMs) throw timeoutTooLong;
    engine.pause.begin(engine.situation.nowMs + durationMs, all);
    reply.ok();
  },
});

const unpause = engineCommand({
  name: "unpause",
  group: "connection",
  since: "6.2.0",
  summary: "Ends a pause.",
  complexity: "O(N) with N waiting clients.",
  arity: 2,
  flags: ["admin", "noscript", "loading", "stale"],

  run({ engine, reply }) {
    engine.pause.end();
    reply.ok();
  },
});

const unblocked = new CommandError("UNBLOCKED client unblocked via CLIENT UNBLOCK");

const unblock = engineCommand({
  name: "unblock",
  group: "connection",
  since: "5.0.0",
  summary: "Ends the wait of a client that a command blocks.",
  complexity: "O(1), or O(N) with N keys that the client waits for.",
  arity: -3,
  flags: ["admin", "noscript", "loading", "stale"],
  args: [
    arg.integer("client-id"),
    arg.optional(
      arg.oneOf("unblock-type", arg.token("timeout", "TIMEOUT"), arg.token("error", "ERROR")),
    ),
  ],

  run(call) {
    const { engine, reply } = call;
    if (call.argc > 4) throw subcommandError(call);
    const withError = call.argc === 4 && call.is(3, "ERROR");
    if (call.argc === 4 && !withError && !call.is(3, "TIMEOUT")) throw badReason;
    const target = engine.clients.get(call.integer(2));
    const end = target?.unblock ?? null;
    if (end === null) {
      reply.integer(0);
      return;
    }
    end(withError ? unblocked : null);
    reply.integer(1);
  },
});

export const pausing = [pause, unpause, unblock] as const;
