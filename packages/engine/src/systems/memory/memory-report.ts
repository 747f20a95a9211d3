/** MEMORY DOCTOR and MALLOC-STATS: how memory is used, in sentences and in numbers. */

import { humanBytes } from "../../module/info-format.ts";
import type { Ports } from "../../module/ports.ts";
import { memoryOverview } from "./memory-overview.ts";

/** Below this, ratios say more about the start than about the data. */
const SMALL_BYTES = 5 * 2 ** 20;

/** So many bytes that hold nothing, on pages in use or on free ones, are worth a word. */
const LOOSE_BYTES_MIN = 10 * 2 ** 20;
/** The runtime itself and its buffers take less. */
const RUNTIME_BYTES_MAX = 256 * 2 ** 20;

export function memoryReport(engine: Ports): string {
  const now = memoryOverview(engine);
  if (now.usedBytes < SMALL_BYTES)
    return "There is too little data to tell anything from: less than 5 MB are in use.\n";
  const findings: string[] = [];
  if (now.peakBytes > now.usedBytes * 1.5)
    findings.push(
      `Peak: ${humanBytes(now.peakBytes)} were in use once, now it is ${humanBytes(now.usedBytes)}. ` +
        "Pages touched then may still be held; they are used again when data grows.",
    );
  const gapBytes = now.activeBytes - now.allocatedBytes;
  if (now.fragmentationRatio > 1.4 && gapBytes > LOOSE_BYTES_MIN)
    findings.push(
      `Fragmentation: the blocks in use lie on ${now.fragmentationRatio.toFixed(2)} times as many ` +
        "bytes of pages. That happens when many keys of a size were removed; new ones of about " +
        "that size fill the gaps, and CONFIG SET activedefrag yes brings together what is left.",
    );
  const looseBytes = now.touchedBytes - now.activeBytes;
  if (now.touchedRatio > 1.4 && looseBytes > LOOSE_BYTES_MIN)
    findings.push(
      `Loose pages: ${humanBytes(looseBytes)} of pages hold nothing and are not the system's again, ` +
        "since others of their segments are in use. MEMORY PURGE empties segments with little in them, " +
        "activedefrag all that the others have room for.",
    );
  const runtimeBytes = now.residentBytes - now.touchedBytes;
  if (now.processRatio > 1.4 && runtimeBytes > RUNTIME_BYTES_MAX)
    findings.push(
      `Runtime: the process holds ${humanBytes(runtimeBytes)} besides the data. Large requests and replies ` +
        "on their way may be the reason, or many clients; it should become less when they have gone.",
    );
  const clients = engine.clients.size;
  if (clients > 0 && now.clientBytes / clients > 200 * 1024)
    findings.push(
      `Clients: their buffers take ${humanBytes(now.clientBytes / clients)} on average. Look with ` +
        "CLIENT LIST for those that send much at once or do not read.",
    );
  if (findings.length === 0) return "No problem was found with the use of memory.\n";
  return `${findings.map((finding, index) => `${index + 1}. ${finding}`).join("\n")}\n`;
}

export function allocatorReport({ keyspace }: Ports): string {
  const { arena } = keyspace;
  const rows: [string, number][] = [
    ["blocks", arena.blockCount],
    ["bytes in blocks", arena.usedBytes],
    ["bytes of their pages", arena.pageBytes],
    ["bytes of pages touched", arena.touchedBytes],
    ["segments", arena.words.length],
    ["bytes of segments", arena.segmentBytes],
    ["bytes in key tables", keyspace.tableBytes()],
  ];
  return `Arena\n${rows.map(([name, value]) => `  ${name}: ${value}\n`).join("")}`;
}
