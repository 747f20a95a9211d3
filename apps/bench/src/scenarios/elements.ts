/** What an element of each type and encoding costs: in many small collections, and in a large one. */
import {
  largeCollections,
  leftOut,
  loadOptions,
  smallCollections,
  unknownCommands,
} from "../collections.ts";
import { count, megabytes, ratio, significant } from "../format.ts";
import { availableBytes } from "../process-usage.ts";
import type { Claim, Context, Section } from "../scenario.ts";
import { inTurns, startServer } from "../servers.ts";
import { type DataSet, type Footprint, footprint } from "./memory.ts";

/** More than any element takes, its share of a key included. */
const BYTES_PER_ELEMENT_MAX = 200;

interface Measured extends DataSet {
  label: string;
  command: string;
  elements: number;
}

function dataSets({ sizes: { collections } }: Context): Measured[] {
  const small = smallCollections.slice(0, collections.kinds).map((kind): Measured => {
    const { label, command, template, elements, passes, args } = kind;
    return {
      label: `${count(collections.small)} ${label} of ${elements}`,
      command,
      template,
      keys: collections.small,
      elements: collections.small * elements,
      ...(passes === undefined ? {} : { passes }),
      ...(args === undefined ? {} : { args }),
    };
  });
  const large = largeCollections.slice(0, collections.kinds).map(
    (kind): Measured => ({
      label: `one ${kind.label} of ${count(collections.large)}`,
      command: kind.command,
      template: kind.template,
      keys: collections.large,
      databaseSize: 1,
      elements: collections.large,
      ...loadOptions(kind),
    }),
  );
  return [...small, ...large];
}

export async function elements(context: Context): Promise<Section> {
  const all = dataSets(context);
  const remarks: string[] = [];
  const missing: string[] = [];
  const rows: string[][] = [];
  const claims: Claim[] = [];
  let unknown: ReadonlySet<string>;
  {
    await using server = await startServer(context.ours);
    const commands = all.map(({ command }) => command);
    unknown = await unknownCommands(server.port, commands);
  }
  for (const set of all) {
    if (unknown.has(set.command)) {
      missing.push(set.label);
      continue;
    }
    if (availableBytes() < set.elements * BYTES_PER_ELEMENT_MAX) {
      remarks.push(`${set.label}: left out, too little free memory.`);
      continue;
    }
    context.say(set.label);
    const measured = await inTurns([context.ours, context.redis], rows.length, (kind) =>
      footprint(kind, set, context.sizes.memory),
    );
    const perElement = ({ bytesPerKey }: Footprint) => (bytesPerKey * set.keys) / set.elements;
    const { ours, redis } = measured;
    const bytesRatio = perElement(ours) / perElement(redis);
    rows.push([
      set.label,
      significant(perElement(ours)),
      significant(perElement(redis)),
      ratio(bytesRatio),
      megabytes(ours.heapGrowthBytes),
      `${significant(ours.loadMs / 1000)} / ${significant(redis.loadMs / 1000)} s`,
    ]);
    claims.push(
      { text: `memory, ${set.label}`, measured: bytesRatio, atMost: 1, unit: "×" },
      {
        text: `V8 heap growth by ${set.label}`,
        measured: ours.heapGrowthBytes / 2 ** 20,
        atMost: 32,
        unit: " MB",
      },
    );
  }
  return {
    name: "elements",
    title: "Memory of elements",
    method:
      "Resident size as under Memory, per element: its share of the key included. Elements of 13 to 16 " +
      "bytes, values and names of fields too. An encoding that the thresholds would not choose is asked " +
      "for by directive. One fresh process per row.",
    tables: [
      {
        columns: ["data", "kv B", "redis B", "ratio", "kv heap growth", "load kv / redis"],
        rows,
      },
    ],
    // Heap that is not there to be measured (another server under test) makes no claim.
    claims: claims.filter(({ measured }) => !Number.isNaN(measured)),
    remarks: [...remarks, ...leftOut(missing)],
  };
}
