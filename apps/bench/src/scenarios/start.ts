/**
 * A server that has nothing to do: how soon it answers, what it keeps resident, how often it wakes up,
 * and how much memory it has a while after its last key went. Beside the two servers stands Node
 * with nothing but a socket, which is what no program for Node can be below.
 */
import { setTimeout as sleep } from "node:timers/promises";
import type { TemplateName } from "../command-template.ts";
import { count, megabytes, milliseconds, significant, spread } from "../format.ts";
import { loadKeys } from "../load-client.ts";
import { processCpuNs, proportionalBytes, residentBytes, wakeUps } from "../process-usage.ts";
import { RespClient } from "../resp-client.ts";
import type { Context, Section, Table } from "../scenario.ts";
import { type ServerKind, startServer } from "../servers.ts";
import { median, summarize } from "../statistics.ts";

const ANSWERS_PONG = `
  const port = Number(process.argv[process.argv.indexOf("--port") + 1]);
  const pong = (socket) => socket.on("error", () => {}).on("data", () => socket.write("+PONG\\r\\n"));
  require("node:net").createServer(pong).listen(port, "127.0.0.1");
`;
const nodeAlone: ServerKind = {
  name: "ours",
  label: "Node and a socket",
  command: process.execPath,
  prefix: ["--eval", ANSWERS_PONG, "--"],
  onV8: true,
};

/** `hz` of both servers. */
const BEATS_PER_SECOND = 10;
const PING_EVERY_MS = 10;

interface Rest {
  residentBytes: number;
  proportionalBytes: number;
  wakeUpsPerSecond: number;
}

/** From the start of the process to its first PONG, and what it has used by then. */
async function start(kind: ServerKind): Promise<{ readyMs: number; cpuMs: number }> {
  await using server = await startServer(kind, { askEveryMs: 1 });
  return { readyMs: server.readyAfterMs, cpuMs: processCpuNs(server.pid) / 1e6 };
}

async function rest(kind: ServerKind, { settleMs, watchMs }: Context["sizes"]["start"]) {
  await using server = await startServer(kind);
  await sleep(settleMs);
  const before = wakeUps(server.pid);
  await sleep(watchMs);
  const result: Rest = {
    residentBytes: residentBytes(server.pid),
    proportionalBytes: proportionalBytes(server.pid),
    wakeUpsPerSecond: (wakeUps(server.pid) - before) / (watchMs / 1000),
  };
  return result;
}

interface Starts {
  readyMs: number[];
  cpuMs: number[];
}

async function startTimes(
  { sizes }: Context,
  kinds: readonly ServerKind[],
): Promise<Map<ServerKind, Starts>> {
  const all = new Map(
    kinds.map((kind): [ServerKind, Starts] => [kind, { readyMs: [], cpuMs: [] }]),
  );
  for (let round = 0; round < sizes.start.starts; round++) {
    for (const [kind, { readyMs, cpuMs }] of all) {
      const each = await start(kind);
      readyMs.push(each.readyMs);
      cpuMs.push(each.cpuMs);
    }
  }
  return all;
}

function startTable(starts: ReadonlyMap<ServerKind, Starts>): Table {
  return {
    title: "Until the first PONG, in milliseconds",
    columns: ["", "passed", "CPU time"],
    rows: [...starts].map(([{ label }, { readyMs, cpuMs }]) => [
      label,
      spread(summarize(readyMs)),
      spread(summarize(cpuMs)),
    ]),
  };
}

function restTable(rests: ReadonlyMap<ServerKind, Rest>): Table {
  return {
    title: "At rest",
    columns: ["", "resident", "its part of what is shared (PSS)", "wake-ups a second"],
    rows: [...rests].map(([{ label }, each]) => [
      label,
      megabytes(each.residentBytes),
      megabytes(each.proportionalBytes),
      significant(each.wakeUpsPerSecond),
    ]),
  };
}

