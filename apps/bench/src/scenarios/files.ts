/** Saving and loading each type: many small collections, and a large one, in one file each. */
import {
  largeCollections,
  leftOut,
  loadOptions,
  smallCollections,
  unknownCommands,
} from "../collections.ts";
import type { TemplateName } from "../command-template.ts";
import { count, ratioSpread, significant } from "../format.ts";
import { loadKeys } from "../load-client.ts";
import { processCpuNs } from "../process-usage.ts";
import { RespClient } from "../resp-client.ts";
import type { Context, Section } from "../scenario.ts";
import { inTurns, makeFolder, removeFolder, type ServerKind, startServer } from "../servers.ts";
import { median, pairedRatios, summarize } from "../statistics.ts";

interface Content {
  label: string;
  command: string;
  template: TemplateName;
  keys: number;
  passes: number;
  connections?: number;
  args?: (kind: ServerKind) => readonly string[];
}

/** Seconds that passed, of both servers, round by round. */
interface Times {
  ours: number[];
  redis: number[];
}

function contents({ sizes: { collections } }: Context): Content[] {
  const { small, large, kinds } = collections;
  return [
    ...smallCollections.slice(0, kinds).map(
      ({ label, elements, ...kind }): Content => ({
        ...kind,
        label: `${count(small)} ${label} of ${elements}`,
        keys: small,
        passes: kind.passes ?? 1,
      }),
    ),
    ...largeCollections.slice(0, kinds).map(
      (kind): Content => ({
        label: `one ${kind.label} of ${count(large)}`,
        command: kind.command,
        template: kind.template,
        keys: large,
        passes: 1,
        ...loadOptions(kind),
      }),
    ),
  ];
}

/** Fills a server, and saves `rounds` times; the seconds of processor time that each took. */
async function save(
  kind: ServerKind,
  content: Content,
  dir: string,
  rounds: number,
): Promise<number[]> {
  const args = content.args?.(kind) ?? [];
  await using server = await startServer(kind, { dir, args });
  const { connections = 4 } = content;
  for (let pass = 0; pass < content.passes; pass++)
    await loadKeys(server.port, content.template, content.keys, { connections });
  await using client = await RespClient.connect(server.port);
  const seconds: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const beforeNs = processCpuNs(server.pid);
    await client.send("SAVE");
    seconds.push((processCpuNs(server.pid) - beforeNs) / 1e9);
  }
  return seconds;
}

/** Seconds of processor time until a server is there, with what is in the folder. */
async function start(kind: ServerKind, dir: string, args: readonly string[] = []): Promise<number> {
  await using server = await startServer(kind, { dir, args });
  return processCpuNs(server.pid) / 1e9;
}

/** The same less that of a start with nothing to load: what loading takes, a millisecond at least. */
async function load(kind: ServerKind, content: Content, dir: string): Promise<number> {
  const empty = makeFolder();
  try {
    const idleSeconds = await start(kind, empty);
    const seconds = await start(kind, dir, content.args?.(kind));
    return Math.max(seconds - idleSeconds, 0.001);
  } finally {
    removeFolder(empty);
  }
}

async function measure(
  context: Context,
  content: Content,
): Promise<{ saved: Times; loaded: Times }> {
  const rounds = Math.min(3, context.rounds);
  const folders = { ours: makeFolder(), redis: makeFolder() };
  try {
    const saved = await inTurns([context.ours, context.redis], 0, (kind) => {
      context.say(`saving ${content.label}: ${kind.label}`);
      return save(kind, content, folders[kind.name], rounds);
    });
    const loaded: Times = { ours: [], redis: [] };
    for (let round = 0; round < rounds; round++) {
      context.say(`loading ${content.label}, round ${round + 1} of ${rounds}`);
      // Both load what redis-server has written.
      const pair = await inTurns([context.ours, context.redis], round, (kind) =>
        load(kind, content, folders.redis),
      );
      loaded.ours.push(pair.ours);
      loaded.redis.push(pair.redis);
    }
    return { saved, loaded };
  } finally {
    for (const folder of Object.values(folders)) removeFolder(folder);
  }
}

/** What several took together, round by round. */
function together(times: readonly Times[]): Times {
  const sums = (kind: keyof Times) =>
    (times[0]?.[kind] ?? []).map((_, round) =>
      times.reduce((sum, one) => sum + (one[kind][round] ?? 0), 0),
    );
  return { ours: sums("ours"), redis: sums("redis") };
}

export async function files(context: Context): Promise<Section> {
  const missing: string[] = [];
  const measured: { label: string; saved: Times; loaded: Times }[] = [];
  const all = contents(context);
  let unknown: ReadonlySet<string>;
  {
    await using server = await startServer(context.ours);
    const commands = all.map(({ command }) => command);
    unknown = await unknownCommands(server.port, commands);
  }
  for (const content of all) {
    if (unknown.has(content.command)) missing.push(content.label);
    else measured.push({ label: content.label, ...(await measure(context, content)) });
  }
  measured.push({
    label: "all of these",
    saved: together(measured.map(({ saved }) => saved)),
    loaded: together(measured.map(({ loaded }) => loaded)),
  });
  const ratios = ({ ours, redis }: Times) => pairedRatios(ours, redis);
  const cells = (times: Times) => [
    `${significant(median(times.ours))} / ${significant(median(times.redis))} s`,
    ratioSpread(summarize(ratios(times))),
  ];
  return {
    name: "files",
    title: "Saving and loading by type",
    method:
      "Processor time of SAVE, and from the start of a process to its first PONG with a file to load that " +
      "redis-server has written, less that of a start without: kv / redis-server.",
    tables: [
      {
        columns: ["data", "save", "ratio", "load", "ratio"],
        rows: measured.map(({ label, saved, loaded }) => [
          label,
          ...cells(saved),
          ...cells(loaded),
        ]),
      },
    ],
    claims: measured.flatMap(({ label, saved, loaded }) => [
      { text: `CPU of saving ${label}`, measured: median(ratios(saved)), atMost: 1, unit: "×" },
      { text: `CPU of loading ${label}`, measured: median(ratios(loaded)), atMost: 1, unit: "×" },
    ]),
    remarks: leftOut(missing),
  };
}
