/** How long others wait while one collection grows, and while one is removed. */
import { setTimeout as sleep } from "node:timers/promises";
import {
  LARGE,
  type LargeCollection,
  largeCollections,
  leftOut,
  loadOptions,
  unknownCommands,
} from "../collections.ts";
import { count, milliseconds } from "../format.ts";
import { loadKeys, type ProbeResult, startProbe } from "../load-client.ts";
import { availableBytes } from "../process-usage.ts";
import { RespClient } from "../resp-client.ts";
import type { Context, Section } from "../scenario.ts";
import { inTurns, type Server, type ServerKind, startServer } from "../servers.ts";
import { median } from "../statistics.ts";

const PROBED_KEYS = 1000;
/** More than any element takes, with its share of the table. */
const BYTES_PER_ELEMENT_MAX = 150;
const REMOVED_WITHIN_MS = 60_000;
const GROWTH_LIMIT_MS = 10;

type Requests = readonly (readonly string[])[];

/** Ways in which a key goes; the last one changes the server's configuration. */
const waysToGo: readonly { name: string; requests: Requests }[] = [
  { name: "DEL", requests: [["DEL", LARGE]] },
  { name: "UNLINK", requests: [["UNLINK", LARGE]] },
  { name: "expiry", requests: [["PEXPIRE", LARGE, "20"]] },
  {
    name: "eviction",
    requests: [
      // Nothing else may be evicted.
      ["EXPIRE", LARGE, "1000000"],
      ["CONFIG", "SET", "maxmemory-policy", "volatile-lru"],
      ["CONFIG", "SET", "maxmemory", "1"],
    ],
  },
];

const probeOf = ({ port, pid }: Server) =>
  startProbe({ port, pid, keys: PROBED_KEYS, intervalMs: 1, writes: false });

/** The longest wait while a collection grows to `elements`. */
async function growing(kind: ServerKind, collection: LargeCollection, elements: number) {
  await using server = await startServer(kind);
  await loadKeys(server.port, "string", PROBED_KEYS);
  // What is compiled by then is no stop of growth.
  await loadKeys(server.port, collection.template, Math.min(50_000, elements / 2), {
    ...loadOptions(collection),
    batch: 100,
  });
  await using client = await RespClient.connect(server.port);
  await client.send("DEL", LARGE);
  const probe = probeOf(server);
  // Short batches on few connections: a queue in front of the probe would look like a stop.
  const options = { connections: 2, ...loadOptions(collection), batch: 50 };
  await loadKeys(server.port, collection.template, elements, options);
  return await probe.stop();
}

/** The waits while a collection of `elements` is removed, until all of its memory is free. */
async function removing(
  server: Server,
  collection: LargeCollection,
  elements: number,
  requests: Requests,
): Promise<ProbeResult> {
  await loadKeys(server.port, collection.template, elements, loadOptions(collection));
  await using client = await RespClient.connect(server.port);
  const probe = probeOf(server);
  await sleep(100);
  for (const words of requests) await client.send(...words);
  const giveUpAtMs = performance.now() + REMOVED_WITHIN_MS;
  for (;;) {
    await sleep(50);
    const pending = (await client.info("memory")).get("lazyfree_pending_objects");
    if (pending === "0" && (await client.send("EXISTS", LARGE)) === 0) break;
    if (performance.now() > giveUpAtMs) throw new Error("memory is not given back");
  }
  await sleep(100);
  return await probe.stop();
}

/** The longest wait for each way of removal, all of them in one process. */
async function removals(
  kind: ServerKind,
  collection: LargeCollection,
  elements: number,
): Promise<readonly number[]> {
  await using server = await startServer(kind);
  await loadKeys(server.port, "string", PROBED_KEYS);
  const longest: number[] = [];
  for (const { requests } of waysToGo)
    longest.push((await removing(server, collection, elements, requests)).net.maxMs);
  return longest;
}

interface Stops {
  label: string;
  ours: number;
  redis: number;
}

export async function stops(context: Context): Promise<Section> {
  const { large, removed, kinds } = context.sizes.collections;
  const rounds = Math.min(3, context.rounds);
  const missing: string[] = [];
  const remarks: string[] = [];
  const grown: Stops[] = [];
  const gone: Stops[] = [];
  let unknown: ReadonlySet<string>;
  {
    await using server = await startServer(context.ours);
    const commands = largeCollections.map(({ command }) => command);
    unknown = await unknownCommands(server.port, commands);
  }
  /** Medians over rounds of what is measured, in one or several figures, under these labels. */
  const inRounds = async (
    labels: readonly string[],
    measure: (kind: ServerKind) => Promise<readonly number[]>,
  ): Promise<Stops[]> => {
    const pairs: { ours: readonly number[]; redis: readonly number[] }[] = [];
    for (let round = 0; round < rounds; round++) {
      context.say(`${labels[0]}, round ${round + 1} of ${rounds}`);
      pairs.push(await inTurns([context.ours, context.redis], round, measure));
    }
    return labels.map((label, index) => ({
      label,
      ours: median(pairs.map(({ ours }) => ours[index] as number)),
      redis: median(pairs.map(({ redis }) => redis[index] as number)),
    }));
  };
  for (const collection of largeCollections.slice(0, kinds)) {
    const { label } = collection;
    if (unknown.has(collection.command)) {
      missing.push(label);
      continue;
    }
    grown.push(
      ...(await inRounds([`${label} of ${count(large)}`], async (kind) => [
        (await growing(kind, collection, large)).net.maxMs,
      ])),
    );
    if (availableBytes() < removed * BYTES_PER_ELEMENT_MAX) {
      remarks.push(`removing a ${label} of ${count(removed)}: left out, too little free memory.`);
      continue;
    }
    const titles = waysToGo.map(({ name }) => `${name} of a ${label} of ${count(removed)}`);
    gone.push(...(await inRounds(titles, (kind) => removals(kind, collection, removed))));
  }
  const table = (title: string, rows: readonly Stops[]) => ({
    title,
    columns: ["", "kv", "redis"],
    rows: rows.map(({ label, ours, redis }) => [label, milliseconds(ours), milliseconds(redis)]),
  });
  return {
    name: "stops",
    title: "Stops by large collections",
    method:
      "The longest wait for the answer to a GET, one sent each millisecond, less the time in which server or " +
      `probe was ready to run and had no processor. Medians of ${rounds} rounds.`,
    tables: [
      table("While one collection grows", grown),
      table("While one is removed, until its memory is free", gone),
    ].filter(({ rows }) => rows.length > 0),
    claims: [
      ...grown.map(({ label, ours }) => ({
        text: `longest stop while it grows, ${label}`,
        measured: ours,
        atMost: GROWTH_LIMIT_MS,
        unit: " ms",
      })),
      // Redis itself never stops for less than a look at the clock tells apart.
      ...gone.map(({ label, ours, redis }) => ({
        text: `longest stop, ${label}`,
        measured: ours,
        atMost: Number(Math.max(redis, GROWTH_LIMIT_MS).toFixed(2)),
        unit: " ms",
      })),
    ],
    remarks: [...remarks, ...leftOut(missing)],
  };
}
