/**
 * Many connections: what idle ones cost in memory and in time, and what requests of a hundred active
 * ones cost beside them.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { count, megabytes, milliseconds, significant } from "../format.ts";
import { processCpuNs, residentBytes } from "../process-usage.ts";
import { RespClient } from "../resp-client.ts";
import type { Context, Section, Sizes } from "../scenario.ts";
import { inTurns, type Server, type ServerKind, startServer } from "../servers.ts";
import { median } from "../statistics.ts";
import { costColumns, measureCost, PairedCosts } from "./pipelines.ts";

const ACTIVE = 100;
const KEYS = 100_000;
/** So many are opened at a time: more than a backlog holds would wait for their second try. */
const OPENED_AT_ONCE = 100;
const cpuLimits: Record<number, number> = { 1: 1.15, 16: 0.65 };

interface Idle {
  connectMs: number;
  bytesEach: number;
  cpuMsPerSecond: number;
}

/** Connections that have asked for something once. */
async function openIdle({ port }: Server, wanted: number): Promise<RespClient[]> {
  const clients: RespClient[] = [];
  while (clients.length < wanted) {
    const some = Math.min(OPENED_AT_ONCE, wanted - clients.length);
    const opened = Array.from({ length: some }, () => RespClient.connect(port));
    clients.push(...(await Promise.all(opened)));
  }
  for (const client of clients) await client.send("PING");
  return clients;
}

async function watchIdle(
  server: Server,
  { idle, settleMs, watchMs }: Sizes["connections"],
): Promise<{ seen: Idle; clients: RespClient[] }> {
  // Once before, so that what is compiled and grown for good does not count.
  for (const client of await openIdle(server, Math.ceil(idle / 10)))
    await client[Symbol.asyncDispose]();
  await sleep(settleMs);
  const before = residentBytes(server.pid);
  const startMs = performance.now();
  const clients = await openIdle(server, idle);
  const connectMs = performance.now() - startMs;
  await sleep(settleMs);
  const cpuNs = processCpuNs(server.pid);
  await sleep(watchMs);
  const seen = {
    connectMs,
    bytesEach: (residentBytes(server.pid) - before) / idle,
    cpuMsPerSecond: (processCpuNs(server.pid) - cpuNs) / 1e6 / (watchMs / 1000),
  };
  return { seen, clients };
}

export async function connections(context: Context): Promise<Section> {
  const { sizes, rounds, say } = context;
  const { idle, requests } = sizes.connections;
  const cells = requests.flatMap(({ depth, count }) =>
    (["SET", "GET"] as const).map((test) => ({ depth, count, test, costs: new PairedCosts() })),
  );
  const seen: Record<ServerKind["name"], Idle[]> = { ours: [], redis: [] };
  for (let round = 0; round < rounds; round++) {
    // One server at a time: two would need more descriptors than a process often has.
    const measured = await inTurns([context.ours, context.redis], round, async (kind) => {
      await using server = await startServer(kind, { args: ["--maxclients", "20000"] });
      say(`round ${round + 1} of ${rounds}: ${kind.label}`);
      const watched = await watchIdle(server, sizes.connections);
      seen[kind.name].push(watched.seen);
      const costs = [];
      for (const { depth, count, test } of cells) {
        const run = { requests: count, pipeline: depth, clients: ACTIVE, randomKeys: KEYS };
        costs.push(await measureCost(server, server, { ...run, test: test.toLowerCase() }));
      }
      for (const client of watched.clients) await client[Symbol.asyncDispose]();
      return costs;
    });
    for (const [index, { costs }] of cells.entries())
      costs.add({ ours: measured.ours[index], redis: measured.redis[index] });
  }
  const middle = (kind: ServerKind["name"], what: keyof Idle) =>
    median(seen[kind].map((each) => each[what]));
  return {
    name: "connections",
    title: "Many connections",
    method:
      `${count(idle)} connections that have sent one PING each, and ${ACTIVE} of redis-benchmark beside them; ` +
      `random keys out of ${count(KEYS)}. CPU as under GET and SET. One server at a time.`,
    tables: [
      {
        title: "The idle ones",
        columns: ["server", "resident for each", "all connected within", "CPU a second at rest"],
        rows: [context.ours, context.redis].map(({ name, label }) => [
          label,
          `${significant(middle(name, "bytesEach") / 1024)} KiB (${megabytes(middle(name, "bytesEach") * idle)})`,
          milliseconds(middle(name, "connectMs")),
          milliseconds(middle(name, "cpuMsPerSecond")),
        ]),
      },
      {
        title: "The active ones",
        columns: ["depth", "test", ...costColumns],
        rows: cells.map(({ depth, test, costs }) => [`${depth}`, test, ...costs.row()]),
      },
    ],
    claims: cells
      .filter(({ depth }) => depth in cpuLimits)
      .map(({ depth, test, costs }) => ({
        text: `CPU per ${test} at depth ${depth} beside idle connections, against redis-server`,
        measured: median(costs.ratios("cpuUs")),
        atMost: cpuLimits[depth],
        unit: "×",
      })),
    remarks: [],
  };
}
