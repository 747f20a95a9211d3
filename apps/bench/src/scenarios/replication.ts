/**
 * Replication: what a replica's work costs, what replicas cost their primary, and what a full synchronisation
 * under writes does to the primary.
 */
import { setTimeout as sleep } from "node:timers/promises";
import {
  count,
  megabytes,
  milliseconds,
  ratio,
  ratioSpread,
  significant,
  spread,
} from "../format.ts";
import { loadKeys } from "../load-client.ts";
import { familyBytes, watchUsage } from "../process-usage.ts";
import { runBenchmark } from "../redis-benchmark.ts";
import { RespClient } from "../resp-client.ts";
import type { Claim, Context, Section, Table } from "../scenario.ts";
import { inTurns, type Server, type ServerKind, startServer } from "../servers.ts";
import { median, pairedRatios, summarize } from "../statistics.ts";
import { costColumns, measureCost, PairedCosts } from "./pipelines.ts";
import { type UnderWrites, underWrites } from "./snapshot.ts";

const WITHIN_MS = 180_000;
const POLL_MS = 20;

/** What is waited for here is not the time that primaries give replicas to gather. */
const primaryArgs = [
  ...["--repl-diskless-sync-delay", "0", "--repl-backlog-size", "256mb"],
  ...["--client-output-buffer-limit", "replica 0 0 0"],
];

async function infoOf({ port }: Server): Promise<Map<string, string>> {
  await using client = await RespClient.connect(port);
  return await client.info("replication");
}

async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  const endsAtMs = performance.now() + WITHIN_MS;
  while (!(await isSo())) {
    if (performance.now() > endsAtMs) throw new Error(`in vain: ${what}`);
    await sleep(POLL_MS);
  }
}

/** The replica has all that the primary has. */
const caughtUp = (replica: Server, primary: Server) =>
  until("the replica catches up", async () => {
    const row = "master_repl_offset";
    return (await infoOf(replica)).get(row) === (await infoOf(primary)).get(row);
  });

async function follow(replica: Server, primary: Server): Promise<void> {
  await using client = await RespClient.connect(replica.port);
  await client.send("REPLICAOF", "127.0.0.1", primary.port);
  await until(
    "the link is up",
    async () => (await client.info("replication")).get("master_link_status") === "up",
  );
}

/** What is applied. */
const APPLIED = ["set", "incr", "hset", "zadd", "sadd"] as const;
/** Members of a set are nearly all new: one that is there already is not passed on. */
const MEMBERS_PER_KEY = 100;
/** A replica runs for weeks: what its first seconds cost is not what is asked for. */
const WARM_UP = 1;
const MEASURED = 2;

/** Of one side: CPU for each command while it keeps up, and commands a second while it catches up. */
interface Applier {
  cpuUs: number[];
  perSecond: number[];
}

interface Applying {
  test: string;
  ours: Applier;
  redis: Applier;
}

/** The replica has missed so many commands: how many a second it applies, alone on the machine. */
async function catchingUp(replica: Server, primary: Server, commands: number): Promise<number> {
  const startMs = performance.now();
  process.kill(replica.pid, "SIGCONT");
  await caughtUp(replica, primary);
  return (commands / (performance.now() - startMs)) * 1000;
}

/** Both kinds follow one redis-server, and do the same at the same time. */
async function applying(context: Context): Promise<Applying[]> {
  const { keys, requests } = context.sizes.pipelines;
  const unit = Math.max(...requests.map(({ count: each }) => each)) / 4;
  const rows = APPLIED.map(
    (test): Applying => ({
      test,
      ours: { cpuUs: [], perSecond: [] },
      redis: { cpuUs: [], perSecond: [] },
    }),
  );
  for (let round = 0; round < context.rounds; round++) {
    await using primary = await startServer(context.redis, { args: primaryArgs });
    await using ours = await startServer(context.ours);
    await using redis = await startServer(context.redis);
    const replicas = { ours, redis };
    for (const replica of [ours, redis]) await follow(replica, primary);
    for (const row of rows) {
      const { test } = row;
      context.say(`round ${round + 1} of ${context.rounds}: replicas apply ${test}`);
      const randomKeys = test === "sadd" ? keys * MEMBERS_PER_KEY : keys;
      const run = { port: primary.port, pipeline: 16, test, randomKeys };
      await runBenchmark({ ...run, requests: WARM_UP * unit });
      for (const replica of [ours, redis]) await caughtUp(replica, primary);
      const since = { ours: watchUsage(ours.pid, []), redis: watchUsage(redis.pid, []) };
      await runBenchmark({ ...run, requests: MEASURED * unit });
      for (const replica of [ours, redis]) await caughtUp(replica, primary);
      for (const side of ["ours", "redis"] as const)
        row[side].cpuUs.push(since[side]().cpuNs / 1000 / (MEASURED * unit));
      for (const replica of [ours, redis]) process.kill(replica.pid, "SIGSTOP");
      await runBenchmark({ ...run, requests: unit });
      for (const side of ["ours", "redis"] as const)
        row[side].perSecond.push(await catchingUp(replicas[side], primary, unit));
    }
  }
  return rows;
}

interface Costs {
  replicas: number;
  costs: PairedCosts;
}

