import { type Harness, harness } from "@kv/testing";
import { describe, expect, test } from "vitest";

/** The clock of a harness when it starts. */
const START = 1_700_000_000_000;
const forms = [
  { form: "listpack", entries: 512 },
  { form: "table", entries: 0 },
];

function withHash(entries: number): Harness {
  const kv = harness({ config: { "hash-max-listpack-entries": entries } });
  kv.send("HSET", "h", "a", 1, "b", 2, "c", 3);
  kv.events.length = 0;
  kv.propagated.length = 0;
  return kv;
}

describe.each(forms)("HEXPIRE of a $form", ({ entries }) => {
  test("gives fields a time to live, one answer for each", () => {
    const kv = withHash(entries);
    expect(kv.send("HEXPIRE", "h", 10, "FIELDS", 3, "a", "none", "b")).toEqual([1, -2, 1]);
    expect(kv.send("HTTL", "h", "FIELDS", 4, "a", "b", "c", "none")).toEqual([10, 10, -1, -2]);
    expect(kv.events).toEqual(["hexpire h"]);
    expect(kv.propagated).toEqual([
      ["HPEXPIREAT", "h", String(START + 10_000), "FIELDS", "2", "a", "b"],
    ]);
    kv.check();
  });

  test("all four name the same moment", () => {
    const kv = withHash(entries);
    for (const words of [
      ["HEXPIRE", "h", 7],
      ["HPEXPIRE", "h", 7000],
      ["HEXPIREAT", "h", START / 1000 + 7],
      ["HPEXPIREAT", "h", START + 7000],
    ]) {
      expect(kv.send(...words, "FIELDS", 1, "a")).toEqual([1]);
      expect(kv.send("HPEXPIRETIME", "h", "FIELDS", 1, "a")).toEqual([START + 7000]);
      expect(kv.send("HPERSIST", "h", "FIELDS", 1, "a")).toEqual([1]);
    }
    kv.check();
  });

  test("NX, XX, GT and LT: to live for ever is to live longest", () => {
    const kv = withHash(entries);
    const expire = (ms: number, condition: string, ...fields: string[]) =>
      kv.send("HPEXPIRE", "h", ms, condition, "FIELDS", fields.length, ...fields);
    expect(expire(1000, "XX", "a")).toEqual([0]);
    expect(expire(1000, "GT", "a")).toEqual([0]);
    expect(expire(1000, "NX", "a")).toEqual([1]);
    expect(expire(2000, "nx", "a", "b")).toEqual([0, 1]);
    expect(expire(1500, "GT", "a", "b", "c")).toEqual([1, 0, 0]);
    expect(expire(1200, "LT", "a", "b", "c")).toEqual([1, 1, 1]);
    expect(expire(1200, "LT", "a")).toEqual([0]);
    expect(expire(1200, "GT", "a")).toEqual([0]);
    expect(expire(9000, "XX", "a", "none")).toEqual([1, -2]);
    expect(kv.send("HPTTL", "h", "FIELDS", 3, "a", "b", "c")).toEqual([9000, 1200, 1200]);
    kv.check();
  });

  test("a field named twice is dealt with twice", () => {
    const kv = withHash(entries);
    expect(kv.send("HEXPIRE", "h", 9, "NX", "FIELDS", 2, "a", "a")).toEqual([1, 0]);
    expect(kv.send("HEXPIRE", "h", 0, "FIELDS", 2, "a", "a")).toEqual([2, -2]);
    kv.check();
  });

  test("a time that has passed removes the field at once", () => {
    const kv = withHash(entries);
    expect(kv.send("HEXPIRE", "h", 0, "FIELDS", 2, "a", "none")).toEqual([2, -2]);
    expect(kv.send("HEXPIREAT", "h", 1, "XX", "FIELDS", 1, "b")).toEqual([0]);
    expect(kv.send("HPEXPIREAT", "h", START, "NX", "FIELDS", 2, "b", "c")).toEqual([2, 2]);
    expect(kv.send("EXISTS", "h")).toBe(0);
    expect(kv.events).toEqual(["hdel h", "hdel h", "del h"]);
    expect(kv.propagated).toEqual([
      ["HDEL", "h", "a"],
      ["MULTI"],
      ["HDEL", "h", "b"],
      ["HDEL", "h", "c"],
      ["EXEC"],
    ]);
    kv.check();
  });

  test("what changes nothing goes nowhere", () => {
    const kv = withHash(entries);
    expect(kv.send("HEXPIRE", "none", 10, "FIELDS", 2, "a", "b")).toEqual([-2, -2]);
    expect(kv.send("HEXPIRE", "h", 10, "XX", "FIELDS", 2, "a", "none")).toEqual([0, -2]);
    expect([kv.events, kv.propagated]).toEqual([[], []]);
    kv.check();
  });

  test("its propagation makes the same of a copy", () => {
    const kv = withHash(entries);
    kv.send("HEXPIRE", "h", 10, "FIELDS", 2, "a", "b");
    kv.send("HPEXPIRE", "h", 500, "LT", "FIELDS", 2, "b", "c");
    kv.send("HPERSIST", "h", "FIELDS", 1, "c");
    const copy = withHash(entries);
    for (const words of kv.propagated) copy.send(...words);
    const times = ["HPEXPIRETIME", "h", "FIELDS", 3, "a", "b", "c"];
    expect(copy.send(...times)).toEqual(kv.send(...times));
  });
});

