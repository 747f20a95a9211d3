import { harness } from "@kv/testing";
import { describe, expect, test } from "vitest";
import { errors } from "../call/errors.ts";

const encodings = [
  { encoding: "listpack", entries: 512 },
  { encoding: "hashtable", entries: 0 },
];

describe.each(encodings)("HRANDFIELD on a $encoding", ({ entries }) => {
  function filled(count: number, resp: 2 | 3 = 2) {
    const kv = harness({ resp, config: { "hash-max-listpack-entries": entries } });
    for (let i = 0; i < count; i++) kv.send("HSET", "h", `f${i}`, `v${i}`);
    return kv;
  }

  test("picks every field about equally often", () => {
    const kv = filled(10);
    const seen = new Map<unknown, number>();
    for (let i = 0; i < 5000; i++) {
      const field = kv.send("HRANDFIELD", "h");
      seen.set(field, (seen.get(field) ?? 0) + 1);
    }
    expect(seen.size).toBe(10);
    for (const count of seen.values()) expect(count).toBeGreaterThan(150);
  });

  test.each([1, 2, 9, 10, 33, 34, 60, 99, 100, 101, 1000])("%i different fields", (count) => {
    const kv = filled(100);
    const fields = kv.send("HRANDFIELD", "h", count) as string[];
    expect(new Set(fields).size).toBe(Math.min(count, 100));
    expect(fields).toHaveLength(Math.min(count, 100));
    for (const field of fields) expect(kv.send("HEXISTS", "h", field)).toBe(1);
  });

  test("a selection takes every field equally often", () => {
    const kv = filled(10);
    for (const count of [2, 3, 7]) {
      const seen = new Map<string, number>();
      for (let i = 0; i < 2000; i++)
        for (const field of kv.send("HRANDFIELD", "h", count) as string[])
          seen.set(field, (seen.get(field) ?? 0) + 1);
      for (const times of seen.values()) {
        expect(times).toBeGreaterThan(count * 2000 * 0.02);
        expect(times).toBeLessThan(count * 2000 * 0.4);
      }
      expect(seen.size).toBe(10);
    }
  });

  test("a negative count allows repetition, and then there are as many as asked for", () => {
    const kv = filled(3);
    const fields = kv.send("HRANDFIELD", "h", -500) as string[];
    expect(fields).toHaveLength(500);
    expect(new Set(fields)).toEqual(new Set(["f0", "f1", "f2"]));
  });

  test("WITHVALUES: one flat list in RESP2, pairs in RESP3", () => {
    for (const count of [1, 2, 5, 10, 20, -5]) {
      const flat = filled(10).send("HRANDFIELD", "h", count, "WITHVALUES") as string[];
      expect(flat).toHaveLength(Math.min(Math.abs(count), 10) * 2);
      for (let i = 0; i < flat.length; i += 2) expect(flat[i + 1]).toBe(flat[i].replace("f", "v"));
      const pairs = filled(10, 3).send("HRANDFIELD", "h", count, "WITHVALUES") as string[][];
      expect(pairs).toHaveLength(Math.min(Math.abs(count), 10));
      for (const [field, value] of pairs) expect(value).toBe(field.replace("f", "v"));
    }
  });
});

test.each([
  { how: "picked", count: 5 },
  { how: "selected", count: 40 },
])("all fields of a table are $how with the same probability", ({ count }) => {
  const kv = harness({ config: { "hash-max-listpack-entries": 0 }, seed: 7 });
  const fieldCount = 60;
  const rounds = 3000;
  for (let i = 0; i < fieldCount; i++) kv.send("HSET", "h", `f${i}`, "v");
  const seen = new Map<string, number>();
  for (let i = 0; i < rounds; i++) {
    const fields = kv.send("HRANDFIELD", "h", count) as string[];
    expect(new Set(fields).size).toBe(count);
    for (const field of fields) seen.set(field, (seen.get(field) ?? 0) + 1);
  }
  // Of each field so many are expected, with this variance; the sum is chi-squared, 60 by its mean.
  const expected = (rounds * count) / fieldCount;
  const variance = expected * (1 - count / fieldCount);
  let sum = 0;
  for (const times of seen.values()) sum += (times - expected) ** 2 / variance;
  expect(seen.size).toBe(fieldCount);
  expect(sum).toBeLessThan(105);
  expect(sum).toBeGreaterThan(25);
});

test("a missing key has no fields", () => {
  const kv = harness();
  expect(kv.send("HRANDFIELD", "none")).toBe(null);
  expect(kv.send("HRANDFIELD", "none", 5)).toEqual([]);
  expect(kv.send("HRANDFIELD", "none", -5, "WITHVALUES")).toEqual([]);
});

test.each([
  ["-9223372036854775807"],
  ["-100000000000"],
  ["-4611686018427387904", "WITHVALUES"],
  ["4611686018427387904", "WITHVALUES"],
])("a count of %s is out of range, not out of memory", (...words) => {
  const kv = harness();
  kv.send("HSET", "h", "f", "v");
  expect(kv.send("HRANDFIELD", "h", ...words)).toBe(errors.outOfRange);
  expect(kv.send("HRANDFIELD", "h")).toBe("f");
});

test("refuses what is no count and no option", () => {
  const kv = harness();
  expect(kv.send("HRANDFIELD", "h", "x", "FOO")).toBe(errors.notAnInteger);
  expect(kv.send("HRANDFIELD", "h", 1, "FOO")).toBe(errors.syntax);
  expect(kv.send("HRANDFIELD", "h", 1, "WITHVALUES", "x")).toBe(errors.syntax);
  expect(kv.send("HRANDFIELD", "h", "-9223372036854775808", "WITHVALUES")).toEqual(
    kv.error(
      "ERR value is out of range, value must between -9223372036854775807 and 9223372036854775807",
    ),
  );
  kv.send("SET", "s", "v");
  expect(kv.send("HRANDFIELD", "s", 1)).toBe(errors.wrongType);
});
