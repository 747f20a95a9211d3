import { afterEach, expect, test, vi } from "vitest";
import { memoryUsage } from "./memory-usage.ts";

afterEach(() => vi.restoreAllMocks());

test("the heap is known even where the system does not tell what is resident", () => {
  const known = memoryUsage();
  expect(known.residentBytes).toBeGreaterThan(known.heapUsedBytes);
  vi.spyOn(process, "memoryUsage").mockImplementation(() => {
    throw new Error("ENOENT: no such file or directory, uv_resident_set_memory");
  });
  const { residentBytes, heapUsedBytes, heapTotalBytes } = memoryUsage();
  expect(residentBytes).toBe(0);
  expect(heapUsedBytes).toBeGreaterThan(0);
  expect(heapTotalBytes).toBeGreaterThanOrEqual(heapUsedBytes);
});
