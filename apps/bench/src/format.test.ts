import { describe, expect, test } from "vitest";
import { count, megabytes, ratio, ratioSpread, significant, spread } from "./format.ts";
import { summarize } from "./statistics.ts";

describe("figures in tables", () => {
  test.each([
    [0.01234, "0.0123"],
    [1.2345, "1.23"],
    [123.45, "123"],
    [123456, "123456"],
    [0, "0"],
    [Number.NaN, "-"],
  ])("%d is worth %s", (value, text) => expect(significant(value)).toBe(text));

  test("a spread is a median with its extremes", () => {
    expect(spread(summarize([1, 2, 4]))).toBe("2.00 (1.00–4.00)");
    expect(ratioSpread(summarize([0.5, 1, 2]))).toBe("1.00× (0.50–2.00)");
  });

  test("nothing measured is a dash, not a zero", () => {
    expect([ratio(Number.NaN), megabytes(Number.NaN)]).toEqual(["-", "-"]);
  });

  test("counts are short", () => {
    expect([999, 10_000, 1_000_000, 2_500_000].map(count)).toEqual(["999", "10 k", "1 M", "2.5 M"]);
  });
});
