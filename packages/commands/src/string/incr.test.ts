import { harness } from "@kv/testing";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { errors } from "../call/errors.ts";

const MIN = -(2n ** 63n);
const MAX = 2n ** 63n - 1n;

/** Integers near the places where the arithmetic changes: 2^31, 2^32, 2^53, 2^63. */
const edge = fc
  .tuple(
    fc.constantFrom(0n, 2n ** 31n, 2n ** 32n, 2n ** 53n, 2n ** 63n),
    fc.bigInt(-3n, 3n),
    fc.boolean(),
  )
  .map(([power, offset, negative]) => (negative ? -power : power) + offset)
  .filter((n) => n >= MIN && n <= MAX);

describe("INCR, DECR, INCRBY, DECRBY", () => {
  test("a missing key counts as zero; the time to live stays", () => {
    const kv = harness();
    expect(kv.send("INCR", "n")).toBe(1);
    kv.send("EXPIRE", "n", 100);
    expect(kv.send("DECRBY", "n", 5)).toBe(-4);
    expect(kv.send("DECR", "n")).toBe(-5);
    expect(kv.send("INCRBY", "n", 10)).toBe(5);
    expect(kv.send("TTL", "n")).toBe(100);
    expect(kv.events.filter((event) => event === "incrby n")).toHaveLength(4);
    expect(kv.propagated.at(-1)).toEqual(["INCRBY", "n", "10"]);
  });

  test("counts exactly, up to the ends of 64 bits", () => {
    const kv = harness();
    fc.assert(
      fc.property(edge, edge, fc.boolean(), (start, step, down) => {
        kv.send("SET", "n", start);
        const sum = down ? start - step : start + step;
        const reply = kv.send(down ? "DECRBY" : "INCRBY", "n", step);
        if (down && step === MIN) expect(reply).toEqual(kv.error("ERR decrement would overflow"));
        else if (sum < MIN || sum > MAX) expect(reply).toBe(errors.overflow);
        else expect(kv.send("GET", "n")).toBe(`${sum}`);
        if (typeof reply === "object" && reply !== null)
          expect(kv.send("GET", "n")).toBe(`${start}`);
      }),
      { numRuns: 500 },
    );
  });

  test("digits count as a number however they came to be there", () => {
    const kv = harness();
    kv.send("APPEND", "n", "1");
    kv.send("APPEND", "n", "9");
    expect(kv.send("OBJECT", "ENCODING", "n")).toBe("raw");
    expect(kv.send("INCR", "n")).toBe(20);
    expect(kv.send("OBJECT", "ENCODING", "n")).toBe("int");
  });

  test.each(["", " 1", "1 ", "+1", "01", "-0", "1.0", "9223372036854775808"])(
    "%j is no integer, as a value or as a step",
    (text) => {
      const kv = harness();
      kv.send("SET", "k", text);
      expect(kv.send("INCR", "k")).toBe(errors.notAnInteger);
      expect(kv.send("INCRBY", "other", text)).toBe(errors.notAnInteger);
      expect(kv.send("EXISTS", "other")).toBe(0);
    },
  );

  test("wants a string", () => {
    const kv = harness();
    kv.send("HSET", "h", "f", 1);
    expect(kv.send("INCR", "h")).toBe(errors.wrongType);
  });
});
