import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  formatDouble,
  integerLength,
  parseDouble,
  parseInt64,
  parseInteger,
  writeInt64,
  writeInteger,
} from "./number-codec.ts";
import { latin1, latin1Bytes } from "./text.ts";

/** Reads from the middle of a buffer, so that a parser which looks outside its range is caught. */
function inside<T>(text: string, parse: (bytes: Uint8Array, start: number, end: number) => T): T {
  return parse(latin1Bytes(`19${text}.91`), 2, 2 + text.length);
}

const integer = (text: string) => inside(text, parseInteger);
const int64 = (text: string) => inside(text, parseInt64);
const double = (text: string) => inside(text, parseDouble);

function written(write: (bytes: Uint8Array, at: number) => number): string {
  const bytes = new Uint8Array(40);
  const after = write(bytes, 3);
  expect(bytes.subarray(after).every((byte) => byte === 0)).toBe(true);
  return latin1(bytes, 3, after);
}

const EDGES = [
  ...[0, 1, 9, 10, 11, 99, 100, 101, 999, 1000, 9999, 10000, 99999, 100000, 999999, 1000000],
  ...[9999999, 10000000, 99999999, 100000000, 0x3fffffff, 0x40000000, 0x7fffffff, 0x80000000],
  ...[0xffffffff, 0x100000000, 9999999999, 10000000000, 1e12, 1e15, 123456780000],
  ...[Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER - 1, 100000001, 200000000000000],
];

describe("integers", () => {
  test.each([...EDGES, ...EDGES.map((n) => -n)].map((n) => n + 0))("%d there and back", (n) => {
    expect(written((bytes, at) => writeInteger(bytes, at, n))).toBe(`${n}`);
    expect(integerLength(n)).toBe(`${n}`.length);
    expect(integer(`${n}`)).toBe(n);
    expect(int64(`${n}`)).toBe(BigInt(n));
  });

  test("any safe integer there and back", () => {
    fc.assert(
      fc.property(fc.maxSafeInteger(), (n) => {
        expect(written((bytes, at) => writeInteger(bytes, at, n))).toBe(`${n}`);
        expect(integerLength(n)).toBe(`${n}`.length);
        expect(integer(`${n}`)).toBe(n);
      }),
    );
  });

  test("any 64-bit integer there and back, and nothing beyond", () => {
    const min = -(2n ** 63n);
    const max = 2n ** 63n - 1n;
    for (const n of [min, min + 1n, max, max - 1n, 2n ** 53n, 10n ** 18n, -(10n ** 15n)]) {
      expect(written((bytes, at) => writeInt64(bytes, at, n))).toBe(`${n}`);
      expect(int64(`${n}`)).toBe(n);
    }
    expect(int64(`${min - 1n}`)).toBe(null);
    expect(int64(`${max + 1n}`)).toBe(null);
    fc.assert(
      fc.property(fc.bigInt({ min: min * 20n, max: max * 20n }), (n) => {
        expect(int64(`${n}`)).toBe(n >= min && n <= max ? n : null);
      }),
    );
  });

  test("integers that would lose digits are left to parseInt64", () => {
    expect(integer("9007199254740992")).toBeNaN();
    expect(integer("9007199254740993")).toBeNaN();
    expect(int64("9007199254740993")).toBe(9007199254740993n);
  });

  test.each([
    "",
    "-",
    "-0",
    "+1",
    "01",
    "-01",
    " 1",
    "1 ",
    "1.0",
    "1e3",
    "0x1",
    "1a",
    "--1",
    "/",
    ":",
  ])("%j is no integer", (text) => {
    expect(integer(text)).toBeNaN();
    expect(int64(text)).toBe(null);
  });
});

