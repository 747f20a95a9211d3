/** LATENCY: what the latency monitor and the histograms know (kernel/latency-monitor.ts keeps both). */
import { arg, type CommandRow, fail, helpCommand, quoted } from "@kv/commands";
import type { ReplyWriter } from "@kv/resp";
import { histogramOf } from "../../kernel/latency-monitor.ts";
import { type EngineCall, engineCommand } from "../../module/engine-call.ts";
import { latencyReport } from "./latency-doctor.ts";
import { latencyGraph } from "./latency-graph.ts";

const facts = {
  group: "server",
  since: "2.8.13",
  flags: ["admin", "noscript", "loading", "stale"],
} as const;

const special = ["nondeterministic_output", "request_policy:all_nodes", "response_policy:special"];

const doctor = engineCommand({
  ...facts,
  name: "doctor",
  summary: "Explains the latency events in sentences.",
  differs: "The sentences are our own.",
  complexity: "O(1)",
  arity: 2,
  tips: special,
  run({ engine, reply }) {
    reply.verbatim("txt", latencyReport(engine.latency, engine.situation.nowMs));
  },
});

const graph = engineCommand({
  ...facts,
  name: "graph",
  summary: "Draws the latency of an event over time.",
  differs: "The bars are drawn in our own way.",
  complexity: "O(1)",
  arity: 3,
  args: [arg.string("event")],
  tips: special,
  run(call) {
    const { engine, reply } = call;
    const name = call.word(2);
    const event = engine.latency.events.get(name);
    if (event === undefined) fail(`ERR No samples available for event '${quoted(name)}'`);
    reply.verbatim("txt", latencyGraph(name, event, engine.situation.nowMs));
  },
});

const histogram = engineCommand({
  ...facts,
  name: "histogram",
  since: "7.0.0",
  summary: "Shows how the times of commands are distributed.",
  complexity: "O(N) with N commands that have been measured.",
  arity: -2,
  args: [arg.optional(arg.many(arg.string("command")))],
  tips: special,
  run(call) {
    const { reply } = call;
    const rows = requested(call);
    reply.map(rows.length);
    for (const row of rows) {
      reply.bulkLatin1(row.fullName);
      replyHistogram(reply, row);
    }
  },
});

/** The commands named, and the subcommands of containers named, that have been measured. */
function requested(call: EngineCall): CommandRow[] {
  const { answering, byName } = call.engine.commands;
  const measured = (row: CommandRow) => !row.isAbsent && histogramOf(row) !== null;
  if (call.argc === 2) return answering.filter(measured);
  const found = new Set<CommandRow>();
  for (let index = 2; index < call.argc; index++) {
    const [name = "", subcommand] = call.word(index).toLowerCase().split("|");
    const row = byName.get(name);
    if (row === undefined) continue;
    if (subcommand !== undefined) {
      const own = row.subcommands?.get(subcommand);
      if (own !== undefined && measured(own)) found.add(own);
      continue;
    }
    for (const each of [row, ...(row.subcommands?.values() ?? [])])
      if (measured(each)) found.add(each);
  }
  return [...found];
}

function replyHistogram(reply: ReplyWriter, row: CommandRow): void {
  const known = histogramOf(row);
  const steps = known?.cumulative() ?? [];
  reply.map(2);
  reply.bulkLatin1("calls");
  reply.integer(known?.total ?? 0);
  reply.bulkLatin1("histogram_usec");
  reply.map(steps.length);
  for (const [microseconds, calls] of steps) {
    reply.integer(microseconds);
    reply.integer(calls);
  }
}

const history = engineCommand({
  ...facts,
  name: "history",
  summary: "Lists the samples of an event.",
  complexity: "O(1)",
  arity: 3,
  args: [arg.string("event")],
  tips: special,
  run(call) {
    const { reply } = call;
    const samples = call.engine.latency.events.get(call.word(2))?.samples ?? [];
    reply.array(samples.length);
    for (const { timeSeconds, latencyMs } of samples) {
      reply.array(2);
      reply.integer(timeSeconds);
      reply.integer(latencyMs);
    }
  },
});

const latest = engineCommand({
  ...facts,
  name: "latest",
  summary: "Shows the latest sample of every event.",
  complexity: "O(1)",
  arity: 2,
  tips: special,
  run({ engine, reply }) {
    const { events } = engine.latency;
    reply.array(events.size);
    for (const [name, { samples, worstMs }] of events) {
      const last = samples[samples.length - 1];
      reply.array(4);
      reply.bulkLatin1(name);
      reply.integer(last?.timeSeconds ?? 0);
      reply.integer(last?.latencyMs ?? 0);
      reply.integer(worstMs);
    }
  },
});

const reset = engineCommand({
  ...facts,
  name: "reset",
  summary: "Forgets the samples of the named events, or all.",
  complexity: "O(1)",
  arity: -2,
  args: [arg.optional(arg.many(arg.string("event")))],
  tips: ["request_policy:all_nodes", "response_policy:all_succeeded"],
  run(call) {
    const { latency } = call.engine;
    call.reply.integer(call.argc === 2 ? latency.resetAll() : latency.reset(call.words(2)));
  },
});

const subcommands = [doctor, graph, histogram, history, latest, reset];

export const latency = engineCommand({
  name: "latency",
  group: "server",
  since: "2.8.13",
  summary: "Groups the commands that look for delays.",
  complexity: "As the subcommand.",
  arity: -2,
  flags: [],
  subcommands: [...subcommands, helpCommand("latency", { group: "server", since: "2.8.13" })],
});
