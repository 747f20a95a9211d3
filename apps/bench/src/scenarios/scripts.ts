/** Scripts and functions: what a run costs, and what having them costs a server that starts. */
import { ratio, significant, spread } from "../format.ts";
import { processCpuNs } from "../process-usage.ts";
import { RespClient } from "../resp-client.ts";
import type { Context, Section, Table } from "../scenario.ts";
import { type Call, KEYS, library, type Sample, samples } from "../script-samples.ts";
import {
  inTurns,
  makeFolder,
  removeFolder,
  type Server,
  type ServerKind,
  startServer,
} from "../servers.ts";
import { geometricMean, median, summarize } from "../statistics.ts";
import { type Cost, costColumns, measureCost, PairedCosts } from "./pipelines.ts";

const DEPTHS = [1, 16];
const LIMIT = 1.2;
const MEAN_LIMIT = 1;

/** Runs are a multiple of the depth, and so are those that warm up: each is one that was prepared. */
const STEP = 80;

async function errorReplies(port: number): Promise<number> {
  await using client = await RespClient.connect(port);
  return Number((await client.info("stats")).get("total_error_replies"));
}

async function measure(
  server: Server,
  idle: Server,
  sample: Sample,
  { requests, warmUp, pipeline }: { requests: number; warmUp: number; pipeline: number },
): Promise<Cost> {
  const { words, lastWord }: Call = await sample.prepare(server.port, requests + warmUp);
  const before = await errorReplies(server.port);
  const run = { test: words, requests, pipeline, randomKeys: sample.drawn ?? KEYS };
  const cost = await measureCost(
    server,
    idle,
    lastWord === undefined ? run : { ...run, lastWord },
    warmUp,
  );
  const errors = (await errorReplies(server.port)) - before;
  if (errors > 0) throw new Error(`${sample.name}: ${errors} errors on ${server.kind.label}`);
  await sample.check?.(server.port);
  return cost;
}

interface Start {
  readyMs: number;
  cpuMs: number;
}

/** A start until PONG, or until the reply to `firstWords`. */
async function start(
  kind: ServerKind,
  dir: string,
  firstWords?: readonly string[],
): Promise<Start> {
  await using server = await startServer(kind, { dir });
  const pongMs = performance.now();
  if (firstWords !== undefined) {
    await using client = await RespClient.connect(server.port);
    await client.send(...firstWords);
  }
  const readyMs = server.readyAfterMs + performance.now() - pongMs;
  return { readyMs, cpuMs: processCpuNs(server.pid) / 1e6 };
}

/** Folders to start in: an empty one, and one with a file in which there is a library of functions. */
async function startFolders(context: Context): Promise<{ empty: string; withLibrary: string }> {
  const folders = { empty: makeFolder(), withLibrary: makeFolder() };
  await using writer = await startServer(context.redis, { dir: folders.withLibrary });
  await using client = await RespClient.connect(writer.port);
  await client.send("FUNCTION", "LOAD", library);
  await client.send("SAVE");
  return folders;
}

async function starts(context: Context): Promise<Table> {
  const { empty, withLibrary } = await startFolders(context);
  const kinds: readonly { label: string; dir: string; firstWords?: readonly string[] }[] = [
    { label: "first PONG, no scripts", dir: empty },
    { label: "first PONG, a library in the file", dir: withLibrary },
    { label: "first reply to EVAL", dir: empty, firstWords: ["EVAL", "return 1", "0"] },
    {
      label: "first reply to FCALL, a library in the file",
      dir: withLibrary,
      firstWords: ["FCALL", "get", "1", "k"],
    },
  ];
  const rows: string[][] = [];
  for (const { label, dir, firstWords } of kinds) {
    const measured: { ours: Start; redis: Start }[] = [];
    for (let round = 0; round < context.sizes.scripts.starts; round++) {
      context.say(`start ${round + 1}: ${label}`);
      measured.push(
        await inTurns([context.ours, context.redis], round, (kind) => start(kind, dir, firstWords)),
      );
    }
    const column = (side: "ours" | "redis", what: keyof Start) =>
      spread(summarize(measured.map((each) => each[side][what])));
    rows.push([
      label,
      column("ours", "readyMs"),
      column("redis", "readyMs"),
      column("ours", "cpuMs"),
      column("redis", "cpuMs"),
    ]);
  }
  for (const folder of [empty, withLibrary]) removeFolder(folder);
  return {
    title: "From the start of the process until it has answered",
    columns: ["until", "kv ms", "redis ms", "kv CPU ms", "redis CPU ms"],
    rows,
  };
}

export async function scripts(context: Context): Promise<Section> {
  const cells = samples.flatMap((sample) =>
    DEPTHS.map((depth) => ({ sample, depth, costs: new PairedCosts() })),
  );
  const sizes = context.sizes.scripts;
  for (let round = 0; round < context.rounds; round++) {
    await using ours = await startServer(context.ours);
    await using redis = await startServer(context.redis);
    const servers = { ours, redis };
    for (const { sample, depth, costs } of cells) {
      context.say(`round ${round + 1} of ${context.rounds}: ${sample.name}, depth ${depth}`);
      const requests = Math.ceil((sizes.requests * sample.share) / STEP) * STEP;
      const warmUp = Math.max(requests / 5, sizes.warmUps);
      costs.add(
        await inTurns([context.ours, context.redis], round, ({ name }) =>
          measure(servers[name], servers[name === "ours" ? "redis" : "ours"], sample, {
            requests,
            warmUp,
            pipeline: depth,
          }),
        ),
      );
    }
  }
  const ratios = cells.map(({ costs }) => median(costs.ratios("cpuUs")));
  const mean = geometricMean(ratios);
  return {
    name: "scripts",
    title: "Scripts and functions",
    method:
      `50 clients; keys out of ${KEYS} at random. CPU as under GET and SET. BullMQ's script is what its own worker ` +
      "sent, and each run moves a job; of the texts that differ, a comment does. Each row is measured after " +
      `${sizes.warmUps} runs and more, which let both servers come to what they cost from then on: what those cost, ` +
      "with all that is compiled meanwhile, is said as well. " +
      `Geometric mean of the CPU ratios: ${ratio(mean)}.`,
    tables: [
      {
        columns: ["script", "depth", ...costColumns, "before: kv / redis CPU µs"],
        rows: cells.map(({ sample, depth, costs }) => [
          sample.name,
          `${depth}`,
          ...costs.row(),
          `${significant(median(costs.values("ours", "warmUpCpuUs")))} / ${significant(median(costs.values("redis", "warmUpCpuUs")))}`,
        ]),
      },
      await starts(context),
    ],
    claims: [
      ...cells.map(({ sample, depth }, index) => ({
        text: `CPU, ${sample.name}, depth ${depth}`,
        measured: ratios[index],
        atMost: LIMIT,
        unit: "×",
      })),
      { text: "CPU, scripts, geometric mean", measured: mean, atMost: MEAN_LIMIT, unit: "×" },
    ],
    remarks: [],
  };
}
