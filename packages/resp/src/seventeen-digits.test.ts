import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { seventeenDigits } from "./seventeen-digits.ts";

/** The digits that are left when the exact number is rounded, halves to the even one. */
function roundedExactly(x: number): string {
  const digits = x.toExponential(100).replace(/e.*$/, "").replace(".", "");
  const kept = BigInt(digits.slice(0, 17));
  const rest = digits.slice(17);
  const half = `5${"0".repeat(rest.length - 1)}`;
  const isUp = rest > half || (rest === half && kept % 2n === 1n);
  return `${isUp ? kept + 1n : kept}`;
}

/** The digits of a text, without the point, the exponent and zeros at either end. */
function digitsOf(text: string): string {
  return text
    .replace(/e.*$/, "")
    .replace(/[-.]/g, "")
    .replace(/^0+|0+$/g, "");
}

describe("seventeen digits of a double", () => {
  test.each([
    [0.1, "0.10000000000000001"],
    [1795866145.25, "1795866145.25"],
    [1e-5, "1.0000000000000001e-05"],
    [123456789012345680000, "1.2345678901234568e+20"],
    [-1.5, "-1.5"],
    [5e-324, "4.9406564584124654e-324"],
    [0.5, "0.5"],
    [99.99999999999999, "99.999999999999986"],
    [0.9999999999999999, "0.99999999999999989"],
    [1764378000.123456, "1764378000.123456"],
    [4503599627370495.5, "4503599627370495.5"],
    [1e17, "1e+17"],
    [2 ** 53, "9007199254740992"],
    // Halves: to the even digit, downwards and upwards.
    [1 + 2 ** -17, "1.0000076293945312"],
    [1 + 3 * 2 ** -17, "1.0000228881835938"],
    [10 - 2 ** -17, "9.9999923706054688"],
  ])("of %d", (x, text) => {
    expect(seventeenDigits(x)).toBe(text);
  });

  test("are those of the exact number, and halves go to the even digit", () => {
    const halves = fc
      .tuple(fc.integer({ min: 0, max: 16 }), fc.double({ min: 1, max: 9.99, noNaN: true }))
      .map(
        ([whole, x]) => (Math.floor(x * 10 ** whole * 2 ** (17 - whole)) | 1) / 2 ** (17 - whole),
      );
    const any = fc.double({ noNaN: true, noDefaultInfinity: true, min: 1e-300, max: 1e300 });
    const near = fc.double({ noNaN: true, min: 0.01, max: 1e17 });
    const decimals = fc
      .tuple(fc.integer({ min: 1, max: 2 ** 53 - 1 }), fc.integer({ min: 0, max: 17 }))
      .map(([digits, places]) => digits / 10 ** places);
    fc.assert(
      fc.property(fc.oneof(any, halves, near, decimals), (x) => {
        fc.pre(x > 0);
        expect(digitsOf(seventeenDigits(x))).toBe(digitsOf(roundedExactly(x)));
      }),
      { numRuns: 6000 },
    );
  });
});
