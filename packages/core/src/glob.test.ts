import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { globMatch } from "./glob.ts";

/** One character is one byte, so that tests can name all 256. */
function latin1(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

function matches(pattern: string, text: string, nocase = false): boolean {
  // Surrounded by bytes that must not be looked at.
  const p = latin1(`*${pattern}]*`);
  const t = latin1(`x${text}x`);
  return globMatch(p, 1, p.length - 2, t, 1, t.length - 1, nocase);
}

/** Byte reads that a match costs: what "steps" means below. */
function readsOf(pattern: string, text: string): number {
  let reads = 0;
  const counted = (bytes: Uint8Array) =>
    new Proxy(bytes, {
      get(target, property) {
        reads++;
        return target[Number(property)];
      },
    });
  globMatch(
    counted(latin1(pattern)),
    0,
    pattern.length,
    counted(latin1(text)),
    0,
    text.length,
    false,
  );
  return reads;
}

describe("globMatch", () => {
  test.each([
    ["", "", true],
    ["", "a", false],
    ["*", "", false],
    ["*", "anything", true],
    ["**", "a", true],
    ["a*", "a", true],
    ["a**", "a", true],
    ["*a", "ba", true],
    ["*a", "ab", false],
    ["a*b*c", "aXbXbXc", true],
    ["a*b*c", "aXbXbX", false],
    ["h?llo", "hello", true],
    ["h?llo", "hllo", false],
    ["?", "", false],
    ["h[ae]llo", "hallo", true],
    ["h[ae]llo", "hillo", false],
    ["h[^e]llo", "hello", false],
    ["h[^e]llo", "hallo", true],
    ["h[a-c]llo", "hbllo", true],
    ["h[c-a]llo", "hbllo", true],
    ["[a-]", "-", false],
    ["[a-]", "_", true],
    ["[a-", "-", true],
    ["[ab", "b", true],
    ["[", "[", false],
    ["[^", "[", true],
    ["[]", "]", false],
    ["[]]", "]", false],
    ["[^]", "x", true],
    ["[\\]]", "]", true],
    ["[\\", "\\", true],
    ["[a\\-z]", "b", false],
    ["[a\\-z]", "-", true],
    ["\\*", "*", true],
    ["\\*", "a", false],
    ["a\\", "a\\", true],
    ["[\x7f-\x80]", "a", true],
    ["[\x80-\xff]", "a", false],
    ["[\x80-\xff]", "\x90", true],
    ["[a", "ab", false],
    ["*[a-z]*[0-9]", "Xa-7", true],
  ])("%j against %j: %s", (pattern, text, expected) => {
    expect(matches(pattern, text)).toBe(expected);
  });

  test.each([
    ["HeLLo", "hEllO", true],
    ["[A-Z]", "q", true],
    ["[a-z]", "Q", true],
    ["[Z-a]", "b", false],
    ["[QX]", "x", true],
    ["[\\Q]", "q", false],
    ["\\Q", "q", true],
    ["\xc4", "\xe4", false],
  ])("without case, %j against %j: %s", (pattern, text, expected) => {
    expect(matches(pattern, text, true)).toBe(expected);
  });

  test("a thousand stars are enough, not counting one at the end and those in a row", () => {
    const text = "a".repeat(2000);
    expect(matches("*a".repeat(1000), text)).toBe(true);
    expect(matches("*a".repeat(1001), text)).toBe(false);
    expect(matches(`${"*a".repeat(1000)}**`, text)).toBe(true);
    expect(matches("**a".repeat(1000), text)).toBe(true);
  });

  test("hostile patterns cost at most a small multiple of pattern times text", () => {
    for (const unit of ["*a", "*?", "*[ab]", "**", "*a*", "*\\a", "*[^b]a", "?*"]) {
      for (const tail of ["", "b", "[", "[^a]"]) {
        const pattern = unit.repeat(60) + tail;
        const text = `${"a".repeat(300)}c`;
        expect(readsOf(pattern, text)).toBeLessThan(4 * pattern.length * text.length);
      }
    }
    // The same, where the one backtrack point has to be used all the time.
    expect(readsOf(`*${"a".repeat(100)}b`, "a".repeat(2000))).toBeLessThan(4 * 102 * 2000);
  });

  test("a class is never read past the end of the pattern", () => {
    const piece = fc.constantFrom(..."[]^-\\*?ab");
    const text = fc.string({ unit: fc.constantFrom(..."ab]-\\"), maxLength: 6 });
    fc.assert(
      fc.property(fc.string({ unit: piece, maxLength: 10 }), text, (pattern, word) => {
        // The bytes behind the pattern differ; the answer must not.
        const one = latin1(`${pattern}]a`);
        const other = latin1(`${pattern}-b`);
        const t = latin1(word);
        expect(globMatch(one, 0, pattern.length, t, 0, t.length, false)).toBe(
          globMatch(other, 0, pattern.length, t, 0, t.length, false),
        );
      }),
      { numRuns: 2000 },
    );
  });
});
