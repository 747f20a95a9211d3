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

/** Areas with their headings in the sample file. */
export const areas: readonly { readonly title: string; readonly rows: readonly AnyDirective[] }[] =
  [
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
  ];

/** Every directive of Redis 7.2, in the order of CONFIG GET. */
export const directives = [
  ...network,
  ...tls,
  ...general,
  ...snapshot,
  ...replication,
  ...security,
  ...memoryLimits,
  ...lazyFree,
  ...appendOnlyFile,
  ...cluster,
  ...latency,
  ...encoding,
  ...defragmentation,
  ...testing,
] as const;

/** The table with some rows in place of those of the same name, and new ones at the end. */
export function directivesWith(rows: readonly AnyDirective[]): readonly AnyDirective[] {
  const replaced = new Map<string, AnyDirective>(directives.map((row) => [row.name, row]));
  for (const row of rows) replaced.set(row.name, row);
  return [...replaced.values()];
}
