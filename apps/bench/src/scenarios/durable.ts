/** SET while an append-only file is written, and how long it takes to read one: what durability costs. */
import { statSync } from "node:fs";
import { join } from "node:path";
import { count, megabytes } from "../format.ts";
import { runBenchmark } from "../redis-benchmark.ts";
import { RespClient } from "../resp-client.ts";
import type { Claim, Context, Section, Table } from "../scenario.ts";
import { inTurns, makeFolder, removeFolder, startServer } from "../servers.ts";
import { median } from "../statistics.ts";
import { costColumns, measureCost, PairedCosts } from "./pipelines.ts";
import { measureRestarts } from "./restart.ts";

const policies = ["everysec", "always"] as const;

const logging = (policy: string) => ["--appendonly", "yes", "--appendfsync", policy];

interface Written {
  policy: (typeof policies)[number];
  depth: number;
  costs: PairedCosts;
}

async function writing(context: Context): Promise<Written[]> {
  const { keys, requests } = context.sizes.pipelines;
  const rows = policies.flatMap((policy) =>
    requests
      .filter(({ depth }) => depth <= 16)
      .map(({ depth, count }) => ({ policy, depth, count, costs: new PairedCosts() })),
  );
  for (let round = 0; round < context.rounds; round++) {
    for (const { policy, depth, count, costs } of rows) {
      context.say(`round ${round + 1} of ${context.rounds}: SET, ${policy}, depth ${depth}`);
      const args = [...logging(policy), "--auto-aof-rewrite-percentage", "0"];
      await using ours = await startServer(context.ours, { args });
      await using redis = await startServer(context.redis, { args });
      const servers = { ours, redis };
      const run = { requests: count, pipeline: depth, randomKeys: keys, test: "set" };
      costs.add(
        await inTurns([context.ours, context.redis], round, ({ name }) =>
          measureCost(servers[name], servers[name === "ours" ? "redis" : "ours"], run),
        ),
      );
    }
  }
  return rows;
}

async function reading(context: Context): Promise<{ table: Table; claim: Claim }> {
  const commands = context.sizes.restart.keys;
  const dir = makeFolder();
  context.say(`writing a log of ${count(commands)} commands with redis-server`);
  let keys = 0;
  {
    const args = [...logging("no"), "--auto-aof-rewrite-percentage", "0"];
    await using writer = await startServer(context.redis, { dir, args });
    const run = { requests: commands, pipeline: 64, randomKeys: commands, test: "set" };
    await runBenchmark({ ...run, port: writer.port });
    await using client = await RespClient.connect(writer.port);
    keys = Number(await client.send("DBSIZE"));
  }
  const file = join(dir, "appendonlydir", "appendonly.aof.1.incr.aof");
  const fileBytes = statSync(file).size;
  const what = `a log of ${count(commands)} commands`;
  const load = { dir, keys, args: logging("no"), what };
  const { table, claim } = await measureRestarts(context, load);
  removeFolder(dir);
  const title = `Loading ${count(commands)} commands (${megabytes(fileBytes)})`;
  return { table: { ...table, title }, claim };
}

export async function durable(context: Context): Promise<Section> {
  const rows = await writing(context);
  const { table, claim } = await reading(context);
  return {
    name: "durable",
    title: "Append-only file",
    method:
      "redis-benchmark, 50 clients, SET of 3-byte values under random keys, with `appendonly yes`. CPU is the " +
      "server process's, per request, all threads. The log that is read was written by redis-server and is in " +
      "the page cache; from the start of the process to its first PONG. Median over rounds (lowest–highest).",
    tables: [
      {
        columns: ["appendfsync", "depth", ...costColumns],
        rows: rows.map(({ policy, depth, costs }) => [policy, `${depth}`, ...costs.row()]),
      },
      table,
    ],
    claims: [
      ...rows.map(
        ({ policy, depth, costs }): Claim => ({
          text: `CPU per SET with appendfsync ${policy} at depth ${depth}, against redis-server`,
          measured: median(costs.ratios("cpuUs")),
          atMost: 0.9,
          unit: "×",
        }),
      ),
      claim,
    ],
    remarks: [],
  };
}