/** SET on primaries that so many redis-servers follow. */
async function primaries(context: Context): Promise<Costs[]> {
  const { keys, requests } = context.sizes.pipelines;
  const run = requests.find(({ depth }) => depth === 16) ?? requests[0];
  const rows = context.sizes.replication.replicas.map(
    (replicas): Costs => ({ replicas, costs: new PairedCosts() }),
  );
  for (let round = 0; round < context.rounds; round++) {
    for (const { replicas, costs } of rows) {
      context.say(`round ${round + 1} of ${context.rounds}: a primary of ${replicas}`);
      const pair = await inTurns([context.ours, context.redis], round, async (kind) => {
        await using stack = new AsyncDisposableStack();
        const primary = stack.use(await startServer(kind, { args: primaryArgs }));
        const followers = [];
        for (let index = 0; index < replicas; index++)
          followers.push(stack.use(await startServer(context.redis)));
        for (const replica of followers) await follow(replica, primary);
        return await measureCost(primary, followers[0] ?? primary, {
          requests: run.count,
          pipeline: 16,
          randomKeys: keys,
          test: "set",
        });
      });
      costs.add(pair);
    }
  }
  return rows;
}

/** A redis-server begins to follow while others write. */
async function synchronising(context: Context, kind: ServerKind): Promise<UnderWrites> {
  const { keys } = context.sizes.snapshot;
  await using primary = await startServer(kind, { args: primaryArgs });
  await loadKeys(primary.port, "string", keys);
  await using replica = await startServer(context.redis);
  const load = { probedKeys: keys, template: "string", numbers: keys } as const;
  return await underWrites(context, primary, load, async () => {
    let peakBytes = 0;
    await using client = await RespClient.connect(replica.port);
    await client.send("REPLICAOF", "127.0.0.1", primary.port);
    // The data set has left when the replica loads it.
    await until("the data set has left", async () => {
      peakBytes = Math.max(peakBytes, familyBytes(primary.pid));
      return /state=online/.test((await infoOf(primary)).get("slave0") ?? "");
    });
    return peakBytes;
  });
}

const cpuRatios = ({ ours, redis }: Applying) => pairedRatios(ours.cpuUs, redis.cpuUs);

function applyingTable(rows: readonly Applying[]): Table {
  return {
    title: "The replica",
    columns: [
      ...["test", "kv CPU µs", "redis CPU µs", "CPU ratio"],
      ...["kv catches up by", "redis catches up by", "ratio"],
    ],
    rows: rows.map((row) => {
      const { test, ours, redis } = row;
      return [
        test.toUpperCase(),
        spread(summarize(ours.cpuUs)),
        spread(summarize(redis.cpuUs)),
        ratioSpread(summarize(cpuRatios(row))),
        `${count(median(ours.perSecond))} a second`,
        `${count(median(redis.perSecond))} a second`,
        ratioSpread(summarize(pairedRatios(ours.perSecond, redis.perSecond))),
      ];
    }),
  };
}

export async function replication(context: Context): Promise<Section> {
  const applied = await applying(context);
  const costs = await primaries(context);
  const syncs: { ours: UnderWrites[]; redis: UnderWrites[] } = { ours: [], redis: [] };
  const rounds = Math.min(3, context.rounds);
  for (let round = 0; round < rounds; round++) {
    const pair = await inTurns([context.ours, context.redis], round, (kind) => {
      context.say(`round ${round + 1} of ${rounds}: full synchronisation of ${kind.label}`);
      return synchronising(context, kind);
    });
    syncs.ours.push(pair.ours);
    syncs.redis.push(pair.redis);
  }
  const of = (side: "ours" | "redis", value: (each: UnderWrites) => number) =>
    median(syncs[side].map(value));
  const growth = (side: "ours" | "redis") =>
    of(side, ({ calm, busy }) => busy.net.p99Ms / calm.net.p99Ms);
  const { keys, writesPerSecond } = context.sizes.snapshot;
  return {
    name: "replication",
    title: "Replication",
    method:
      "A replica of each kind follows one redis-server and applies what redis-benchmark has it do, depth " +
      "16; CPU of the replica's process for each command, warmed up by half as many. Then each is held, and " +
      "catches up with what it has missed. Then primaries of both kinds with so many " +
      `redis-servers behind them. Then a redis-server begins to follow a primary of ${count(keys)} strings, ` +
      `with ${writesPerSecond} overwrites a second and a probe as under "snapshot"; until the data set has ` +
      "left.",
    tables: [
      applyingTable(applied),
      {
        title: "The primary, SET at depth 16",
        columns: ["replicas", ...costColumns],
        rows: costs.map(({ replicas, costs: each }) => [`${replicas}`, ...each.row()]),
      },
      {
        title: "Full synchronisation under writes",
        columns: [
          ...["server", "p99 calm, net", "p99 meanwhile, net", "ratio", "longest, net"],
          ...["took", "memory", "growth"],
        ],
        rows: (["ours", "redis"] as const).map((side) => [
          context[side].label,
          milliseconds(of(side, ({ calm }) => calm.net.p99Ms)),
          milliseconds(of(side, ({ busy }) => busy.net.p99Ms)),
          ratio(growth(side)),
          milliseconds(of(side, ({ busy }) => busy.net.maxMs)),
          `${significant(of(side, ({ tookMs }) => tookMs) / 1000)} s`,
          megabytes(of(side, ({ bytesBefore }) => bytesBefore)),
          `${significant(of(side, (each) => each.growth) * 100)} %`,
        ]),
      },
    ],
    claims: [
      ...applied.map(
        (row): Claim => ({
          text: `CPU of a replica for each ${row.test.toUpperCase()}, against redis-server`,
          measured: median(cpuRatios(row)),
          atMost: 0.7,
          unit: "×",
        }),
      ),
      {
        text: "p99 during a full synchronisation, against without, net",
        measured: growth("ours"),
        atMost: 2,
        unit: "×",
      },
      {
        text: "memory growth during a full synchronisation",
        measured: of("ours", (each) => each.growth) * 100,
        atMost: 10,
        unit: " %",
      },
    ],
    remarks: [],
  };
}
