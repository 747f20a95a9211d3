import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  longMax,
  parseDouble,
  parseInteger,
  parseLooseInteger,
  parseMemory,
  parseOctal,
  printDouble,
  printMemory,
} from "./value-grammar.ts";

describe("numbers of the configuration", () => {
  test("integers are canonical", () => {
    expect(["0", "-1", "12", "9223372036854775807"].map(parseInteger)).toEqual([
      0,
      -1,
      12,
      longMax,
    ]);
    for (const text of ["", "-0", "+1", "01", " 1", "1 ", "1.5", "9223372036854775808"]) {
      expect(parseInteger(text)).toBe(undefined);
    }
  });

  test("loose integers are those of C", () => {
    expect(["", " +5", "-0", "007"].map(parseLooseInteger)).toEqual([0, 5, 0, 7]);
    expect(parseLooseInteger("99999999999999999999")).toBe(longMax);
    expect(parseLooseInteger("5x")).toBe(undefined);
  });

  test("octal", () => {
    expect(["", "0755", "700"].map(parseOctal)).toEqual([0, 0o755, 0o700]);
    expect(parseOctal("8")).toBe(undefined);
  });

  test("memory has units and wraps where Redis wraps", () => {
    expect(["", "5b", "1k", "1Kb", "2mb", "kb"].map(parseMemory)).toEqual([
      0,
      5,
      1000,
      1024,
      2 * 1024 ** 2,
      0,
    ]);
    expect(parseMemory("20000000000gb")).toBe(3028092406290448384n);
    for (const text of ["-1", "1 ", "1tb", "1.5gb"]) expect(parseMemory(text)).toBe(undefined);
  });

  test("what is printed with a unit is read back", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: longMax }), fc.nat(30), (value, zeros) => {
        const bytes = (value >> BigInt(zeros)) << BigInt(zeros);
        expect(BigInt(parseMemory(printMemory(bytes)) ?? -1)).toBe(bytes);
      }),
    );
  });

  test("decimal numbers have six digits after the point", () => {
    expect([100, 99.9, 33.3333339, 0].map(printDouble)).toEqual(["100", "99.9", "33.333334", "0"]);
    expect(["1e1", "0x10", ".5"].map(parseDouble)).toEqual([10, 16, 0.5]);
    for (const text of ["", " 1", "nan", "x"]) expect(parseDouble(text)).toBe(undefined);
  });
});
