/**
 * BGSAVE and BGREWRITEAOF under write load: what clients and memory notice, and whether the file is
 * whole.
 */
import { cpSync, existsSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { TemplateName } from "../command-template.ts";
import { count, megabytes, milliseconds, ratio, significant } from "../format.ts";
import { loadKeys, type ProbeResult, startProbe, startWriter } from "../load-client.ts";
import { familyBytes } from "../process-usage.ts";
import { RespClient } from "../resp-client.ts";
import type { Context, Section } from "../scenario.ts";
import {
  inTurns,
  makeFolder,
  removeFolder,
  type Server,
  type ServerKind,
  startServer,
} from "../servers.ts";
import { median } from "../statistics.ts";

/** A calm time and one in which something goes on. */
export interface UnderWrites {
  calm: ProbeResult;
  busy: ProbeResult;
  /** How long it went on. */
  tookMs: number;
  /** Most memory meanwhile, against before. */
  growth: number;
  bytesBefore: number;
}

export interface Snapshot {
  calm: ProbeResult;
  saving: ProbeResult;
  savedInMs: number;
  growth: number;
  bytesBefore: number;
}

/** What is saved and written to meanwhile. */
export interface SnapshotLoad {
  /** Fills the server. */
  load: (server: Server) => Promise<unknown>;
  /** Keys that the probe asks for: strings of the template "string". */
  probedKeys: number;
  /** What is written. */
  template: TemplateName;
  /** Numbers that it is written with. */
  numbers: number;
}

/** What writes the data set in the background. */
export interface SnapshotJob {
  command: "BGSAVE" | "BGREWRITEAOF";
  /** What the server is told at its start. */
  args: readonly string[];
  /** Rows of INFO: 1 while it runs, and how it ended. */
  runningRow: string;
  statusRow: string;
  /** What it leaves, in the server's folder. */
  leaves: string;
}

const bgsave: SnapshotJob = {
  command: "BGSAVE",
  args: [],
  runningRow: "rdb_bgsave_in_progress",
  statusRow: "rdb_last_bgsave_status",
  leaves: "dump.rdb",
};

const bgrewriteaof: SnapshotJob = {
  command: "BGREWRITEAOF",
  args: ["--appendonly", "yes", "--appendfsync", "everysec", "--auto-aof-rewrite-percentage", "0"],
  runningRow: "aof_rewrite_in_progress",
  statusRow: "aof_last_bgrewrite_status",
  leaves: "appendonlydir",
};

const SAMPLE_MS = 100;
const SAVE_WITHIN_MS = 180_000;

/** Asks a redis-server that has loaded what the job has left. */
async function withFile(
  folder: string,
  { leaves, args }: SnapshotJob,
  reference: ServerKind,
  ask: (client: RespClient) => Promise<void>,
): Promise<void> {
  const dir = makeFolder();
  cpSync(join(folder, leaves), join(dir, leaves), { recursive: true });
  try {
    await using server = await startServer(reference, { dir, args });
    await using client = await RespClient.connect(server.port);
    await ask(client);
  } finally {
    removeFolder(dir);
  }
}

/** Starts the job and waits for its end; the result is its length and the most memory in use. */
async function save(
  server: Server,
  { command, runningRow, statusRow }: SnapshotJob,
  begun: () => Promise<void>,
): Promise<{ savedInMs: number; peakBytes: number }> {
  await using client = await RespClient.connect(server.port);
  const startMs = performance.now();
  await client.send(command);
  await begun();
  let peakBytes = 0;
  for (;;) {
    peakBytes = Math.max(peakBytes, familyBytes(server.pid));
    const info = await client.info("persistence");
    if (info.get(runningRow) === "0") {
      const status = info.get(statusRow);
      if (status !== "ok") throw new Error(`${command} ended with ${status}`);
      return { savedInMs: performance.now() - startMs, peakBytes };
    }
    if (performance.now() - startMs > SAVE_WITHIN_MS) throw new Error(`${command} does not end`);
    await sleep(SAMPLE_MS);
  }
}

/** What is written to a server, and asked of it, meanwhile. */
export type WritesMeanwhile = Pick<SnapshotLoad, "probedKeys" | "template" | "numbers">;

/**
 * A calm time, and one in which `work` goes on, under the same writes. The work answers with the most
 * memory that was in use.
 */
export async function underWrites(
  context: Context,
  { port, pid }: Server,
  { probedKeys, template, numbers }: WritesMeanwhile,
  work: () => Promise<number>,
): Promise<UnderWrites> {
  const { calmMs, writesPerSecond } = context.sizes.snapshot;
  const writer = startWriter({ port, template, keys: numbers, perSecond: writesPerSecond });
  await sleep(Math.min(1000, calmMs));

  const probing = { port, pid, keys: probedKeys, intervalMs: 1, writes: true };
  const calmProbe = startProbe(probing);
  const calmEndsAtMs = performance.now() + calmMs;
  // Sampling memory costs the server a little, so the calm phase is sampled as well.
  let bytesBefore = familyBytes(pid);
  while (performance.now() < calmEndsAtMs) {
    await sleep(SAMPLE_MS);
    bytesBefore = familyBytes(pid);
  }
  const calm = await calmProbe.stop();

  const busyProbe = startProbe(probing);
  await sleep(20);
  const startMs = performance.now();
  const peakBytes = await work();
  const tookMs = performance.now() - startMs;
  const busy = await busyProbe.stop();
  await writer.stop();
  return { calm, busy, tookMs, growth: peakBytes / bytesBefore - 1, bytesBefore };
}

/**
 * A calm time and a BGSAVE, or another job, under the same writes. `atSave` is called right before and right after it;
 * `inFile` gets a redis-server that has loaded the file.
 */
export async function measureSnapshot(
  context: Context,
  kind: ServerKind,
  { load, probedKeys, template, numbers }: SnapshotLoad,
  inFile: (client: RespClient) => Promise<void>,
  atSave: (client: RespClient) => Promise<void> = async () => {},
  job: SnapshotJob = bgsave,
): Promise<Snapshot> {
  await using server = await startServer(kind, { args: job.args });
  await load(server);
  let savedInMs = Number.NaN;
  const meanwhile = { probedKeys, template, numbers };
  const { calm, busy, growth, bytesBefore } = await underWrites(
    context,
    server,
    meanwhile,
    async () => {
      await using client = await RespClient.connect(server.port);
      await atSave(client);
      const saved = await save(server, job, () => atSave(client));
      savedInMs = saved.savedInMs;
      return saved.peakBytes;
    },
  );

  const { leaves } = job;
  if (!existsSync(join(server.dir, leaves))) throw new Error(`${kind.label} has left no ${leaves}`);
  await withFile(server.dir, job, context.redis, inFile);
  return { calm, saving: busy, savedInMs, growth, bytesBefore };
}

interface CountedSnapshot extends Snapshot {
  keysInFile: number;
}

async function measure(
  context: Context,
  kind: ServerKind,
  job: SnapshotJob,
): Promise<CountedSnapshot> {
  const { keys } = context.sizes.snapshot;
  const load = ({ port }: Server) => loadKeys(port, "string", keys);
  let keysInFile = Number.NaN;
  const measured = await measureSnapshot(
    context,
    kind,
    { load, probedKeys: keys, template: "string", numbers: keys },
    async (client) => {
      keysInFile = Number(await client.send("DBSIZE"));
    },
    undefined,
    job,
  );
  return { ...measured, keysInFile };
}

export const snapshot = (context: Context) =>
  underLoad(context, bgsave, "snapshot", "BGSAVE under load");

export const rewrite = (context: Context) =>
  underLoad(context, bgrewriteaof, "rewrite", "BGREWRITEAOF under load");

async function underLoad(
  context: Context,
  job: SnapshotJob,
  name: string,
  title: string,
): Promise<Section> {
  const { keys, writesPerSecond } = context.sizes.snapshot;
  const results: { ours: CountedSnapshot[]; redis: CountedSnapshot[] } = { ours: [], redis: [] };
  const rounds = Math.min(3, context.rounds);
  for (let round = 0; round < rounds; round++) {
    const pair = await inTurns([context.ours, context.redis], round, (kind) => {
      context.say(`round ${round + 1} of ${rounds}: ${kind.label}`);
      return measure(context, kind, job);
    });
    results.ours.push(pair.ours);
    results.redis.push(pair.redis);
  }

  const of = (side: "ours" | "redis", value: (each: CountedSnapshot) => number) =>
    median(results[side].map(value));
  const latencies = (side: "ours" | "redis", phase: "calm" | "saving", kind: "raw" | "net") =>
    (["p50Ms", "p99Ms", "p999Ms", "maxMs"] as const).map((what) =>
      milliseconds(of(side, (each) => each[phase][kind][what])),
    );
  const p99Growth = (side: "ours" | "redis", kind: "raw" | "net") =>
    of(side, (each) => each.saving[kind].p99Ms / each.calm[kind].p99Ms);
  const sides = (["ours", "redis"] as const).map((side) => ({ side, label: context[side].label }));
  return {
    name,
    title,
    method:
      `${count(keys)} strings, ${writesPerSecond} random overwrites a second, and a probe that sends ` +
      "a GET and a SET each millisecond without waiting. Memory is the proportional size of the " +
      `process and its children. Medians of ${rounds} rounds. The file is loaded into redis-server. ` +
      "Net: less the time in which server or probe was ready to run and had no processor.",
    tables: [
      {
        columns: ["server", "phase", "latency", "p50", "p99", "p99.9", "longest"],
        rows: sides.flatMap(({ side, label }) => [
          [label, "calm", "as seen", ...latencies(side, "calm", "raw")],
          [label, job.command, "as seen", ...latencies(side, "saving", "raw")],
          [label, "calm", "net", ...latencies(side, "calm", "net")],
          [label, job.command, "net", ...latencies(side, "saving", "net")],
        ]),
      },
      {
        columns: [
          "server",
          "p99, saving / calm",
          "the same, net",
          "save took",
          "memory",
          "growth",
          "keys in the file",
        ],
        rows: sides.map(({ side, label }) => [
          label,
          ratio(p99Growth(side, "raw")),
          ratio(p99Growth(side, "net")),
          `${significant(of(side, (each) => each.savedInMs) / 1000)} s`,
          megabytes(of(side, (each) => each.bytesBefore)),
          `${significant(of(side, (each) => each.growth) * 100)} %`,
          `${[...new Set(results[side].map((each) => each.keysInFile))].join(", ")}`,
        ]),
      },
    ],
    claims: [
      {
        text: `p99 during ${job.command}, against without, net`,
        measured: p99Growth("ours", "net"),
        atMost: 2,
        unit: "×",
      },
      {
        text: `memory growth during ${job.command}`,
        measured: of("ours", (each) => each.growth) * 100,
        atMost: 10,
        unit: " %",
      },
      {
        text: `keys missing in the file or too many, ${job.command}`,
        measured: Math.max(...results.ours.map((each) => Math.abs(each.keysInFile - keys))),
        atMost: 0,
        unit: "",
      },
    ],
    remarks: [],
  };
}
