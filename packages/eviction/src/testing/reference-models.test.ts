import { describe, expect, test } from "vitest";
import {
  type CacheModel,
  ExactLfu,
  ExactLru,
  hitRate,
  RandomEviction,
} from "./reference-models.ts";

/** Which uses were hits, as a string of + and -. */
const hits = (cache: CacheModel, uses: number[]) =>
  uses.map((key) => (cache.use(key) ? "+" : "-")).join("");

describe("the exact models", () => {
  test("LRU evicts the key used longest ago", () => {
    expect(hits(new ExactLru(2), [1, 2, 1, 3, 1, 2])).toBe("--+-+-");
  });

  test("LFU evicts the key used least; of equals, the one used longest ago", () => {
    expect(hits(new ExactLfu(2), [1, 1, 2, 3, 2, 1, 3])).toBe("-+---+-");
    expect(hits(new ExactLfu(2), [1, 2, 3, 1])).toBe("----");
  });

  test("LFU forgets the count of a key that went", () => {
    expect(hits(new ExactLfu(1), [1, 1, 1, 2, 1, 1])).toBe("-++--+");
  });

  test("random eviction keeps all that fits, where LRU one key short keeps nothing of a loop", () => {
    const loop = Int32Array.from({ length: 50_000 }, (_, at) => (at * 7919) % 100);
    expect(hitRate(new RandomEviction(100, 1), loop)).toBeGreaterThan(0.99);
    expect(hitRate(new ExactLru(99), loop)).toBe(0);
  });
});
