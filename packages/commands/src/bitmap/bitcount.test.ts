import { type Harness, harness } from "@kv/testing";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { errors } from "../call/errors.ts";

/** The string's bits as text, bit 0 first. */
function bitsOf(text: string): string {
  return [...text].map((each) => each.charCodeAt(0).toString(2).padStart(8, "0")).join("");
}

describe("BITCOUNT and BITPOS", () => {
  test("take all of a string, or a part given in bytes or bits", () => {
    const kv = harness();
    kv.send("SET", "k", "\x0f\xff\x01");
    expect(kv.send("BITCOUNT", "k")).toBe(13);
    expect(kv.send("BITCOUNT", "k", 1, -1)).toBe(9);
    expect(kv.send("BITCOUNT", "k", 5, 8, "BIT")).toBe(4);
    expect(kv.send("BITPOS", "k", 1)).toBe(4);
    expect(kv.send("BITPOS", "k", 0, 1)).toBe(16);
    expect(kv.send("BITPOS", "k", 1, 2, -1, "BYTE")).toBe(23);
    expect(kv.send("BITPOS", "k", 1, -8, -2, "BIT")).toBe(-1);
  });

  test("behind its end a string is clear, unless an end was given", () => {
    const kv = harness();
    kv.send("SET", "k", "\xff".repeat(600));
    expect(kv.send("BITPOS", "k", 0)).toBe(4800);
    expect(kv.send("BITPOS", "k", 0, 5)).toBe(4800);
    expect(kv.send("BITPOS", "k", 0, 5, -1)).toBe(-1);
    expect(kv.send("BITPOS", "none", 0)).toBe(0);
    expect(kv.send("BITPOS", "none", 1)).toBe(-1);
  });

  test("an integer is its digits", () => {
    const kv = harness();
    kv.send("SET", "k", 1234567890123);
    expect(kv.send("BITCOUNT", "k")).toBe(
      [...bitsOf("1234567890123")].filter((bit) => bit === "1").length,
    );
    expect(kv.send("BITPOS", "k", 1)).toBe(2);
  });

  test("refuse what is no range", () => {
    const kv = harness();
    kv.send("SET", "k", "text");
    expect(kv.send("BITCOUNT", "k", 0)).toBe(errors.syntax);
    expect(kv.send("BITCOUNT", "k", 0, 1, "WORD")).toBe(errors.syntax);
    expect(kv.send("BITCOUNT", "k", 0, "x")).toBe(errors.notAnInteger);
    expect(kv.send("BITPOS", "k", 2)).toEqual(kv.error("ERR The bit argument must be 1 or 0."));
    expect(kv.send("BITPOS", "k", 1, 0, 1, "WORD")).toBe(errors.syntax);
  });

  /** What the model says of the positions first to last of some text. */
  function expected(text: string, first: number, last: number): [count: number, at: number[]] {
    const from = Math.max(0, first < 0 ? first + text.length : first);
    const to = Math.min(text.length - 1, Math.max(0, last < 0 ? last + text.length : last));
    const part = text.slice(from, to + 1);
    const at = ["0", "1"]
      .map((bit) => part.indexOf(bit))
      .map((place) => (place < 0 ? -1 : place + from));
    // Two that count from the end and cross are empty for BITCOUNT alone, even before the beginning.
    const crosses = first < 0 && last < 0 && first > last;
    return [crosses ? 0 : part.split("1").length - 1, at];
  }

  test("are what they are of a text of zeros and ones", () => {
    const kv: Harness = harness();
    const run = fc.record({
      byte: fc.constantFrom(0, 0, 255, 255, 1, 128, 90),
      count: fc.nat(200),
    });
    const position = fc.integer({ min: -2500, max: 2500 });
    fc.assert(
      fc.property(fc.array(run, { maxLength: 5 }), position, position, (runs, first, last) => {
        const text = runs
          .map(({ byte, count }) => String.fromCharCode(byte).repeat(count))
          .join("");
        kv.send("SET", "k", text);
        const [count, [zero, one]] = expected(bitsOf(text), first, last);
        expect(kv.send("BITCOUNT", "k", first, last, "BIT")).toBe(count);
        expect(kv.send("BITPOS", "k", 0, first, last, "BIT")).toBe(zero);
        expect(kv.send("BITPOS", "k", 1, first, last, "BIT")).toBe(one);
        const bytes = [...text].filter((_, at) => first <= at).join("");
        if (first >= 0)
          expect(kv.send("BITCOUNT", "k", first, -1)).toBe(bitsOf(bytes).split("1").length - 1);
      }),
      { numRuns: 500 },
    );
  });
});
