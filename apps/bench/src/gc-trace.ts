/** Reads what V8 prints under `--trace-gc`: how long it stopped the program, and what was left. */

export interface GcTrace {
  collections: number;
  longestPauseMs: number;
  totalPauseMs: number;
  /** Heap in use after the last collection. */
  heapAfterBytes: number;
}

// 45 ms: Scavenge 4.5 (6.0) -> 3.2 (7.0) MB, pooled: 0.0 MB, 0.51 / 0.00 ms (average mu = ...
const LINE = / ms: .+ -> ([\d.]+) \([\d.]+\) MB,.*?([\d.]+) \/ [\d.]+ ms/;

export function parseGcTrace(log: string): GcTrace {
  const trace = { collections: 0, longestPauseMs: 0, totalPauseMs: 0, heapAfterBytes: Number.NaN };
  for (const line of log.split("\n")) {
    const match = LINE.exec(line);
    if (match === null) continue;
    const pauseMs = Number(match[2]);
    trace.collections++;
    trace.longestPauseMs = Math.max(trace.longestPauseMs, pauseMs);
    trace.totalPauseMs += pauseMs;
    trace.heapAfterBytes = Number(match[1]) * 2 ** 20;
  }
  return trace;
}
