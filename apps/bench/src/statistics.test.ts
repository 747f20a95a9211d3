import { describe, expect, test } from "vitest";
import { geometricMean, median, pairedRatios, summarize } from "./statistics.ts";

describe("statistics", () => {
  test("the median does not care about order, nor about one wild round", () => {
    expect(median([5, 1, 3])).toBe(3);
    expect(median([1, 2, 3, 1000])).toBe(2.5);
    expect(median([10, 9])).toBe(9.5);
  });

  test("nothing measured is not zero", () => {
    expect(median([])).toBeNaN();
    expect(geometricMean([])).toBeNaN();
  });

  test("a summary keeps the extremes", () => {
    expect(summarize([4, 2, 9])).toEqual({ median: 4, low: 2, high: 9, count: 3 });
  });

  test("a slow spell that hits both servers of a round leaves the ratio alone", () => {
    expect(pairedRatios([1, 10, 2], [2, 20, 4])).toEqual([0.5, 0.5, 0.5]);
    expect(() => pairedRatios([1], [1, 2])).toThrow(RangeError);
  });

  test("half as dear and twice as dear are even", () => {
    expect(geometricMean([0.5, 2])).toBeCloseTo(1);
  });
});
