/** BGSAVE under writes to one large collection: what clients and memory notice, by type. */
import {
  type LargeCollection,
  largeCollections,
  leftOut,
  loadOptions,
  unknownCommands,
} from "../collections.ts";
import type { TemplateName } from "../command-template.ts";
import { count, ratio, significant } from "../format.ts";
import { loadKeys } from "../load-client.ts";
import type { RespClient } from "../resp-client.ts";
import type { Context, Section } from "../scenario.ts";
import { inTurns, type Server, type ServerKind, startServer } from "../servers.ts";
import { median } from "../statistics.ts";
import { measureSnapshot, type Snapshot } from "./snapshot.ts";

const PROBED_KEYS = 1000;

/** Written while it is saved, where that is not how it is filled. */
const written: Partial<Record<TemplateName, TemplateName>> = { largeStream: "streamEntry" };

interface Counted extends Snapshot {
  /** Elements in the file that were not there when it was begun, or missing ones. */
  wrong: number;
}

async function measure(
  context: Context,
  kind: ServerKind,
  collection: LargeCollection,
): Promise<Counted> {
  const { large } = context.sizes.collections;
  const { template } = collection;
  const load = async ({ port }: Server) => {
    await loadKeys(port, "string", PROBED_KEYS);
    await loadKeys(port, template, large, loadOptions(collection));
  };
  const lengthOf = async (client: RespClient) => Number(await client.send(...collection.length));
  /** Before BGSAVE and behind it: its instant lies between. */
  const around: number[] = [];
  let inFile = Number.NaN;
  const measured = await measureSnapshot(
    context,
    kind,
    {
      load,
      probedKeys: PROBED_KEYS,
      template: written[template] ?? template,
      // Half of what is written is new.
      numbers: large * 2,
    },
    async (client) => {
      inFile = await lengthOf(client);
    },
    async (client) => {
      around.push(await lengthOf(client));
    },
  );
  const [before = 0, behind = 0] = around;
  return { ...measured, wrong: Math.max(0, before - inFile, inFile - behind) };
}

export async function snapshotCollections(context: Context): Promise<Section> {
  const { large, kinds } = context.sizes.collections;
  const { writesPerSecond } = context.sizes.snapshot;
  const rounds = Math.min(3, context.rounds);
  const missing: string[] = [];
  const measured: { label: string; ours: Counted[]; redis: Counted[] }[] = [];
  let unknown: ReadonlySet<string>;
  {
    await using server = await startServer(context.ours);
    const commands = largeCollections.map(({ command }) => command);
    unknown = await unknownCommands(server.port, commands);
  }
  for (const collection of largeCollections.slice(0, kinds)) {
    if (unknown.has(collection.command)) {
      missing.push(collection.label);
      continue;
    }
    const results = { label: collection.label, ours: [] as Counted[], redis: [] as Counted[] };
    for (let round = 0; round < rounds; round++) {
      const pair = await inTurns([context.ours, context.redis], round, (kind) => {
        context.say(`${collection.label}, round ${round + 1} of ${rounds}: ${kind.label}`);
        return measure(context, kind, collection);
      });
      results.ours.push(pair.ours);
      results.redis.push(pair.redis);
    }
    measured.push(results);
  }
  const p99 = (all: readonly Counted[]) =>
    median(all.map(({ calm, saving }) => saving.net.p99Ms / calm.net.p99Ms));
  const percent = (all: readonly Counted[]) => median(all.map(({ growth }) => growth * 100));
  const seconds = (all: readonly Counted[]) => median(all.map(({ savedInMs }) => savedInMs / 1000));
  const wrong = (all: readonly Counted[]) => Math.max(...all.map((each) => each.wrong));
  const row = (label: string, all: readonly Counted[], server: string) => [
    label,
    server,
    ratio(p99(all)),
    `${significant(percent(all))} %`,
    `${significant(seconds(all))} s`,
    `${wrong(all)}`,
  ];
  return {
    name: "snapshot-collections",
    title: "BGSAVE under writes to one large collection",
    method:
      `A collection of ${count(large)} elements, ${writesPerSecond} writes a second to it, a GET and a SET of ` +
      `other keys each millisecond; memory as under BGSAVE. Medians of ${rounds} rounds. The file is loaded into ` +
      "redis-server: its elements must be as many as there were at an instant of the BGSAVE.",
    tables: [
      {
        columns: [
          "collection",
          "server",
          "p99, saving / calm, net",
          "memory growth",
          "save took",
          "elements wrong",
        ],
        rows: measured.flatMap(({ label, ours, redis }) => [
          row(label, ours, context.ours.label),
          row(label, redis, context.redis.label),
        ]),
      },
    ],
    claims: measured.flatMap(({ label, ours }) => [
      { text: `p99 during BGSAVE of a ${label}, net`, measured: p99(ours), atMost: 2, unit: "×" },
      {
        text: `memory growth during BGSAVE of a ${label}`,
        measured: percent(ours),
        atMost: 10,
        unit: " %",
      },
      {
        text: `elements wrong in the file of a ${label}`,
        measured: wrong(ours),
        atMost: 0,
        unit: "",
      },
    ]),
    remarks: leftOut(missing),
  };
}
