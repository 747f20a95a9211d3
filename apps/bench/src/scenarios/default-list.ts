/** The tests that redis-benchmark runs when it is told nothing, at pipeline depth 16. */
import { unknownCommands } from "../collections.ts";
import { loadKeys } from "../load-client.ts";
import { runBenchmark } from "../redis-benchmark.ts";
import type { Context, Section } from "../scenario.ts";
import { inTurns, startServer } from "../servers.ts";
import { geometricMean, median } from "../statistics.ts";
import { costColumns, measureCost, PairedCosts } from "./pipelines.ts";

interface ListedTest {
  name: string;
  /** The command it needs. */
  command: string;
  /** How to call it where redis-benchmark's own name for it would run more than the test. */
  words?: readonly string[];
  /** A test whose data this one uses up: it is run first, unmeasured, so that there is enough. */
  fedBy?: readonly string[];
  /** Fraction of the usual number of requests: some replies are a thousand times longer. */
  share?: number;
}

const PIPELINE = 16;

const lrange = (count: number): ListedTest => ({
  name: `LRANGE_${count}`,
  command: "LRANGE",
  words: ["LRANGE", "mylist", "0", `${count - 1}`],
  fedBy: ["LPUSH", "mylist", "xxx"],
  share: 0.1,
});

const tests: readonly ListedTest[] = [
  { name: "PING_INLINE", command: "PING" },
  { name: "PING_MBULK", command: "PING" },
  { name: "SET", command: "SET" },
  { name: "GET", command: "GET" },
  { name: "INCR", command: "INCR" },
  { name: "LPUSH", command: "LPUSH" },
  { name: "RPUSH", command: "RPUSH" },
  { name: "LPOP", command: "LPOP" },
  { name: "RPOP", command: "RPOP" },
  { name: "SADD", command: "SADD" },
  { name: "HSET", command: "HSET" },
  { name: "SPOP", command: "SPOP", fedBy: ["SADD", "myset", "element:__rand_int__"] },
  { name: "ZADD", command: "ZADD" },
  {
    name: "ZPOPMIN",
    command: "ZPOPMIN",
    fedBy: ["ZADD", "myzset", "__rand_int__", "element:__rand_int__"],
  },
  lrange(100),
  lrange(300),
  lrange(500),
  lrange(600),
  { name: "MSET", command: "MSET", share: 0.3 },
];

export async function defaultList(context: Context): Promise<Section> {
  const { keys, requests } = context.sizes.defaultList;
  const costs = new Map<string, PairedCosts>();
  const refused = new Set<string>();
  for (let round = 0; round < context.rounds; round++) {
    await using ours = await startServer(context.ours);
    await using redis = await startServer(context.redis);
    const servers = { ours, redis };
    for (const server of [ours, redis]) await loadKeys(server.port, "shortString", keys);
    const unknown = await unknownCommands(
      ours.port,
      tests.map(({ command }) => command),
    );
    for (const test of tests) {
      if (unknown.has(test.command)) {
        refused.add(test.name);
        continue;
      }
      context.say(`round ${round + 1} of ${context.rounds}: ${test.name}`);
      const pair = await inTurns([context.ours, context.redis], round, async ({ name }) => {
        const server = servers[name];
        const base = { pipeline: PIPELINE, randomKeys: keys };
        if (test.fedBy !== undefined) {
          await runBenchmark({ ...base, port: server.port, requests, test: test.fedBy });
        }
        const run = {
          ...base,
          requests: Math.ceil(requests * (test.share ?? 1)),
          test: test.words ?? test.name.toLowerCase(),
        };
        return measureCost(server, servers[name === "ours" ? "redis" : "ours"], run);
      });
      if (!costs.has(test.name)) costs.set(test.name, new PairedCosts());
      costs.get(test.name)!.add(pair);
    }
  }

  const ratios = [...costs].map(([name, each]) => ({ name, ratio: median(each.ratios("cpuUs")) }));
  const mean = geometricMean(ratios.map(({ ratio }) => ratio));
  const worst = ratios.reduce((a, b) => (b.ratio > a.ratio ? b : a));
  return {
    name: "default-list",
    title: "redis-benchmark's default list",
    method:
      `Depth ${PIPELINE}, 50 clients, random keys, members and scores out of ${keys}. CPU as above. ` +
      `Geometric mean of the CPU ratios: ${mean.toFixed(2)}×.`,
    tables: [
      {
        columns: ["test", ...costColumns],
        rows: [...costs].map(([name, each]) => [name, ...each.row()]),
      },
    ],
    claims: [
      { text: "CPU, default list, geometric mean", measured: mean, atMost: 0.65, unit: "×" },
      {
        text: `CPU, default list, worst (${worst.name})`,
        measured: worst.ratio,
        atMost: 1,
        unit: "×",
      },
      ...ratios
        .filter(({ name }) => name === "LRANGE_600")
        .map((each) => ({ text: "CPU, LRANGE_600", measured: each.ratio, atMost: 0.7, unit: "×" })),
    ],
    remarks: refused.size === 0 ? [] : [`Not supported, not measured: ${[...refused].join(", ")}.`],
  };
}
