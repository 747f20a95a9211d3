/** Whether a command costs the same in a small and in a large keyspace, and while it grows. */
import { count, milliseconds, ratio, significant } from "../format.ts";
import { type Latencies, loadKeys, type ProbeResult, startProbe } from "../load-client.ts";
import { availableBytes } from "../process-usage.ts";
import type { Context, Section, Table } from "../scenario.ts";
import { inTurns, type ServerKind, startServer } from "../servers.ts";
import { median } from "../statistics.ts";
import { measureCost, PairedCosts } from "./pipelines.ts";

const PIPELINE = 16;
const BYTES_PER_KEY_MAX = 200;

async function costAt(context: Context, keys: number): Promise<PairedCosts> {
  const { requests } = context.sizes.flatness;
  const costs = new PairedCosts();
  await using ours = await startServer(context.ours);
  await using redis = await startServer(context.redis);
  const servers = { ours, redis };
  for (const server of [ours, redis]) await loadKeys(server.port, "shortString", keys);
  for (let round = 0; round < context.rounds; round++) {
    context.say(`${count(keys)} keys, round ${round + 1} of ${context.rounds}`);
    const run = { requests, pipeline: PIPELINE, randomKeys: keys, test: "get" };
    costs.add(
      await inTurns([context.ours, context.redis], round, ({ name }) =>
        measureCost(servers[name], servers[name === "ours" ? "redis" : "ours"], run),
      ),
    );
  }
  return costs;
}

async function longestStop(kind: ServerKind, growTo: number): Promise<ProbeResult> {
  await using server = await startServer(kind, { runtimeArgs: ["--trace-gc"] });
  // Before the table grows, the first thousand keys and compiled code: those are no stops of growth.
  await loadKeys(server.port, "string", Math.min(50_000, growTo / 2), { batch: 100 });
  const probe = startProbe({
    port: server.port,
    pid: server.pid,
    keys: 1000,
    intervalMs: 1,
    writes: false,
  });
  // Short batches on few connections: a queue in front of the probe would look like a stop.
  await loadKeys(server.port, "string", growTo, { connections: 2, batch: 50 });
  // Awaited here: the server must live until the last answer has come.
  return await probe.stop();
}

async function growth(context: Context): Promise<{ table: Table; stopMs: number }> {
  const { growTo } = context.sizes.flatness;
  const results: { ours: ProbeResult[]; redis: ProbeResult[] } = { ours: [], redis: [] };
  for (let round = 0; round < Math.min(3, context.rounds); round++) {
    const pair = await inTurns([context.ours, context.redis], round, (kind) => {
      context.say(`growing to ${count(growTo)} keys, round ${round + 1}, ${kind.label}`);
      return longestStop(kind, growTo);
    });
    results.ours.push(pair.ours);
    results.redis.push(pair.redis);
  }
  const of = (side: "ours" | "redis", kind: "raw" | "net", what: keyof Latencies) =>
    median(results[side].map((each) => each[kind][what]));
  const row = (side: "ours" | "redis", kind: "raw" | "net") => [
    context[side].label,
    kind === "raw" ? "as seen" : "net of waits for a processor",
    ...(["p50Ms", "p99Ms", "p999Ms", "maxMs"] as const).map((what) =>
      milliseconds(of(side, kind, what)),
    ),
  ];
  return {
    table: {
      title: `A GET each millisecond while the table grows to ${count(growTo)} keys`,
      columns: ["server", "latency", "p50", "p99", "p99.9", "longest"],
      rows: (["ours", "redis"] as const).flatMap((side) => [row(side, "raw"), row(side, "net")]),
    },
    stopMs: of("ours", "net", "maxMs"),
  };
}

export async function flatness(context: Context): Promise<Section> {
  const remarks: string[] = [];
  const measured: { keys: number; costs: PairedCosts }[] = [];
  for (const keys of context.sizes.flatness.keys) {
    if (availableBytes() < 2 * keys * BYTES_PER_KEY_MAX) {
      remarks.push(`${count(keys)} keys: left out, too little free memory.`);
      continue;
    }
    measured.push({ keys, costs: await costAt(context, keys) });
  }
  const { table, stopMs } = await growth(context);
  const cpu = (side: "ours" | "redis", costs: PairedCosts) => median(costs.values(side, "cpuUs"));
  const rise = (side: "ours" | "redis", costs: PairedCosts) =>
    cpu(side, costs) / cpu(side, measured[0].costs);
  const last = measured[measured.length - 1];
  return {
    name: "flatness",
    title: "Flatness",
    method:
      `GET at depth ${PIPELINE}, 50 clients, keyspaces of several sizes, all keys present: CPU per ` +
      "request, and against the smallest keyspace.",
    tables: [
      {
        columns: [
          "keys",
          "kv CPU µs",
          "against smallest",
          "redis CPU µs",
          "against smallest",
          "ratio",
        ],
        rows: measured.map(({ keys, costs }) => [
          count(keys),
          significant(cpu("ours", costs)),
          ratio(rise("ours", costs)),
          significant(cpu("redis", costs)),
          ratio(rise("redis", costs)),
          ratio(median(costs.ratios("cpuUs"))),
        ]),
      },
      table,
    ],
    claims: [
      {
        text: `CPU per GET at ${count(last.keys)} keys, against ${count(measured[0].keys)}`,
        measured: rise("ours", last.costs),
        atMost: 2,
        unit: "×",
      },
      {
        text: "longest stop while the table grows, net",
        measured: stopMs,
        atMost: 10,
        unit: " ms",
      },
    ],
    remarks,
  };
}