describe("doubles", () => {
  test.each([
    ["0", 0],
    ["-0", -0],
    ["3.25", 3.25],
    [".5", 0.5],
    ["5.", 5],
    ["+1e3", 1000],
    ["1E-2", 0.01],
    ["0.1", 0.1],
    ["123456789012345678901234567890", 1.2345678901234568e29],
    ["0.30000000000000004", 0.30000000000000004],
    ["000000000000000000001.5", 1.5],
    ["4.9e-324", 5e-324],
    ["inf", Number.POSITIVE_INFINITY],
    ["-Infinity", Number.NEGATIVE_INFINITY],
    ["+INF", Number.POSITIVE_INFINITY],
    ["0x10", 16],
    ["-0x1.8p3", -12],
    ["0x.8", 0.5],
    ["0x1p-1074", 5e-324],
    ["0x1.fffffffffffff8p0", 2],
    ["0x3p-1075", 1e-323],
    ["0x1.fffffffffffffp1023", Number.MAX_VALUE],
  ])("%s is %d", (text, value) => {
    expect(double(text)).toBe(value);
  });

  test.each([
    ...["", "-", "+", ".", "-.", "1e", "1e+", "e1", " 1", "1 ", "1,5", "1_0", "nan", "NaN", "1..2"],
    ...["1e400", "-1e400", "1e-400", "infinit", "infinity1", "in", "0x", "0xg", "0x1p", "0x1p+"],
    ...["0x1p1024", "0x1p-1080", "--1", "1-", "1e5.0", "1\0"],
  ])("%j is refused", (text) => {
    expect(double(text)).toBeNaN();
  });

  test.each([
    ["1e400", Number.POSITIVE_INFINITY],
    ["-1e400", Number.NEGATIVE_INFINITY],
    ["-1e-400", -0],
    ["0x1p1024", Number.POSITIVE_INFINITY],
    ["-0x1p1024", Number.NEGATIVE_INFINITY],
    ["0x1p-1080", 0],
    ["x", Number.NaN],
    ["0xg", Number.NaN],
    ["nan", Number.NaN],
  ])("%s is %d where it clamps", (text, value) => {
    const bytes = latin1Bytes(text);
    expect(parseDouble(bytes, 0, bytes.length, true)).toBe(value);
  });

  test("what is printed reads back as the same double", () => {
    const anything = fc.double({ noNaN: true });
    fc.assert(
      fc.property(anything, (x) => {
        expect(double(formatDouble(x))).toBe(x);
        expect(double(`${x}`.replace("Infinity", "inf"))).toBe(x + 0); // "-0" prints as "0" here.
      }),
      { numRuns: 2000 },
    );
  });

  test.each([
    [0, "0"],
    [-0, "-0"],
    [1, "1"],
    [-17, "-17"],
    [3.5, "3.5"],
    [0.1, "0.1"],
    [0.0001, "0.0001"],
    [0.000001, "0.000001"],
    [1e-7, "1e-7"],
    [1.5e-7, "1.5e-7"],
    [-1.2345e-10, "-1.2345e-10"],
    [100.25, "100.25"],
    [2.141592653589793, "2.141592653589793"],
    [999.1234567890123, "999.1234567890123"],
    [12345.678901234, "1.2345678901234e+4"],
    [123456.5, "123456.5"],
    [4503599627370496, "4503599627370496"],
    [4503599627370497, "4503599627370497"],
    [1e17, "100000000000000000"],
    [-(2 ** 60), "-1152921504606846976"],
    [1e16, "10000000000000000"],
    [-27003820000000000, "-27003820000000000"],
    [Number("1234567890123456768"), "1234567890123456768"],
    [2 ** 62, "4611686018427387904"],
    [-(2 ** 62), "-4611686018427387904"],
    [2 ** 62 + 1024, "4611686018427389000"],
    [5e18, "5e+18"],
    [1.5e20, "1.5e+20"],
    [1e20, "1e+20"],
    [1e21, "1e+21"],
    [1.7976931348623157e308, "1.7976931348623157e+308"],
    [5e-324, "5e-324"],
    [Number.POSITIVE_INFINITY, "inf"],
    [Number.NEGATIVE_INFINITY, "-inf"],
    [Number.NaN, "nan"],
  ])("%d prints as %s", (x, text) => {
    expect(formatDouble(x)).toBe(text);
  });
});

test("decimals of as many digits as a double just holds, and of a few more, are the nearest double", () => {
  const digit = fc.integer({ min: 0, max: 9 });
  fc.assert(
    fc.property(fc.array(digit, { minLength: 14, maxLength: 18 }), fc.nat(18), (digits, point) => {
      const text = `${digits.slice(0, point).join("")}.${digits.slice(point).join("")}`;
      expect(double(text)).toBe(Number(text));
      expect(double(digits.join(""))).toBe(Number(digits.join("")));
    }),
  );
  for (const near of [
    "9007199254740991",
    "9007199254740992",
    "9007199254740993",
    "9007199254740995",
  ])
    expect([near, double(near)]).toEqual([near, Number(near)]);
});
