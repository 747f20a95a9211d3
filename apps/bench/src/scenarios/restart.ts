/** How long a server takes from its start to its first answer when it has a file to load. */
import { statSync } from "node:fs";
import { join } from "node:path";
import { count, megabytes, ratioSpread, spread } from "../format.ts";
import { loadKeys } from "../load-client.ts";
import { processCpuNs } from "../process-usage.ts";
import { RespClient } from "../resp-client.ts";
import type { Claim, Context, Section, Table } from "../scenario.ts";
import { inTurns, makeFolder, removeFolder, type ServerKind, startServer } from "../servers.ts";
import { median, pairedRatios, summarize } from "../statistics.ts";

interface Restart {
  readySeconds: number;
  cpuSeconds: number;
}

async function restartFrom(kind: ServerKind, { dir, keys, args }: RestartLoad): Promise<Restart> {
  await using server = await startServer(kind, { dir, args });
  const cpuSeconds = processCpuNs(server.pid) / 1e9;
  await using client = await RespClient.connect(server.port);
  const loaded = await client.send("DBSIZE");
  if (loaded !== keys) throw new Error(`${kind.label} loaded ${loaded} keys instead of ${keys}`);
  return { readySeconds: server.readyAfterMs / 1000, cpuSeconds };
}

/** What both servers start with. */
export interface RestartLoad {
  dir: string;
  /** So many are there when it is loaded. */
  keys: number;
  /** What the server is told at its start. */
  args: readonly string[];
  /** What is loaded, in words. */
  what: string;
}

/** Starts both servers in turns on the same files. */
export async function measureRestarts(
  context: Context,
  load: RestartLoad,
): Promise<{ rounds: number; table: Table; claim: Claim }> {
  const results: { ours: Restart[]; redis: Restart[] } = { ours: [], redis: [] };
  const rounds = Math.min(5, context.rounds);
  for (let round = 0; round < rounds; round++) {
    context.say(`loading ${load.what}, round ${round + 1} of ${rounds}`);
    const pair = await inTurns([context.ours, context.redis], round, (kind) =>
      restartFrom(kind, load),
    );
    results.ours.push(pair.ours);
    results.redis.push(pair.redis);
  }
  const values = (side: "ours" | "redis", what: keyof Restart) =>
    results[side].map((each) => each[what]);
  const ratios = (what: keyof Restart) => pairedRatios(values("ours", what), values("redis", what));
  const row = (label: string, what: keyof Restart) => [
    label,
    spread(summarize(values("ours", what))),
    spread(summarize(values("redis", what))),
    ratioSpread(summarize(ratios(what))),
  ];
  return {
    rounds,
    table: {
      columns: ["", "kv", "redis", "ratio"],
      rows: [row("seconds until ready", "readySeconds"), row("CPU seconds", "cpuSeconds")],
    },
    claim: {
      text: `time to load ${load.what}, against redis-server`,
      measured: median(ratios("readySeconds")),
      atMost: 1,
      unit: "×",
    },
  };
}

export async function restart(context: Context): Promise<Section> {
  const { keys } = context.sizes.restart;
  const dir = makeFolder();
  context.say(`writing a file of ${count(keys)} keys with redis-server`);
  {
    await using writer = await startServer(context.redis, { dir });
    await loadKeys(writer.port, "string", keys);
    await using client = await RespClient.connect(writer.port);
    await client.send("SAVE");
  }
  const fileBytes = statSync(join(dir, "dump.rdb")).size;

  const load = { dir, keys, args: [], what: `${count(keys)} keys` };
  const { rounds, table, claim } = await measureRestarts(context, load);
  removeFolder(dir);

  return {
    name: "restart",
    title: "Restart",
    method:
      `Both load the same RDB of ${count(keys)} strings (${megabytes(fileBytes)}), written by ` +
      `redis-server, from the page cache. From the start of the process to its first PONG. ${rounds} rounds.`,
    tables: [table],
    claims: [claim],
    remarks: [],
  };
}
