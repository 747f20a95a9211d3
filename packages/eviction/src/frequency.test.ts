import { describe, expect, test } from "vitest";
import {
  LFU_INIT_VAL,
  lfuBits,
  lfuDecrAndReturn,
  lfuIncrement,
  lfuIncrementChance,
  lfuMinutes,
} from "./frequency.ts";
import { seededRandom32 } from "./testing/seeded-random.ts";

const LUCKY = 0;
const UNLUCKY = 0xffffffff;
const counterOf = (bits: number) => bits & 255;

describe("the LFU minutes", () => {
  test("are 16 bits that start again", () => {
    expect(lfuMinutes(59_999)).toBe(0);
    expect(lfuMinutes(60_000)).toBe(1);
    expect(lfuMinutes(65_536 * 60_000)).toBe(0);
  });
});

describe("decay", () => {
  test.each([
    { why: "nothing in the first period", minutes: 9, decay: 10, left: 100 },
    { why: "one step per full period", minutes: 25, decay: 10, left: 98 },
    { why: "never below zero", minutes: 5_000, decay: 10, left: 0 },
    { why: "off at 0", minutes: 5_000, decay: 0, left: 100 },
  ])("$why", ({ minutes, decay, left }) => {
    expect(lfuDecrAndReturn(lfuBits(100, 1_000), 1_000 + minutes, decay)).toBe(left);
  });

  test("goes on when the minutes start again", () => {
    expect(lfuDecrAndReturn(lfuBits(100, 65_530), 4, 1)).toBe(91);
  });
});

describe("a use", () => {
  test("always counts up to the initial value", () => {
    for (let counter = 0; counter <= LFU_INIT_VAL; counter++)
      expect(counterOf(lfuIncrement(lfuBits(counter, 0), 0, 10, 1, UNLUCKY - 1))).toBe(counter + 1);
  });

  test("counts by luck above it", () => {
    expect(counterOf(lfuIncrement(lfuBits(50, 0), 0, 10, 1, LUCKY))).toBe(51);
    expect(counterOf(lfuIncrement(lfuBits(50, 0), 0, 10, 1, UNLUCKY))).toBe(50);
  });

  test("never counts past 255", () => {
    expect(counterOf(lfuIncrement(lfuBits(255, 0), 0, 0, 1, LUCKY))).toBe(255);
  });

  test("decays first, and notes the minute", () => {
    expect(lfuIncrement(lfuBits(50, 7), 17, 10, 1, UNLUCKY)).toBe(lfuBits(40, 17));
  });

  test("takes signed numbers as randomness too", () => {
    expect(counterOf(lfuIncrement(lfuBits(50, 0), 0, 10, 1, -1))).toBe(50);
  });
});

describe("the distribution", () => {
  test.each([6, 10, 20, 100])("a counter at %i rises as often as the formula says", (counter) => {
    const random32 = seededRandom32(counter);
    const tries = 400_000;
    let raised = 0;
    for (let i = 0; i < tries; i++)
      raised += counterOf(lfuIncrement(lfuBits(counter, 0), 0, 10, 0, random32())) - counter;
    const expected = tries / ((counter - 5) * 10 + 1);
    expect(lfuIncrementChance(counter, 10)).toBeCloseTo(expected / tries, 12);
    // Five standard deviations of a binomial count.
    expect(Math.abs(raised - expected)).toBeLessThan(5 * Math.sqrt(expected));
  });

  test.each([
    { factor: 0, uses: 250 },
    { factor: 1, uses: 31_000 },
    { factor: 10, uses: 312_000 },
  ])("about $uses uses fill the counter at factor $factor", ({ factor, uses }) => {
    // Summed waiting times from the initial value to 255.
    let expected = 0;
    for (let counter = LFU_INIT_VAL; counter < 255; counter++)
      expected += 1 / lfuIncrementChance(counter, factor);
    expect(expected / uses).toBeGreaterThan(0.98);
    expect(expected / uses).toBeLessThan(1.02);

    const random32 = seededRandom32(factor);
    let bits = lfuBits(LFU_INIT_VAL, 0);
    let used = 0;
    for (; counterOf(bits) < 255; used++) bits = lfuIncrement(bits, 0, factor, 0, random32());
    expect(used / expected).toBeGreaterThan(0.7);
    expect(used / expected).toBeLessThan(1.3);
  });
});
