import { harness } from "@kv/testing";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { errors } from "../call/errors.ts";

const codes = (text: string) => [...text].map((each) => each.charCodeAt(0));

/** What an operation makes of the bytes at one place of all sources. */
const operations: Record<string, (bytes: number[]) => number> = {
  AND: (bytes) => bytes.reduce((a, b) => a & b),
  OR: (bytes) => bytes.reduce((a, b) => a | b),
  XOR: (bytes) => bytes.reduce((a, b) => a ^ b),
  DIFF: ([x = 0, ...others]) => x & ~others.reduce((a, b) => a | b),
  DIFF1: ([x = 0, ...others]) => ~x & others.reduce((a, b) => a | b),
  ANDOR: ([x = 0, ...others]) => x & others.reduce((a, b) => a | b),
  ONE: (bytes) => {
    let one = 0;
    for (let mask = 1; mask < 256; mask *= 2)
      if (bytes.filter((byte) => (byte & mask) !== 0).length === 1) one |= mask;
    return one;
  },
};

describe("BITOP", () => {
  test("NOT turns every bit of one string", () => {
    const kv = harness();
    kv.send("SET", "a", "\x0f\0\xff");
    expect(kv.send("BITOP", "NOT", "to", "a")).toBe(3);
    expect(kv.send("GET", "to")).toBe("\xf0\xff\0");
    expect(kv.send("BITOP", "NOT", "a", "a")).toBe(3);
    expect(kv.send("GET", "a")).toBe("\xf0\xff\0");
    expect(kv.events).toEqual(["set a", "set to", "set a"]);
  });

  test("two integers are two strings of digits", () => {
    const kv = harness();
    kv.send("SET", "a", -1);
    kv.send("SET", "b", 10);
    expect(kv.send("BITOP", "XOR", "target", "a", "b")).toBe(2);
    expect(kv.send("GET", "target")).toBe("\x1c\x01");
  });

  test("nothing at all removes the destination, whatever it held", () => {
    const kv = harness();
    kv.send("HSET", "to", "f", "v");
    expect(kv.send("BITOP", "AND", "to", "none", "none")).toBe(0);
    expect(kv.send("EXISTS", "to")).toBe(0);
    expect(kv.send("BITOP", "AND", "to", "none")).toBe(0);
    expect(kv.events).toEqual(["hset to", "del to"]);
    expect(kv.propagated).toHaveLength(2);
  });

  test("replaces the destination with its type and its time to live", () => {
    const kv = harness();
    kv.send("HSET", "to", "f", "v");
    kv.send("PEXPIRE", "to", 1000);
    kv.send("SET", "a", 15);
    expect(kv.send("BITOP", "OR", "to", "a", "none")).toBe(2);
    expect(kv.send("GET", "to")).toBe("15");
    expect(kv.send("OBJECT", "ENCODING", "to")).toBe("raw");
    expect(kv.send("PTTL", "to")).toBe(-1);
  });

  test("refuses what is no operation, no string, or not as many sources", () => {
    const kv = harness();
    kv.send("HSET", "h", "f", "v");
    expect(kv.send("BITOP", "NAND", "to", "h")).toBe(errors.syntax);
    expect(kv.send("BITOP", "AND", "to", "none", "h")).toBe(errors.wrongType);
    expect(kv.send("BITOP", "NOT", "to", "h", "h")).toEqual(
      kv.error("ERR BITOP NOT must be called with a single source key."),
    );
    for (const name of ["DIFF", "DIFF1", "ANDOR"])
      expect(kv.send("BITOP", name.toLowerCase(), "to", "a")).toEqual(
        kv.error(`ERR BITOP ${name} must be called with at least two source keys.`),
      );
  });

  const length = fc.constantFrom(0, 1, 3, 12, 33, 500, 513, 600, 33_000, 70_001);
  const source = fc.record({ length, seed: fc.nat(250) });
  const texts = fc.array(source, { minLength: 2, maxLength: 4 });

  test.each(Object.keys(operations))("%s is what it is byte by byte", (name) => {
    const kv = harness();
    const operation = operations[name] as (bytes: number[]) => number;
    fc.assert(
      fc.property(texts, fc.nat(4), (sources, to) => {
        const values = sources.map(({ length, seed }) =>
          String.fromCharCode(...Array.from({ length: 97 }, (_, at) => (at * 37 + seed * at) & 255))
            .repeat(length / 97 + 1)
            .slice(0, length),
        );
        const keys = values.map((_, at) => `k${at}`);
        for (const [at, value] of values.entries()) kv.send("SET", `k${at}`, value);
        const target = `k${to}`;
        const longest = Math.max(...values.map((value) => value.length));
        const columns = values.map(codes);
        const expected = Array.from(
          { length: longest },
          (_, at) => operation(columns.map((column) => column[at] ?? 0)) & 255,
        );
        expect(kv.send("BITOP", name, target, ...keys)).toBe(longest);
        const got = longest === 0 ? [] : codes(String(kv.send("GET", target)));
        // One comparison: a list of what each byte should be says little and takes long.
        expect(got.findIndex((byte, at) => byte !== expected[at])).toBe(-1);
        expect(got.length).toBe(longest);
      }),
      { numRuns: 30 },
    );
    kv.check();
  });
});
