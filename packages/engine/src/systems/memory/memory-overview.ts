/**
 * Memory overview: what INFO memory and MEMORY STATS both report, measured once for a reply.
 *
 * Three sizes nest: blocks handed out (`arena.usedBytes`), the pages they lie on (`pageBytes`), and
 * those of present segments that were ever touched (`touchedBytes`); they stand where Redis has its allocator's
 * allocated, active and resident bytes. The process as a whole is larger still: the runtime.
 */

import { ratio } from "../../module/info-format.ts";
import type { Ports } from "../../module/ports.ts";

export interface MemoryOverview {
  usedBytes: number;
  peakBytes: number;
  startupBytes: number;
  residentBytes: number;
  overheadBytes: number;
  datasetBytes: number;
  datasetPercent: number;
  clientBytes: number;
  allocatedBytes: number;
  activeBytes: number;
  touchedBytes: number;
  fragmentationRatio: number;
  touchedRatio: number;
  processRatio: number;
  residentRatio: number;
}

export function memoryOverview(engine: Ports): MemoryOverview {
  const { clients, memory, keyspace, report, stats, host } = engine;
  memory.countClients();
  const { usedBytes, startupBytes } = memory;
  if (usedBytes > stats.peakMemoryBytes) stats.peakMemoryBytes = usedBytes;
  const { arena } = keyspace;
  const residentBytes = host.usage().residentBytes;
  // The tables of an empty keyspace are part of what the start took.
  const tableBytes = Math.max(0, keyspace.tableBytes() - memory.startupTableBytes);
  const { scriptBytes, functionBytes } = memory.scripts;
  const { backlogBytes, replicaBytes, connectionBytes } = memory.replication;
  // What they have queued and asked for lies in blocks of the arena, and is no data either.
  let clientBytes = 0;
  for (const client of clients.values()) clientBytes += report.bytesOf(client);
  const batchBytes = Math.max(0, memory.batchBytes() - memory.startupBatchBytes);
  const forOthersBytes = clientBytes + batchBytes + backlogBytes + replicaBytes - connectionBytes;
  const overheadBytes = Math.min(
    usedBytes,
    startupBytes + forOthersBytes + tableBytes + scriptBytes + functionBytes,
  );
  const datasetBytes = usedBytes - overheadBytes;
  const netBytes = usedBytes - startupBytes;
  return {
    usedBytes,
    peakBytes: stats.peakMemoryBytes,
    startupBytes,
    residentBytes,
    overheadBytes,
    datasetBytes,
    datasetPercent: netBytes > 0 ? (datasetBytes / netBytes) * 100 : 0,
    clientBytes,
    allocatedBytes: arena.usedBytes,
    activeBytes: arena.pageBytes,
    touchedBytes: arena.touchedBytes,
    fragmentationRatio: ratio(arena.pageBytes, arena.usedBytes),
    touchedRatio: ratio(arena.touchedBytes, arena.pageBytes),
    processRatio: ratio(residentBytes, arena.touchedBytes),
    residentRatio: ratio(residentBytes, usedBytes),
  };
}
