import { expect, test } from "vitest";
import { parseGcTrace } from "./gc-trace.ts";

const log = `1:M 01 Jan 2026 * Ready to accept connections
[7:0x36526000]       40 ms: Scavenge 4.8 (5.6) -> 4.4 (6.4) MB, pooled: 0.0 MB, 3.55 / 0.00 ms (average mu = 1.000, current mu = 1.000) allocation failure;
[7:0x36526000]       72 ms: Mark-Compact (reduce) 21.2 (26.1) -> 2.0 (28.2) MB, pooled: 0 MB, 1.25 / 0.50 ms (+ 2.1 ms in 3 steps since start of marking) finalize;
`;

test("the longest pause and the heap that remained are found among log lines", () => {
  expect(parseGcTrace(log)).toEqual({
    collections: 2,
    longestPauseMs: 3.55,
    totalPauseMs: 3.55 + 1.25,
    heapAfterBytes: 2 * 2 ** 20,
  });
});

test("no collection is no pause, and says nothing about the heap", () => {
  expect(parseGcTrace("Ready\n")).toMatchObject({ collections: 0, longestPauseMs: 0 });
  expect(parseGcTrace("").heapAfterBytes).toBeNaN();
});
