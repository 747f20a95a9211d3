/** How much the approximations lose against exact caches, on the recorded traces. */
import { describe, expect, test } from "vitest";
import {
  ExactLfu,
  ExactLru,
  hitRate,
  RandomEviction,
  recordedTraces,
  SimulatedCache,
  type SimulatedCacheOptions,
} from "./testing.ts";

const CAPACITY = 500;
const SEED = 3;
const trace = (name: string) => (recordedTraces[name] as () => Int32Array)();
/** One use per second lets LRU tell each from the next; one per millisecond spares LFU the decay. */
const lru = { policy: "allkeys-lru", useIntervalMs: 1000 };
const lfu = { policy: "allkeys-lfu", useIntervalMs: 1 };

function cache(options: Pick<SimulatedCacheOptions, "policy" | "useIntervalMs">, samples: number) {
  return new SimulatedCache({ ...options, samples, capacity: CAPACITY, seed: SEED });
}

describe.each(["zipf", "zipf, flat", "scan"])("on the trace %s", (name) => {
  const uses = trace(name);
  const random = hitRate(new RandomEviction(CAPACITY, SEED), uses);

  test.each([
    { samples: 5, loss: 0.01 },
    { samples: 10, loss: 0.005 },
  ])("LRU with $samples samples is exact to within $loss", ({ samples, loss }) => {
    const exact = hitRate(new ExactLru(CAPACITY), uses);
    const approximated = hitRate(cache(lru, samples), uses);
    expect(Math.abs(exact - approximated)).toBeLessThan(loss);
    expect(approximated).toBeGreaterThan(random + 0.015);
  });

  test.each([
    { samples: 5, loss: 0.02 },
    { samples: 10, loss: 0.01 },
  ])("LFU with $samples samples is exact to within $loss", ({ samples, loss }) => {
    const exact = hitRate(new ExactLfu(CAPACITY), uses);
    const approximated = hitRate(cache(lfu, samples), uses);
    expect(Math.abs(exact - approximated)).toBeLessThan(loss);
    expect(approximated).toBeGreaterThan(random + 0.05);
  });

  test("random eviction is what it says", () => {
    const approximated = hitRate(cache({ ...lru, policy: "allkeys-random" }, 5), uses);
    expect(Math.abs(approximated - random)).toBeLessThan(0.01);
  });
});

describe("on the trace shifting hot set", () => {
  const uses = trace("shifting hot set");

  test("LRU with 10 samples is exact to within a hundredth", () => {
    const exact = hitRate(new ExactLru(CAPACITY), uses);
    expect(Math.abs(exact - hitRate(cache(lru, 10), uses))).toBeLessThan(0.01);
  });

  test("decay lets LFU follow, where an exact count clings to the past", () => {
    const exact = hitRate(new ExactLfu(CAPACITY), uses);
    const decaying = hitRate(cache({ ...lfu, useIntervalMs: 20 }, 10), uses);
    expect(decaying).toBeGreaterThan(exact + 0.5);
  });
});

test("on a loop too large for the cache LFU keeps some keys, where LRU loses all", () => {
  const uses = trace("loop");
  expect(hitRate(new ExactLru(CAPACITY), uses)).toBe(0);
  expect(hitRate(cache(lfu, 10), uses)).toBeGreaterThan(0.08);
});
