/**
 * INFO memory: how much is in use, by what, and what that is of what the process has. The rows come
 * from one measurement, so that they add up.
 */

import { humanBytes, percentOf } from "../../module/info-format.ts";
import type { Ports } from "../../module/ports.ts";
import type { InfoSection } from "../../module/system.ts";
import { memoryOverview } from "./memory-overview.ts";
import { memoryPort } from "./memory-system.ts";

type Row = readonly [name: string, value: string | number];

/** A size, and the same for people. */
function both(name: string, bytes: number): Row[] {
  return [
    [name, bytes],
    [`${name}_human`, humanBytes(bytes)],
  ];
}

function memoryRows(engine: Ports): Row[] {
  const { memory, keyspace, host } = engine;
  const { arena, lazyFree } = keyspace;
  const { heapUsedBytes, heapTotalBytes, totalMemoryBytes } = host.usage();
  const now = memoryOverview(engine);
  const { backlogBytes, replicaBytes, connectionBytes } = memory.replication;
  return [
    ["used_memory", now.usedBytes],
    ["used_memory_human", humanBytes(now.usedBytes)],
    ...both("used_memory_rss", now.residentBytes),
    ...both("used_memory_peak", now.peakBytes),
    ["used_memory_peak_perc", percentOf(now.usedBytes, now.peakBytes)],
    ["used_memory_overhead", now.overheadBytes],
    ["used_memory_startup", now.startupBytes],
    ["used_memory_dataset", now.datasetBytes],
    ["used_memory_dataset_perc", `${now.datasetPercent.toFixed(2)}%`],
    ["allocator_allocated", now.allocatedBytes],
    ["allocator_active", now.activeBytes],
    ["allocator_resident", now.touchedBytes],
    ...both("total_system_memory", totalMemoryBytes),
    // There are no scripts and functions: nothing is held for them.
    ["used_memory_lua", 0],
    ["used_memory_vm_eval", 0],
    ["used_memory_lua_human", "0B"],
    ["used_memory_scripts_eval", 0],
    ["number_of_cached_scripts", 0],
    ["number_of_functions", 0],
    ["number_of_libraries", 0],
    ["used_memory_vm_functions", 0],
    ...both("used_memory_vm_total", 0),
    ["used_memory_functions", 0],
    ...both("used_memory_scripts", 0),
    ...both("maxmemory", memory.evictor.settings.maxmemoryBytes),
    ["maxmemory_policy", memory.evictor.settings.policy],
    ["allocator_frag_ratio", now.fragmentationRatio.toFixed(2)],
    ["allocator_frag_bytes", now.activeBytes - now.allocatedBytes],
    ["allocator_rss_ratio", now.touchedRatio.toFixed(2)],
    ["allocator_rss_bytes", now.touchedBytes - now.activeBytes],
    ["rss_overhead_ratio", now.processRatio.toFixed(2)],
    ["rss_overhead_bytes", now.residentBytes - now.touchedBytes],
    ["mem_fragmentation_ratio", now.residentRatio.toFixed(2)],
    ["mem_fragmentation_bytes", now.residentBytes - now.usedBytes],
    ["mem_not_counted_for_evict", memory.uncountedBytes],
    ["mem_replication_backlog", backlogBytes],
    ["mem_total_replication_buffers", backlogBytes + replicaBytes - connectionBytes],
    ["mem_clients_slaves", replicaBytes],
    ["mem_clients_normal", now.clientBytes - connectionBytes],
    ["mem_cluster_links", 0],
    ["mem_aof_buffer", 0],
    // Never a name that makes tools ask for another allocator's controls.
    ["mem_allocator", "arena"],
    ["active_defrag_running", engine.of(memoryPort).defragmentation.runningPercent],
    ["lazyfree_pending_objects", lazyFree.pendingObjects],
    ["lazyfreed_objects", lazyFree.freedObjects],
    ["arena_used_bytes", arena.usedBytes],
    ["arena_page_bytes", arena.pageBytes],
    ["arena_touched_bytes", arena.touchedBytes],
    ["arena_segment_bytes", arena.segmentBytes],
    ["arena_blocks", arena.blockCount],
    ["runtime_heap_used_bytes", heapUsedBytes],
    ["runtime_heap_total_bytes", heapTotalBytes],
  ];
}

export const memorySection: InfoSection = {
  name: "memory",
  title: "Memory",
  isDefault: true,
  fields: [],
  rows: memoryRows,
};