/** What is more than before the first key, some time after FLUSHALL. */
async function keptAfterFlush(
  kind: ServerKind,
  template: TemplateName,
  { flushed: keys, returnMs }: Context["sizes"]["start"],
  isAsked: boolean,
): Promise<{ loadedBytes: number; keptBytes: number; flushMs: number }> {
  await using server = await startServer(kind);
  // Once before, so that what is compiled and grown for good does not count.
  await using client = await RespClient.connect(server.port);
  await loadKeys(server.port, template, Math.min(keys, 10_000));
  await client.send("FLUSHALL");
  await sleep(returnMs);
  const idleBytes = residentBytes(server.pid);
  await loadKeys(server.port, template, keys);
  const loadedBytes = residentBytes(server.pid) - idleBytes;
  const startMs = performance.now();
  await client.send("FLUSHALL");
  const flushedMs = performance.now();
  while (performance.now() - flushedMs < returnMs) {
    if (isAsked) await client.send("PING");
    await sleep(PING_EVERY_MS);
  }
  return {
    loadedBytes,
    keptBytes: residentBytes(server.pid) - idleBytes,
    flushMs: flushedMs - startMs,
  };
}

const FLUSHED: readonly [string, TemplateName][] = [
  ["strings", "string"],
  ["hashes", "hash"],
  ["lists", "list"],
  ["sets", "set"],
  ["sorted sets", "sortedSet"],
  ["streams", "stream"],
];

async function flushTable({ sizes, ours, redis, say }: Context): Promise<Table> {
  const { flushed, returnMs, kinds } = sizes.start;
  const rows: string[][] = [];
  for (const [name, template] of FLUSHED.slice(0, kinds)) {
    say(`${count(flushed)} ${name} flushed`);
    const measure = (kind: ServerKind, isAsked: boolean) =>
      keptAfterFlush(kind, template, sizes.start, isAsked);
    const [idle, asked] = [await measure(ours, false), await measure(ours, true)];
    const reference = await measure(redis, false);
    rows.push([
      `${count(flushed)} ${name}`,
      megabytes(idle.loadedBytes),
      milliseconds(idle.flushMs),
      megabytes(idle.keptBytes),
      megabytes(asked.keptBytes),
      `${megabytes(reference.loadedBytes)}, ${megabytes(reference.keptBytes)}`,
    ]);
  }
  return {
    title: `Resident memory, ${returnMs / 1000} s after FLUSHALL, above what it was before the keys`,
    columns: ["data", "loaded", "FLUSHALL took", "then idle", "then asked", "redis: loaded, idle"],
    rows,
  };
}

export async function startScenario(context: Context): Promise<Section> {
  const { ours, redis, sizes, say } = context;
  const kinds = [ours, nodeAlone, redis];
  say("starts");
  const starts = await startTimes(context, kinds);
  const rests = new Map<ServerKind, Rest>();
  for (const kind of kinds) {
    say(`${kind.label} at rest`);
    rests.set(kind, await rest(kind, sizes.start));
  }
  const own = rests.get(ours)!;
  return {
    name: "start",
    title: "Start and rest",
    method:
      `Each started ${sizes.start.starts} times in turns, without data, and asked for PONG every millisecond. At rest: ` +
      `after ${sizes.start.settleMs / 1000} s, for ${sizes.start.watchMs / 1000} s; wake-ups are the times that the main thread waited. ` +
      `Asked: a PING every ${PING_EVERY_MS} ms.`,
    tables: [startTable(starts), restTable(rests), await flushTable(context)],
    claims: [
      {
        text: "from the start of the process to the first PONG",
        measured: median(starts.get(ours)!.readyMs),
        atMost: 100,
        unit: " ms",
      },
      {
        text: "resident at rest",
        measured: own.residentBytes / 2 ** 20,
        atMost: 60,
        unit: " MB",
      },
      {
        text: "wake-ups a second at rest",
        measured: own.wakeUpsPerSecond,
        atMost: BEATS_PER_SECOND + 1,
        unit: "",
      },
    ],
    remarks: [],
  };
}
