/** BGSAVE under write load: what clients and memory notice, and whether the file is whole. */
import { copyFileSync, existsSync } from "node:fs";
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

const SAMPLE_MS = 100;
const SAVE_WITHIN_MS = 180_000;

/** Asks a redis-server that has loaded the file. */
async function withFile(
  file: string,
  reference: ServerKind,
  ask: (client: RespClient) => Promise<void>,
): Promise<void> {
  const dir = makeFolder();
  copyFileSync(file, join(dir, "dump.rdb"));
  try {
    await using server = await startServer(reference, { dir });
    await using client = await RespClient.connect(server.port);
    await ask(client);
  } finally {
    removeFolder(dir);
  }
}

/** Starts a BGSAVE and waits for its end; the result is its length and the most memory in use. */
async function save(
  server: Server,
  begun: () => Promise<void>,
): Promise<{ savedInMs: number; peakBytes: number }> {
  await using client = await RespClient.connect(server.port);
  const startMs = performance.now();
  await client.send("BGSAVE");
  await begun();
  let peakBytes = 0;
  for (;;) {
    peakBytes = Math.max(peakBytes, familyBytes(server.pid));
    const info = await client.info("persistence");
    if (info.get("rdb_bgsave_in_progress") === "0") {
      const status = info.get("rdb_last_bgsave_status");
      if (status !== "ok") throw new Error(`BGSAVE ended with ${status}`);
      return { savedInMs: performance.now() - startMs, peakBytes };
    }
    if (performance.now() - startMs > SAVE_WITHIN_MS) throw new Error("BGSAVE does not end");
    await sleep(SAMPLE_MS);
  }
}

/**
 * A calm time and a BGSAVE under the same writes. `atSave` is called right before and right after it;
 * `inFile` gets a redis-server that has loaded the file.
 */
export async function measureSnapshot(
  context: Context,
  kind: ServerKind,
  { load, probedKeys, template, numbers }: SnapshotLoad,
  inFile: (client: RespClient) => Promise<void>,
  atSave: (client: RespClient) => Promise<void> = async () => {},
): Promise<Snapshot> {
  const { calmMs, writesPerSecond } = context.sizes.snapshot;
  await using server = await startServer(kind);
  await load(server);
  const { port } = server;
  const writer = startWriter({ port, template, keys: numbers, perSecond: writesPerSecond });
  await sleep(Math.min(1000, calmMs));

  const probing = { port, pid: server.pid, keys: probedKeys, intervalMs: 1, writes: true };
  const calmProbe = startProbe(probing);
  const calmEndsAtMs = performance.now() + calmMs;
  // Sampling memory costs the server a little, so the calm phase is sampled as well.
  let bytesBefore = familyBytes(server.pid);
  while (performance.now() < calmEndsAtMs) {
    await sleep(SAMPLE_MS);
    bytesBefore = familyBytes(server.pid);
  }
  const calm = await calmProbe.stop();

  const savingProbe = startProbe(probing);
  await sleep(20);
  await using client = await RespClient.connect(port);
  await atSave(client);
  const { savedInMs, peakBytes } = await save(server, () => atSave(client));
  const saving = await savingProbe.stop();
  await writer.stop();

  const file = join(server.dir, "dump.rdb");
  if (!existsSync(file)) throw new Error(`${kind.label} has written no dump.rdb`);
  await withFile(file, context.redis, inFile);
  return { calm, saving, savedInMs, growth: peakBytes / bytesBefore - 1, bytesBefore };
}

interface CountedSnapshot extends Snapshot {
  keysInFile: number;
}

async function measure(context: Context, kind: ServerKind): Promise<CountedSnapshot> {
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
  );
  return { ...measured, keysInFile };
}

export async function snapshot(context: Context): Promise<Section> {
  const { keys, writesPerSecond } = context.sizes.snapshot;
  const results: { ours: CountedSnapshot[]; redis: CountedSnapshot[] } = { ours: [], redis: [] };
  const rounds = Math.min(3, context.rounds);
  for (let round = 0; round < rounds; round++) {
    const pair = await inTurns([context.ours, context.redis], round, (kind) => {
      context.say(`round ${round + 1} of ${rounds}: ${kind.label}`);
      return measure(context, kind);
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
    name: "snapshot",
    title: "BGSAVE under load",
    method:
      `${count(keys)} strings, ${writesPerSecond} random overwrites a second, and a probe that sends ` +
      "a GET and a SET each millisecond without waiting. Memory is the proportional size of the " +
      `process and its children. Medians of ${rounds} rounds. The file is loaded into redis-server. ` +
      "Net: less the time in which server or probe was ready to run and had no processor.",
    tables: [
      {
        columns: ["server", "phase", "latency", "p50", "p99", "p99.9", "longest"],
        rows: sides.flatMap(({ side, label }) => [
          [label, "no save", "as seen", ...latencies(side, "calm", "raw")],
          [label, "BGSAVE", "as seen", ...latencies(side, "saving", "raw")],
          [label, "no save", "net", ...latencies(side, "calm", "net")],
          [label, "BGSAVE", "net", ...latencies(side, "saving", "net")],
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
        text: "p99 during BGSAVE, against without, net",
        measured: p99Growth("ours", "net"),
        atMost: 2,
        unit: "×",
      },
      {
        text: "memory growth during BGSAVE",
        measured: of("ours", (each) => each.growth) * 100,
        atMost: 10,
        unit: " %",
      },
      {
        text: "keys missing in the file or too many",
        measured: Math.max(...results.ours.map((each) => Math.abs(each.keysInFile - keys))),
        atMost: 0,
        unit: "",
      },
    ],
    remarks: [],
  };
}
