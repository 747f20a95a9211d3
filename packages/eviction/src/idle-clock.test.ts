import { describe, expect, test } from "vitest";
import { idleTimeMs, LRU_CLOCK_MAX, lruBits, lruClock } from "./idle-clock.ts";

describe("the LRU clock", () => {
  test("counts whole seconds", () => {
    expect(lruClock(0)).toBe(0);
    expect(lruClock(1_999)).toBe(1);
    expect(lruClock(60_000)).toBe(60);
  });

  test("starts again after 2^24 seconds", () => {
    expect(lruClock(LRU_CLOCK_MAX * 1000)).toBe(LRU_CLOCK_MAX);
    expect(lruClock((LRU_CLOCK_MAX + 1) * 1000)).toBe(0);
  });

  test("knows dates on which the seconds no longer fit 32 bits", () => {
    const seconds = 2 ** 33 + 5;
    expect(lruClock(seconds * 1000)).toBe(seconds % 2 ** 24);
  });
});

describe("idle time", () => {
  test("is the time since the last use", () => {
    expect(idleTimeMs(100, 100)).toBe(0);
    expect(idleTimeMs(100, 175)).toBe(75_000);
  });

  test("goes on across the wrap, less one second", () => {
    expect(idleTimeMs(LRU_CLOCK_MAX - 10, 20)).toBe(30_000);
    expect(idleTimeMs(LRU_CLOCK_MAX, 0)).toBe(0);
  });

  test("keeps the order of keys used before and after the wrap", () => {
    const clock = 50;
    const usedAt = [60, LRU_CLOCK_MAX - 40, LRU_CLOCK_MAX - 5, 10, 49];
    const idle = usedAt.map((bits) => idleTimeMs(bits, clock));
    expect(idle).toEqual([...idle].sort((a, b) => b - a));
  });

  test.each([
    { seconds: 0, clock: 77 },
    { seconds: 77, clock: 77 },
    { seconds: 78, clock: 77 },
    { seconds: 1_000_000, clock: 10 },
    { seconds: LRU_CLOCK_MAX - 1, clock: 5 },
  ])("of $seconds s can be given to a key, at clock $clock", ({ seconds, clock }) => {
    const bits = lruBits(seconds, clock);
    expect(bits).toBeGreaterThanOrEqual(0);
    expect(bits).toBeLessThanOrEqual(LRU_CLOCK_MAX);
    expect(idleTimeMs(bits, clock)).toBe(seconds * 1000);
  });
});
