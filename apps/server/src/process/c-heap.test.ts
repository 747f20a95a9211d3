/** What was freed goes back to the system. */
import { afterEach, expect, test, vi } from "vitest";
import { CHeap, trimHeap } from "./c-heap.ts";

afterEach(() => vi.restoreAllMocks());

const GIBIBYTE = 2 ** 30;
const MEBIBYTE = 2 ** 20;

function cHeap(residentBytes: number) {
  let times = 0;
  const heap = new CHeap(
    () => times++,
    () => residentBytes,
  );
  return (nowMs: number, isAtRest: boolean, knownBytes: number) => {
    heap.follow(nowMs, isAtRest, knownBytes);
    return times;
  };
}

test("it is trimmed once in each rest", () => {
  const follow = cHeap(50 * MEBIBYTE);
  expect(follow(1000, false, 0)).toBe(0);
  expect(follow(2000, true, 0)).toBe(1);
  expect(follow(3000, true, 0)).toBe(1);
  expect(follow(4000, false, 0)).toBe(1);
  expect(follow(5000, true, 0)).toBe(2);
});

test.each([
  { resident: GIBIBYTE, known: GIBIBYTE / 4, times: 1, what: "most is unknown" },
  { resident: GIBIBYTE, known: 0.6 * GIBIBYTE, times: 0, what: "most is known" },
  { resident: 300 * MEBIBYTE, known: 100 * MEBIBYTE, times: 0, what: "it is little" },
])("of $resident bytes with $known known: $what", ({ resident, known, times }) => {
  expect(cHeap(resident)(1000, false, known)).toBe(times);
});

test("beyond that it is trimmed every ten seconds at most: few commands may have large replies", () => {
  for (const isAtRest of [false, true]) {
    const follow = cHeap(2 * GIBIBYTE);
    const times: number[] = [];
    for (let nowMs = 1000; nowMs <= 12_000; nowMs += 1000)
      times.push(follow(nowMs, isAtRest, MEBIBYTE));
    expect(times).toEqual([1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2]);
  }
});

test("one who cannot be told what is resident leaves it alone: no descriptor may be left to ask with", () => {
  vi.spyOn(process.memoryUsage, "rss").mockImplementation(() => {
    throw new Error("EMFILE: too many open files, uv_resident_set_memory");
  });
  let times = 0;
  new CHeap(() => times++).follow(1000, false, 0);
  expect(times).toBe(0);
});

test("without node:ffi nothing is done", () => {
  vi.spyOn(process, "getBuiltinModule").mockReturnValue(undefined as never);
  expect(trimHeap()).toBe(false);
});

test("a C library without the function is left alone", () => {
  const foreign = {
    dlopen() {
      throw new Error("undefined symbol: malloc_trim");
    },
  };
  vi.spyOn(process, "getBuiltinModule").mockReturnValue(foreign as never);
  expect(trimHeap()).toBe(false);
});
