/** GET and SET over a million random keys at several pipeline depths: what a request costs. */
import { ratioSpread, spread, thousands } from "../format.ts";
import { loadKeys } from "../load-client.ts";
import { watchUsage } from "../process-usage.ts";
import { type BenchmarkRun, runBenchmark } from "../redis-benchmark.ts";
import type { Claim, Context, Section } from "../scenario.ts";
import { inTurns, type Server, startServer } from "../servers.ts";
import { median, pairedRatios, summarize } from "../statistics.ts";

export interface Cost {
  cpuUs: number;
  /** The same of the requests that warmed it up. */
  warmUpCpuUs: number;
  requestsPerSecond: number;
  foreignCores: number;
}

/** Runs a test once unmeasured, so that both servers are warm, and once for the figures. */
export async function measureCost(
  server: Server,
  idle: Server,
  run: Omit<BenchmarkRun, "port">,
  warmUpRequests = Math.ceil(run.requests / 5),
): Promise<Cost> {
  const warmUpSince = watchUsage(server.pid, [idle.pid]);
  await runBenchmark({ ...run, port: server.port, requests: warmUpRequests });
  const warmUpCpuUs = warmUpSince().cpuNs / 1000 / warmUpRequests;
  const usageSince = watchUsage(server.pid, [idle.pid]);
  const { requestsPerSecond } = await runBenchmark({ ...run, port: server.port });
  const { cpuNs, foreignCores } = usageSince();
  return { cpuUs: cpuNs / 1000 / run.requests, warmUpCpuUs, requestsPerSecond, foreignCores };
}

/** One row's rounds, kept in pairs. */
export class PairedCosts {
  readonly ours: Cost[] = [];
  readonly redis: Cost[] = [];

  add(pair: { ours: Cost; redis: Cost }): void {
    this.ours.push(pair.ours);
    this.redis.push(pair.redis);
  }

  ratios(what: "cpuUs" | "requestsPerSecond"): number[] {
    return pairedRatios(this.values("ours", what), this.values("redis", what));
  }

  values(side: "ours" | "redis", what: keyof Cost): number[] {
    return this[side].map((cost) => cost[what]);
  }

  row(): string[] {
    const foreign = [
      ...this.values("ours", "foreignCores"),
      ...this.values("redis", "foreignCores"),
    ];
    return [
      spread(summarize(this.values("ours", "cpuUs"))),
      spread(summarize(this.values("redis", "cpuUs"))),
      ratioSpread(summarize(this.ratios("cpuUs"))),
      thousands(median(this.values("ours", "requestsPerSecond"))),
      thousands(median(this.values("redis", "requestsPerSecond"))),
      ratioSpread(summarize(this.ratios("requestsPerSecond"))),
      median(foreign).toFixed(1),
    ];
  }
}

export const costColumns = [
  "kv CPU µs",
  "redis CPU µs",
  "CPU ratio",
  "kv req/s",
  "redis req/s",
  "req/s ratio",
  "foreign cores",
];

const cpuLimits: Record<number, number> = { 1: 1.15, 16: 0.65, 64: 0.5 };

export async function pipelines(context: Context): Promise<Section> {
  const { keys, requests } = context.sizes.pipelines;
  const cells = requests.flatMap(({ depth, count }) =>
    (["SET", "GET"] as const).map((test) => ({ depth, count, test, costs: new PairedCosts() })),
  );
  for (let round = 0; round < context.rounds; round++) {
    await using ours = await startServer(context.ours);
    await using redis = await startServer(context.redis);
    const servers = { ours, redis };
    for (const server of [ours, redis]) await loadKeys(server.port, "shortString", keys);
    for (const { depth, count, test, costs } of cells) {
      context.say(`round ${round + 1} of ${context.rounds}: ${test}, depth ${depth}`);
      const run = { requests: count, pipeline: depth, randomKeys: keys, test: test.toLowerCase() };
      costs.add(
        await inTurns([context.ours, context.redis], round, ({ name }) =>
          measureCost(servers[name], servers[name === "ours" ? "redis" : "ours"], run),
        ),
      );
    }
  }
  return {
    name: "pipelines",
    title: "GET and SET",
    method:
      `redis-benchmark, 50 clients, random keys out of ${keys}, all present, 3-byte values. ` +
      "CPU is the server process's, per request, all threads. Median over rounds (lowest–highest); " +
      "a ratio is kv / redis-server within one round.",
    tables: [
      {
        columns: ["depth", "test", ...costColumns],
        rows: cells.map(({ depth, test, costs }) => [`${depth}`, test, ...costs.row()]),
      },
    ],
    claims: cells
      .filter(({ depth }) => depth in cpuLimits)
      .map(
        ({ depth, test, costs }): Claim => ({
          text: `CPU per ${test} at depth ${depth}, against redis-server`,
          measured: median(costs.ratios("cpuUs")),
          atMost: cpuLimits[depth],
          unit: "×",
        }),
      ),
    remarks: [],
  };
}
