/** SLOWLOG: reads the log of slow commands (slow-log.ts keeps it). */
import { arg, CommandError, helpCommand, subcommandError } from "@kv/commands";
import { engineCommand } from "../../module/engine-call.ts";
import { observePort } from "./observe.ts";

const badCount = new CommandError("ERR count should be greater than or equal to -1");
const COUNT_DEFAULT = 10;

const facts = { group: "server", since: "2.2.12", flags: ["admin", "loading", "stale"] } as const;

const get = engineCommand({
  ...facts,
  name: "get",
  summary: "Shows the latest slow commands.",
  complexity: "O(N) with N entries shown.",
  arity: -2,
  args: [arg.optional(arg.integer("count"))],
  tips: ["request_policy:all_nodes", "nondeterministic_output"],
  history: [["4.0.0", "Entries tell the client's address and name."]],
  run(call) {
    const { reply, engine } = call;
    const { slowLog } = engine.of(observePort);
    let count = COUNT_DEFAULT;
    if (call.argc > 3) throw subcommandError(call);
    if (call.argc > 2) count = call.integer(2, badCount);
    if (count < -1) throw badCount;
    if (count === -1 || count > slowLog.length) count = slowLog.length;
    reply.array(count);
    slowLog.each(count, {
      entry(id, timeSeconds, microseconds, wordCount) {
        reply.array(6);
        reply.integer(id);
        reply.integer(timeSeconds);
        reply.integer(microseconds);
        reply.array(wordCount);
      },
      text: (bytes, view, start, end) => reply.bulkFrom(bytes, view, start, end),
    });
  },
});

const len = engineCommand({
  ...facts,
  name: "len",
  summary: "Counts the entries of the slow log.",
  complexity: "O(1)",
  arity: 2,
  tips: ["request_policy:all_nodes", "response_policy:agg_sum", "nondeterministic_output"],
  run({ engine, reply }) {
    reply.integer(engine.of(observePort).slowLog.length);
  },
});

const reset = engineCommand({
  ...facts,
  name: "reset",
  summary: "Empties the slow log.",
  complexity: "O(1)",
  arity: 2,
  tips: ["request_policy:all_nodes", "response_policy:all_succeeded"],
  run({ engine, reply }) {
    engine.of(observePort).slowLog.reset();
    reply.ok();
  },
});

const subcommands = [get, len, reset];

export const slowlog = engineCommand({
  name: "slowlog",
  group: "server",
  since: "2.2.12",
  summary: "Groups the commands for the slow log.",
  complexity: "As the subcommand.",
  arity: -2,
  flags: [],
  subcommands: [...subcommands, helpCommand("slowlog", { group: "server", since: "6.2.0" })],
});
