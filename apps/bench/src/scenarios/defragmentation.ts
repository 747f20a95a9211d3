/** Active defragmentation under load: what it gives back, how long it takes, and what clients notice. */
import { setTimeout as sleep } from "node:timers/promises";
import type { TemplateName } from "../command-template.ts";
import { count, megabytes, milliseconds, ratio, significant } from "../format.ts";
import { loadKeys, type ProbeResult, startProbe, startWriter } from "../load-client.ts";
import { processCpuNs, residentBytes } from "../process-usage.ts";
import { RespClient } from "../resp-client.ts";
import type { Context, Section } from "../scenario.ts";
import { type Server, startServer } from "../servers.ts";

/** What the keys hold, a share of them each. */
const kinds: readonly TemplateName[] = [
  ...(["text100", "text200", "text300", "text500"] as const),
  ...(["hash", "list", "set", "sortedSet", "stream"] as const),
];
/** Texts that stay, are asked for and overwritten. */
const PROBED_KEYS = 1000;
/** One key of so many stays. */
const STAYS = 3;
const KEYS_PER_DEL = 100;
const DELS_AT_ONCE = 50;
const DONE_WITHIN_MS = 120_000;
const SAMPLE_MS = 100;
const FRAGMENTATION_LIMIT = 1.1;

const about = { name: "defragmentation", title: "Active defragmentation under load" };

/** Why it cannot be switched on: not every allocator can tell what to move. */
async function refusalOf(client: RespClient): Promise<string | undefined> {
  try {
    await client.send("CONFIG", "SET", "activedefrag", "yes");
  } catch (error) {
    return `${error}`;
  }
  await client.send("CONFIG", "SET", "activedefrag", "no");
  return undefined;
}

/** Memory at one moment. */
interface State {
  fragmentation: number;
  usedBytes: number;
  /** Of pages that the operating system has given for data. */
  touchedBytes: number;
  residentBytes: number;
}

async function stateOf(server: Server, client: RespClient): Promise<State> {
  const info = await client.info("memory");
  return {
    fragmentation: Number(info.get("allocator_frag_ratio")),
    usedBytes: Number(info.get("allocator_allocated")),
    touchedBytes: Number(info.get("allocator_resident")),
    residentBytes: residentBytes(server.pid),
  };
}

async function fill({ port }: Server, keys: number): Promise<void> {
  await loadKeys(port, "text300", PROBED_KEYS);
  const share = Math.floor((keys - PROBED_KEYS) / kinds.length);
  for (const [index, template] of kinds.entries()) {
    const from = PROBED_KEYS + index * share;
    await loadKeys(port, template, from + share, { from });
  }
}

/** Removes two of three keys, drawn by lot. */
async function thinOut(client: RespClient, keys: number): Promise<void> {
  let names: string[] = [];
  const running: Promise<unknown>[] = [];
  for (let key = PROBED_KEYS; key < keys; key++) {
    if (Math.random() * STAYS >= 1) names.push(`key:${String(key).padStart(12, "0")}`);
    if (names.length < KEYS_PER_DEL && key < keys - 1) continue;
    if (names.length === 0) break;
    running.push(client.send("DEL", ...names));
    names = [];
    if (running.length === DELS_AT_ONCE) await Promise.all(running.splice(0));
  }
  await Promise.all(running);
}

/** Switches it on and waits until it rests. */
async function defragment(client: RespClient): Promise<number> {
  const startMs = performance.now();
  await client.send("CONFIG", "SET", "active-defrag-ignore-bytes", "1mb", "activedefrag", "yes");
  for (let restful = 0; restful < 10; ) {
    await sleep(SAMPLE_MS);
    const running = (await client.info("memory")).get("active_defrag_running");
    restful = running === "0" ? restful + 1 : 0;
    if (performance.now() - startMs > DONE_WITHIN_MS) throw new Error("it does not come to an end");
  }
  return performance.now() - startMs - 10 * SAMPLE_MS;
}

export async function defragmentation(context: Context): Promise<Section> {
  const { keys, calmMs, writesPerSecond } = context.sizes.defragmentation;
  await using server = await startServer(context.ours);
  await using client = await RespClient.connect(server.port);
  const method =
    `${count(keys)} keys: texts of 100 to 500 bytes, and hashes, lists, sets, sorted sets and streams; two of ` +
    `three are removed by lot. ${writesPerSecond} overwrites a second, and a GET each millisecond. redis-server ` +
    "takes part only with an allocator that is made for it. Net: less the time in which server or probe was ready to run and had no processor.";
  const refusal = await refusalOf(client);
  if (refusal !== undefined)
    return { ...about, method, tables: [], claims: [], remarks: [`left out: ${refusal}`] };
  await fill(server, keys);
  const full = await stateOf(server, client);
  await thinOut(client, keys);
  const { port, pid } = server;
  const writing = { port, keys: PROBED_KEYS, perSecond: writesPerSecond };
  const writer = startWriter({ ...writing, template: "text300" });
  const probing = { port, pid, keys: PROBED_KEYS, intervalMs: 1, writes: false };
  await sleep(Math.min(1000, calmMs));
  const calmProbe = startProbe(probing);
  await sleep(calmMs);
  const calm = await calmProbe.stop();
  const before = await stateOf(server, client);
  const probe = startProbe(probing);
  const cpuNs = processCpuNs(pid);
  context.say("switched on");
  const tookMs = await defragment(client);
  const cpuMs = (processCpuNs(pid) - cpuNs) / 1e6;
  const during = await probe.stop();
  await writer.stop();
  const after = await stateOf(server, client);
  const stats = await client.info("stats");

  const row = (label: string, state: State) => [
    label,
    ratio(state.fragmentation),
    ...[state.usedBytes, state.touchedBytes, state.residentBytes].map(megabytes),
  ];
  const wait = (label: string, { raw, net }: ProbeResult) => [
    label,
    ...[raw.p50Ms, raw.p99Ms, raw.maxMs, net.p99Ms, net.maxMs].map(milliseconds),
  ];
  return {
    ...about,
    method,
    tables: [
      {
        columns: ["", "pages / blocks", "in blocks", "given for data", "resident"],
        rows: [row("full", full), row("thinned out", before), row("defragmented", after)],
      },
      {
        columns: ["", "p50", "p99", "longest", "p99, net", "longest, net"],
        rows: [wait("before", calm), wait("meanwhile", during)],
      },
      {
        columns: ["it took", "processor time of all", "blocks moved"],
        rows: [
          [
            `${significant(tookMs / 1000)} s`,
            `${significant(cpuMs / 1000)} s`,
            count(Number(stats.get("active_defrag_hits"))),
          ],
        ],
      },
    ],
    claims: [
      {
        text: "pages in use, against blocks, after active defragmentation",
        measured: after.fragmentation,
        atMost: FRAGMENTATION_LIMIT,
        unit: "×",
      },
      {
        text: "p99 during active defragmentation, against before, net",
        measured: during.net.p99Ms / calm.net.p99Ms,
        atMost: 2,
        unit: "×",
      },
    ],
    remarks: [],
  };
}
