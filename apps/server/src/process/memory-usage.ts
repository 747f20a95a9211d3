/** What the process takes of the machine's memory, and its JavaScript heap of that. */

export interface MemoryUsage {
  /** 0: the system does not tell, as where /proc is missing. */
  residentBytes: number;
  heapUsedBytes: number;
  heapTotalBytes: number;
}

/** Never fails: INFO and crash reports have more to say than this. */
export function memoryUsage(): MemoryUsage {
  try {
    const { rss, heapUsed, heapTotal } = process.memoryUsage();
    return { residentBytes: rss, heapUsedBytes: heapUsed, heapTotalBytes: heapTotal };
  } catch {
    const heap = process.getBuiltinModule("node:v8").getHeapStatistics();
    return {
      residentBytes: 0,
      heapUsedBytes: heap.used_heap_size,
      heapTotalBytes: heap.total_heap_size,
    };
  }
}

/** The same without the heap's part, which costs more to know. Never fails either: it needs a descriptor. */
export function residentBytes(): number {
  try {
    return process.memoryUsage.rss();
  } catch {
    return 0;
  }
}
