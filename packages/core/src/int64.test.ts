import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { formatInt64, Int64, parseInt64 } from "./int64.ts";

const encoder = new TextEncoder();
const decoder = new TextDecoder();

function parse(text: string): bigint | undefined {
  const bytes = encoder.encode(`<${text}>`);
  const out = new Int64();
  if (!parseInt64(bytes, 1, bytes.length - 1, out)) return undefined;
  return (BigInt(out.hi) << 32n) | BigInt(out.lo >>> 0);
}

function format(value: bigint): string {
  const target = new Uint8Array(30).fill(0x2e);
  const end = formatInt64(Number(value >> 32n), Number(BigInt.asIntN(32, value)), target, 3);
  return decoder.decode(target.subarray(3, end));
}

/** Integers of every length, most of them next to a power of two or ten. */
const anyInt64 = fc.oneof(
  fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
  fc
    .tuple(
      fc.constantFrom(2n, 10n),
      fc.nat({ max: 62 }),
      fc.integer({ min: -2, max: 2 }),
      fc.boolean(),
    )
    .map(([base, power, off, negative]) => {
      const value =
        BigInt.asIntN(64, base ** BigInt(base === 10n ? power % 19 : power)) + BigInt(off);
      return BigInt.asIntN(64, negative ? -value : value);
    }),
);

describe("int64", () => {
  test("every integer is read from its text and written back to it", () => {
    fc.assert(
      fc.property(anyInt64, (value) => {
        expect(parse(String(value))).toBe(value);
        expect(format(value)).toBe(String(value));
      }),
      { numRuns: 2000 },
    );
  });

  test.each(["9223372036854775807", "-9223372036854775808", "0", "-1", "4294967296", "999999999"])(
    "%s is an integer",
    (text) => {
      expect(parse(text)).toBe(BigInt(text));
      expect(format(BigInt(text))).toBe(text);
    },
  );

  test.each([
    ["", "no digits"],
    ["-", "no digits behind the sign"],
    ["-0", "prints as 0"],
    ["00", "leading zero"],
    ["01", "leading zero"],
    ["-01", "leading zero"],
    ["+1", "plus sign"],
    [" 1", "space"],
    ["1 ", "space"],
    ["1.0", "point"],
    ["1e3", "exponent"],
    ["0x10", "hexadecimal"],
    ["12345678a", "letter in the lower digits"],
    ["1234a678901234", "letter in the upper digits"],
    ["1/", "the byte before 0"],
    ["1:", "the byte behind 9"],
    ["9223372036854775808", "past the largest"],
    ["-9223372036854775809", "past the smallest"],
    ["9999999999999999999", "past the largest"],
    ["10000000000000000000", "twenty digits"],
    ["-10000000000000000000", "twenty digits"],
  ])("%j is text only: %s", (text) => {
    expect(parse(text)).toBe(undefined);
  });

  test("text is canonical exactly when printing gives it back", () => {
    const digits = fc.string({ unit: fc.constantFrom(..."-+0019 "), maxLength: 5 });
    fc.assert(
      fc.property(digits, (text) => {
        expect(parse(text) !== undefined).toBe(/^(0|-?[1-9][0-9]*)$/.test(text));
      }),
    );
  });
});
