import fc from "fast-check";
import { expect, test } from "vitest";
import { parseScore } from "./score-text.ts";

const encoder = new TextEncoder();

function parsed(text: string): number {
  const bytes = encoder.encode(`<${text}>`);
  return parseScore(bytes, 1, bytes.length - 1);
}

/** Up to 21 digits with a point somewhere, or none. */
const decimals = fc
  .tuple(
    fc.string({ unit: fc.constantFrom(..."0123456789"), minLength: 1, maxLength: 21 }),
    fc.nat(21),
    fc.boolean(),
  )
  .map(([digits, place, isNegative]) => {
    const text =
      place < digits.length ? `${digits.slice(0, place)}.${digits.slice(place)}` : digits;
    return isNegative ? `-${text}` : text;
  });

test("a decimal number is the double next to it", () => {
  fc.assert(
    fc.property(decimals, (text) => {
      expect(parsed(text)).toBe(Number(text));
    }),
    { numRuns: 20_000 },
  );
});

test("the middle of two doubles, and what is next to it, too", () => {
  const middles = fc
    .tuple(fc.bigInt({ min: 2n ** 53n, max: 2n ** 60n }), fc.integer({ min: -2, max: 2 }))
    .map(([whole, off]) => {
      const step = 2n ** BigInt(whole.toString(2).length - 53);
      return `${(whole / step) * step + step / 2n + BigInt(off)}`;
    });
  fc.assert(
    fc.property(middles, fc.nat(4), (digits, fraction) => {
      const text = `${digits.slice(0, digits.length - fraction)}.${digits.slice(digits.length - fraction)}`;
      expect(parsed(text)).toBe(Number(text));
      expect(parsed(digits)).toBe(Number(digits));
    }),
    { numRuns: 5000 },
  );
});

test("long digits of clocks, and what is no number", () => {
  expect(parsed("1795866145.1234561")).toBe(Number("1795866145.1234561"));
  expect(parsed("0.10000000000000001")).toBe(0.1);
  expect(parsed("-1e3")).toBe(-1000);
  expect(parsed("1.2.3")).toBeNaN();
  expect(parsed(".")).toBeNaN();
});