const mandatory = "ERR Mandatory argument FIELDS is missing or not at the right position";
const mismatch = "ERR The `numfields` parameter must match the number of arguments";
const positive = "ERR Parameter `numFields` should be greater than 0";

test.each([
  { words: ["HEXPIRE", "h", "10", "FIELDS", "1"], error: "wrong number of arguments" },
  { words: ["HEXPIRE", "h", "10", "1", "a", "b"], error: mandatory },
  { words: ["HEXPIRE", "h", "10", "NX", "XX", "FIELDS", "1", "a"], error: mandatory },
  { words: ["HEXPIRE", "h", "10", "FIELDS", "0", "a"], error: positive },
  { words: ["HEXPIRE", "h", "10", "FIELDS", "x", "a"], error: positive },
  { words: ["HEXPIRE", "h", "10", "FIELDS", "-9223372036854775808", "a"], error: positive },
  { words: ["HEXPIRE", "h", "10", "FIELDS", "2", "a"], error: mismatch },
  { words: ["HEXPIRE", "h", "10", "FIELDS", "1", "a", "b"], error: mismatch },
  { words: ["HEXPIRE", "h", "10", "FIELDS", "9223372036854775807", "a"], error: mismatch },
  { words: ["HEXPIRE", "h", "10", "NX", "FIELDS", "1"], error: mismatch },
  { words: ["HEXPIRE", "h", "x", "FIELDS", "1", "a"], error: "ERR value is not an integer" },
  { words: ["HEXPIRE", "h", "-1", "FIELDS", "1", "a"], error: "invalid expire time, must be >= 0" },
  {
    words: ["HEXPIRE", "h", "9223372036854775807", "FIELDS", "1", "a"],
    error: "ERR invalid expire time in 'hexpire' command",
  },
  {
    words: ["HPEXPIREAT", "h", String(2 ** 46), "FIELDS", "1", "a"],
    error: "ERR invalid expire time in 'hpexpireat' command",
  },
  {
    words: ["HPEXPIRE", "h", String(2 ** 46 - START), "FIELDS", "1", "a"],
    error: "ERR invalid expire time in 'hpexpire' command",
  },
  { words: ["HEXPIRE", "s", "x", "FIELDS", "1", "a"], error: "WRONGTYPE" },
  { words: ["HTTL", "s", "FIELDS", "1", "a"], error: "WRONGTYPE" },
  { words: ["HTTL", "h", "FIELDS", "0", "a"], error: "ERR Number of fields must be a positive" },
  { words: ["HPERSIST", "h", "FIELDS", "2", "a"], error: mismatch },
  { words: ["HPERSIST", "h", "x", "1", "a"], error: mandatory },
])("refuses $words", ({ words, error }) => {
  const kv = withHash(512);
  kv.send("SET", "s", "text");
  expect(String(kv.send(...words))).toContain(error);
  expect(kv.send("HGETALL", "h")).toEqual(["a", "1", "b", "2", "c", "3"]);
});

