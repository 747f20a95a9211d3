/** What a key costs in resident memory, and what the collector does while keys arrive. */
import { setTimeout as sleep } from "node:timers/promises";
import type { TemplateName } from "../command-template.ts";
import { count, megabytes, milliseconds, ratio, significant } from "../format.ts";
import { type GcTrace, parseGcTrace } from "../gc-trace.ts";
import { loadKeys } from "../load-client.ts";
import { availableBytes, residentBytes } from "../process-usage.ts";
import { RespClient } from "../resp-client.ts";
import type { Claim, Context, Section, Sizes } from "../scenario.ts";
import { inTurns, type Server, type ServerKind, startServer } from "../servers.ts";

export interface DataSet {
  template: TemplateName;
  /** Numbers that the template is sent with. */
  keys: number;
  /** Keys that there are then, when it is not as many. */
  databaseSize?: number;
  /** How often it is sent with each. */
  passes?: number;
  /** Connections that load; several when left out. */
  connections?: number;
  args?: (kind: ServerKind) => readonly string[];
}

interface LabelledDataSet extends DataSet {
  label: string;
}

export interface Footprint {
  idleBytes: number;
  bytesPerKey: number;
  heapGrowthBytes: number;
  gc: GcTrace;
  loadMs: number;
}

/** Less than a megabyte, loaded so often that all is compiled, and has grown, that loading needs. */
const WARM_UP_KEYS = 10_000;
/** Upper bound of what one key of these data sets takes; more than that is not worth waiting for. */
const BYTES_PER_KEY_MAX = 600;

/** Heap in use as INFO tells it; NaN for a server without one. */
async function heapBytes(server: Server): Promise<number> {
  await using client = await RespClient.connect(server.port);
  for (const [name, value] of await client.info("memory")) {
    if (/heap.*used|used.*heap/.test(name) && /^\d+$/.test(value)) return Number(value);
  }
  return Number.NaN;
}

/** What a data set costs a server that is started for it. */
export async function footprint(
  kind: ServerKind,
  { template, keys, databaseSize = keys, passes = 1, connections = 4, args = () => [] }: DataSet,
  { settleMs, warmUps }: Sizes["memory"],
): Promise<Footprint> {
  const runtimeArgs = ["--trace-gc"];
  await using server = await startServer(kind, { runtimeArgs, args: args(kind) });
  await warmUp(server, template, Math.min(WARM_UP_KEYS, keys), connections, warmUps);
  await sleep(settleMs);
  const idleBytes = residentBytes(server.pid);
  const idleHeapBytes = kind.onV8 ? await heapBytes(server) : Number.NaN;
  let loadMs = 0;
  for (let pass = 0; pass < passes; pass++)
    loadMs += await loadKeys(server.port, template, keys, { connections });
  await sleep(settleMs);
  await using client = await RespClient.connect(server.port);
  const loaded = await client.send("DBSIZE");
  if (loaded !== databaseSize)
    throw new Error(`${kind.label} holds ${loaded} keys instead of ${databaseSize}`);
  const bytesPerKey = (residentBytes(server.pid) - idleBytes) / keys;
  const heapAfterBytes = kind.onV8 ? await heapBytes(server) : Number.NaN;
  return {
    idleBytes,
    bytesPerKey,
    heapGrowthBytes: heapAfterBytes - idleHeapBytes,
    gc: parseGcTrace(server.log()),
    loadMs,
  };
}

/** A runtime compiles what runs often: that is a fixed cost, and must not count as the keys'. */
async function warmUp(
  server: Server,
  template: TemplateName,
  keys: number,
  connections: number,
  passes: number,
): Promise<void> {
  await using client = await RespClient.connect(server.port);
  for (let pass = 0; pass < passes; pass++) {
    await loadKeys(server.port, template, keys, { connections });
    await client.send("FLUSHALL");
  }
}

/** Why a data set was not measured, in a line. */
function reasonOf(error: unknown): string {
  const name = /unknown command '(\w+)'/.exec(`${error}`)?.[1];
  return name === undefined ? `not measured: ${error}` : `left out, there is no ${name} yet.`;
}

function dataSets({ sizes }: Context): LabelledDataSet[] {
  const { strings, collections, kinds } = sizes.memory;
  const collection = (label: string, template: TemplateName) => ({
    label: `${label} of 5`,
    template,
    keys: collections,
  });
  return [
    ...strings.map((keys) => ({ label: "strings", template: "string" as const, keys })),
    ...[
      collection("hashes", "hash"),
      collection("lists", "list"),
      collection("sets", "set"),
      collection("sorted sets", "sortedSet"),
    ].slice(0, kinds),
  ];
}

export async function memory(context: Context): Promise<Section> {
  const remarks: string[] = [];
  const rows: string[][] = [];
  const claims: Claim[] = [];
  for (const set of dataSets(context)) {
    const title = `${count(set.keys)} ${set.label}`;
    if (availableBytes() < set.keys * BYTES_PER_KEY_MAX) {
      remarks.push(`${title}: left out, too little free memory.`);
      continue;
    }
    context.say(title);
    let measured: { ours: Footprint; redis: Footprint };
    try {
      measured = await inTurns([context.ours, context.redis], 0, (kind) =>
        footprint(kind, set, context.sizes.memory),
      );
    } catch (error) {
      remarks.push(`${title}: ${reasonOf(error)}`);
      continue;
    }
    const { ours, redis } = measured;
    const bytesRatio = ours.bytesPerKey / redis.bytesPerKey;
    rows.push([
      title,
      significant(ours.bytesPerKey),
      significant(redis.bytesPerKey),
      ratio(bytesRatio),
      `${megabytes(ours.idleBytes)} / ${megabytes(redis.idleBytes)}`,
      megabytes(ours.heapGrowthBytes),
      `${milliseconds(ours.gc.longestPauseMs)} of ${milliseconds(ours.gc.totalPauseMs)}, ${ours.gc.collections}`,
      `${significant(ours.loadMs / 1000)} / ${significant(redis.loadMs / 1000)} s`,
    ]);
    claims.push({ text: `memory, ${title}`, measured: bytesRatio, atMost: 1, unit: "×" });
    if (set.template === "string" && set.keys === Math.max(...context.sizes.memory.strings)) {
      claims.push(
        {
          text: `V8 heap growth by ${title}`,
          measured: ours.heapGrowthBytes / 2 ** 20,
          atMost: 32,
          unit: " MB",
        },
        {
          text: `longest GC pause while loading ${title}`,
          measured: ours.gc.longestPauseMs,
          atMost: 5,
          unit: " ms",
        },
      );
    }
  }
  return {
    name: "memory",
    title: "Memory",
    method:
      "Resident size after loading, less that of the same process while idle, per key. Before that, " +
      `${WARM_UP_KEYS} keys were loaded and flushed ${context.sizes.memory.warmUps} times: what is compiled meanwhile does not count. 16-byte keys; ` +
      "strings of 16 bytes; collections of 5 short elements. Heap growth is from INFO, pauses are " +
      "from --trace-gc (longest, sum, number). One fresh process per row.",
    tables: [
      {
        columns: [
          "data",
          "kv B/key",
          "redis B/key",
          "ratio",
          "idle kv / redis",
          "kv heap growth",
          "kv GC pauses",
          "load kv / redis",
        ],
        rows,
      },
    ],
    claims,
    remarks,
  };
}
