/**
 * The table: every directive of Redis 7.2, by area, in the order of CONFIG GET and the sample
 * file. To add one, write its row in the area's file (or pass it to the store, as modules do).
 */
import type { AnyDirective } from "../directive.ts";
import { appendOnlyFile } from "./aof.ts";
import { cluster } from "./cluster.ts";
import { encoding } from "./encoding.ts";
import { general } from "./general.ts";
import { latency } from "./latency.ts";
import { defragmentation, lazyFree, memoryLimits } from "./memory.ts";
import { network } from "./network.ts";
import { replication } from "./replication.ts";
import { security } from "./security.ts";
import { snapshot } from "./snapshot.ts";
import { testing } from "./testing.ts";
import { tls } from "./tls.ts";

/** A heading of the sample file and the rows below it. */
export interface Area<Row extends AnyDirective = AnyDirective> {
  /** A few words, as in "# ---- Network ----". */
  readonly title: string;
  /** In the order of CONFIG GET. */
  readonly rows: readonly Row[];
}

/**
 * The table as it is written, each row with the types of its own name, value and input: TableRow
 * and ConfigOptions follow from it. Whoever only walks the table takes `areas`.
 */
export const typedAreas = [
  { title: "Network", rows: network },
  { title: "TLS", rows: tls },
  { title: "General", rows: general },
  { title: "Snapshots", rows: snapshot },
  { title: "Replication", rows: replication },
  { title: "Security", rows: security },
  { title: "Memory and clients", rows: memoryLimits },
  { title: "Lazy freeing", rows: lazyFree },
  { title: "Append-only file", rows: appendOnlyFile },
  { title: "Cluster", rows: cluster },
  { title: "Slow log, latency and events", rows: latency },
  { title: "Encodings", rows: encoding },
  { title: "Defragmentation", rows: defragmentation },
  { title: "Testing", rows: testing },
] as const;

/** Any row of the table; by its name follow the types of an embedder's options. */
export type TableRow = (typeof typedAreas)[number]["rows"][number];

/** Areas with their headings in the sample file. */
export const areas: readonly Area<TableRow>[] = [...typedAreas];

/** Every row, area by area. */
export const directives: readonly TableRow[] = areas.flatMap(({ rows }) => rows);

/**
 * The areas with some rows in place of those of the same name; rows of names that are not in the
 * table come last, below a heading of their own.
 */
export function areasWith(rows: readonly AnyDirective[]): readonly Area[] {
  const given = new Map(rows.map((row) => [row.name, row]));
  const own = new Set<string>(directives.map(({ name }) => name));
  const shown: Area[] = areas.map(({ title, rows: usual }) => ({
    title,
    rows: usual.map((row) => given.get(row.name) ?? row),
  }));
  const added = [...given.values()].filter(({ name }) => !own.has(name));
  return added.length === 0 ? shown : [...shown, { title: "Modules", rows: added }];
}

/** As areasWith, as one list: what a ConfigStore takes. */
export function directivesWith(rows: readonly AnyDirective[]): readonly AnyDirective[] {
  return areasWith(rows).flatMap((area) => area.rows);
}
