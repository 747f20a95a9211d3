import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { matchesGlob } from "./glob-text.ts";

describe("matchesGlob", () => {
  test.each([
    ["*", "maxmemory"],
    ["max*", "maxmemory"],
    ["MAX*", "maxmemory"],
    ["*max-*-e*", "set-max-intset-entries"],
    ["p?rt", "port"],
    ["[op]ort", "port"],
    ["[^a-o]ort", "port"],
    ["[z-a]ort", "port"],
    ["\\port", "port"],
    ["[\\p]ort", "port"],
    ["por[t", "port"],
    ["", ""],
  ])("%s matches %s", (pattern, text) => {
    expect(matchesGlob(pattern, text)).toBe(true);
  });

  test.each([
    ["", "port"],
    ["por", "port"],
    ["port?", "port"],
    ["[^p]ort", "port"],
    ["\\*", "port"],
    ["*x", "port"],
    ["**", ""], // As in Redis, an empty text matches the empty pattern alone.
  ])("%s does not match %s", (pattern, text) => {
    expect(matchesGlob(pattern, text)).toBe(false);
  });

  test("letters fold unless the case is to be exact", () => {
    expect(matchesGlob("PO*", "port")).toBe(true);
    expect(matchesGlob("PO*", "port", "exact")).toBe(false);
    expect(matchesGlob("po*", "port", "exact")).toBe(true);
  });

  test("agrees with a regular expression on stars and question marks", () => {
    const pattern = fc.string({ unit: fc.constantFrom("a", "b", "*", "?"), maxLength: 8 });
    const text = fc.string({ unit: fc.constantFrom("a", "b"), minLength: 1, maxLength: 8 });
    fc.assert(
      fc.property(pattern, text, (glob, name) => {
        const regex = new RegExp(`^${glob.replaceAll("*", ".*").replaceAll("?", ".")}$`);
        expect(matchesGlob(glob, name)).toBe(regex.test(name));
      }),
      { numRuns: 1000 },
    );
  });

  test("many stars against a long text end at once", () => {
    expect(matchesGlob("a*".repeat(50), `${"a".repeat(5000)}b`)).toBe(true);
    expect(matchesGlob(`${"a*".repeat(50)}c`, "a".repeat(5000))).toBe(false);
  });
});