test("the latest time of all is one millisecond below 2^46", () => {
  const kv = withHash(512);
  expect(kv.send("HPEXPIREAT", "h", 2 ** 46 - 1, "FIELDS", 1, "a")).toEqual([1]);
  expect(kv.send("HPEXPIRETIME", "h", "FIELDS", 1, "a")).toEqual([2 ** 46 - 1]);
  kv.check();
});

describe.each(forms)("HTTL and HPERSIST of a $form", ({ entries }) => {
  test("seconds are rounded up, of times to live and of moments", () => {
    const kv = withHash(entries);
    kv.send("HPEXPIRE", "h", 1500, "FIELDS", 1, "a");
    expect(kv.send("HTTL", "h", "FIELDS", 1, "a")).toEqual([2]);
    expect(kv.send("HPTTL", "h", "FIELDS", 1, "a")).toEqual([1500]);
    expect(kv.send("HEXPIRETIME", "h", "FIELDS", 1, "a")).toEqual([START / 1000 + 2]);
    expect(kv.send("HPEXPIRETIME", "h", "FIELDS", 1, "a")).toEqual([START + 1500]);
    expect(kv.send("HTTL", "none", "FIELDS", 2, "a", "b")).toEqual([-2, -2]);
  });

  test("HPERSIST takes it away, and says which field had one", () => {
    const kv = withHash(entries);
    expect(kv.send("HPERSIST", "h", "FIELDS", 2, "a", "none")).toEqual([-1, -2]);
    kv.send("HEXPIRE", "h", 10, "FIELDS", 1, "a");
    kv.events.length = 0;
    kv.propagated.length = 0;
    expect(kv.send("HPERSIST", "h", "FIELDS", 3, "a", "b", "none")).toEqual([1, -1, -2]);
    expect(kv.send("HPERSIST", "h", "FIELDS", 1, "a")).toEqual([-1]);
    expect(kv.send("HPERSIST", "none", "FIELDS", 1, "a")).toEqual([-2]);
    expect(kv.events).toEqual(["hpersist h"]);
    expect(kv.propagated).toEqual([["HPERSIST", "h", "FIELDS", "3", "a", "b", "none"]]);
    kv.clock.advance(20_000);
    expect(kv.send("HLEN", "h")).toBe(3);
    kv.check();
  });
});

describe.each([
  ...["HEXPIRE", "HPEXPIRE", "HEXPIREAT", "HPEXPIREAT"].map((name) => ({
    name,
    request: (time: string) => [name, "h", time, "FIELDS", "1", "a"],
  })),
  ...["EX", "PX", "EXAT", "PXAT"].flatMap((unit) => [
    {
      name: `HGETEX ${unit}`,
      request: (time: string) => ["HGETEX", "h", unit, time, "FIELDS", "1", "a"],
    },
    {
      name: `HSETEX ${unit}`,
      request: (time: string) => ["HSETEX", "h", unit, time, "FIELDS", "1", "a", "9"],
    },
  ]),
])("$name with a time at the edge of 64 bits", ({ name, request }) => {
  const invalid = `ERR invalid expire time in '${name.split(" ")[0]?.toLowerCase()}' command`;
  const noInteger = "ERR value is not an integer or out of range";
  const negative = "ERR invalid expire time, must be >= 0";
  test.each([
    ["9223372036854775806", invalid],
    ["9223372036854775807", invalid],
    // As milliseconds these come out small again in 64 bits.
    ["18446744073709552", invalid],
    ["70368744177664", invalid],
    ["9223372036854775808", noInteger],
    ["18446744073709551616", noInteger],
    ["-9223372036854775809", noInteger],
    ["-9223372036854775808", negative],
    ["-9223372036854775807", negative],
    ["-2147483649", negative],
    ["-1", negative],
    ...["1e3", "1.0", "inf", "nan", "1e400", "", " 1", "0x10", "__proto__"].map(
      (time): [string, string] => [time, noInteger],
    ),
  ])("%s", (time, error) => {
    const kv = withHash(512);
    expect(kv.send(...request(time))).toEqual(kv.error(error));
    expect(kv.send("HGETALL", "h")).toEqual(["a", "1", "b", "2", "c", "3"]);
    expect(kv.send("HTTL", "h", "FIELDS", 1, "a")).toEqual([-1]);
  });
});
