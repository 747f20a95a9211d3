import { type Harness, harness } from "@kv/testing";
import { describe, expect, test } from "vitest";

const START = 1_700_000_000_000;
const forms = [
  { form: "listpack", entries: 512 },
  { form: "table", entries: 0 },
];

function withHash(entries = 512): Harness {
  const kv = harness({ config: { "hash-max-listpack-entries": entries } });
  kv.send("HSET", "h", "a", 1, "b", 2, "c", 3);
  kv.events.length = 0;
  kv.propagated.length = 0;
  return kv;
}

describe.each(forms)("HGETEX of a $form", ({ entries }) => {
  test("reads, and leaves the time to live alone", () => {
    const kv = withHash(entries);
    expect(kv.send("HGETEX", "h", "FIELDS", 3, "a", "none", "c")).toEqual(["1", null, "3"]);
    expect(kv.send("HGETEX", "none", "EX", 5, "FIELDS", 2, "a", "b")).toEqual([null, null]);
    expect([kv.events, kv.propagated]).toEqual([[], []]);
  });

  test.each([
    ["EX", 7],
    ["PX", 7000],
    ["EXAT", START / 1000 + 7],
    ["PXAT", START + 7000],
  ])("reads, and lets the fields live until %s %d", (unit, time) => {
    const kv = withHash(entries);
    expect(kv.send("HGETEX", "h", unit, time, "FIELDS", 2, "a", "none")).toEqual(["1", null]);
    expect(kv.send("HPTTL", "h", "FIELDS", 2, "a", "b")).toEqual([7000, -1]);
    expect(kv.events).toEqual(["hexpire h"]);
    expect(kv.propagated).toEqual([["HPEXPIREAT", "h", String(START + 7000), "FIELDS", "1", "a"]]);
    kv.check();
  });

  test("PERSIST lets them live for ever", () => {
    const kv = withHash(entries);
    expect(kv.send("HGETEX", "h", "PERSIST", "FIELDS", 1, "a")).toEqual(["1"]);
    kv.send("HEXPIRE", "h", 9, "FIELDS", 1, "a");
    kv.events.length = 0;
    kv.propagated.length = 0;
    expect(kv.send("HGETEX", "h", "persist", "FIELDS", 2, "a", "b")).toEqual(["1", "2"]);
    expect(kv.send("HTTL", "h", "FIELDS", 1, "a")).toEqual([-1]);
    expect(kv.events).toEqual(["hpersist h"]);
    expect(kv.propagated).toEqual([["HPERSIST", "h", "FIELDS", "1", "a"]]);
    kv.check();
  });

  test("a time that has passed removes what was read", () => {
    const kv = withHash(entries);
    expect(kv.send("HGETEX", "h", "PXAT", 1, "FIELDS", 3, "a", "b", "c")).toEqual(["1", "2", "3"]);
    expect(kv.send("EXISTS", "h")).toBe(0);
    expect(kv.events).toEqual(["hdel h", "del h"]);
    expect(kv.propagated).toEqual([
      ["MULTI"],
      ["HDEL", "h", "a"],
      ["HDEL", "h", "b"],
      ["HDEL", "h", "c"],
      ["EXEC"],
    ]);
    kv.check();
  });
});

describe.each(forms)("HGETDEL of a $form", ({ entries }) => {
  test("reads and removes, and the key goes with the last field", () => {
    const kv = withHash(entries);
    kv.send("HEXPIRE", "h", 9, "FIELDS", 1, "b");
    kv.events.length = 0;
    kv.propagated.length = 0;
    expect(kv.send("HGETDEL", "h", "FIELDS", 3, "a", "none", "a")).toEqual(["1", null, null]);
    expect(kv.send("HGETDEL", "h", "FIELDS", 2, "b", "c")).toEqual(["2", "3"]);
    expect(kv.send("HGETDEL", "h", "FIELDS", 1, "b")).toEqual([null]);
    expect(kv.events).toEqual(["hdel h", "hdel h", "del h"]);
    expect(kv.propagated).toEqual([
      ["HDEL", "h", "a", "none", "a"],
      ["HDEL", "h", "b", "c"],
    ]);
    expect(kv.send("INFO", "stats")).toContain("expired_subkeys:0\r\n");
    kv.check();
  });
});

describe.each(forms)("HSETEX of a $form", ({ entries }) => {
  test("sets fields that expire together", () => {
    const kv = withHash(entries);
    expect(kv.send("HSETEX", "h", "EX", 7, "FIELDS", 2, "a", "x", "new", "y")).toBe(1);
    expect(kv.send("HMGET", "h", "a", "new")).toEqual(["x", "y"]);
    expect(kv.send("HPTTL", "h", "FIELDS", 3, "a", "b", "new")).toEqual([7000, -1, 7000]);
    expect(kv.events).toEqual(["hset h", "hexpire h"]);
    expect(kv.propagated).toEqual([
      ["HSETEX", "h", "PXAT", String(START + 7000), "FIELDS", "2", "a", "x", "new", "y"],
    ]);
    kv.check();
  });

  test("makes a hash", () => {
    const kv = withHash(entries);
    expect(kv.send("HSETEX", "i", "FIELDS", 1, "a", "x")).toBe(1);
    expect(kv.send("HSETEX", "j", "PX", 50, "FIELDS", 2, "a", "x", "a", "y")).toBe(1);
    expect(kv.send("HGETALL", "j")).toEqual(["a", "y"]);
    expect(kv.send("HPTTL", "j", "FIELDS", 1, "a")).toEqual([50]);
    expect(kv.events).toEqual(["hset i", "hset j", "hexpire j"]);
    kv.check();
  });

  test("KEEPTTL keeps, nothing clears", () => {
    const kv = withHash(entries);
    kv.send("HEXPIRE", "h", 9, "FIELDS", 1, "a");
    kv.send("HSETEX", "h", "KEEPTTL", "FIELDS", 2, "a", "x".repeat(40), "b", "y");
    expect(kv.send("HPTTL", "h", "FIELDS", 2, "a", "b")).toEqual([9000, -1]);
    kv.check();
    kv.send("HSETEX", "h", "FIELDS", 2, "a", "x", "b", "y");
    expect(kv.send("HPTTL", "h", "FIELDS", 2, "a", "b")).toEqual([-1, -1]);
    kv.check();
  });

  test("FNX and FXX: none or all of them", () => {
    const kv = withHash(entries);
    expect(kv.send("HSETEX", "h", "FNX", "FIELDS", 2, "new", "x", "a", "y")).toBe(0);
    expect(kv.send("HSETEX", "h", "FXX", "FIELDS", 2, "a", "x", "new", "y")).toBe(0);
    expect(kv.send("HSETEX", "none", "FXX", "FIELDS", 1, "a", "x")).toBe(0);
    expect([kv.events, kv.propagated]).toEqual([[], []]);
    expect(kv.send("HSETEX", "h", "PX", 5, "fxx", "FIELDS", 2, "a", "x", "b", "y")).toBe(1);
    expect(kv.send("HSETEX", "h", "FNX", "FIELDS", 1, "new", "x")).toBe(1);
    expect(kv.send("HSETEX", "none", "FNX", "FIELDS", 1, "a", "x")).toBe(1);
    kv.check();
  });

  test("a time that has passed leaves nothing of what was to be set", () => {
    const kv = withHash(entries);
    expect(kv.send("HSETEX", "h", "PXAT", 1, "FIELDS", 2, "a", "x", "new", "y")).toBe(1);
    expect(kv.send("HKEYS", "h")).toEqual(["b", "c"]);
    expect(kv.send("HSETEX", "none", "EXAT", 1, "FIELDS", 1, "a", "x")).toBe(1);
    expect(kv.send("EXISTS", "none")).toBe(0);
    expect(kv.events).toEqual(["hset h", "hdel h", "hset none", "hdel none", "del none"]);
    expect(kv.propagated).toEqual([
      ["MULTI"],
      ["HDEL", "h", "a"],
      ["HDEL", "h", "new"],
      ["EXEC"],
      ["HDEL", "none", "a"],
    ]);
    kv.check();
  });
});

const arity = "ERR wrong number of arguments for 'hsetex' command";
const times = "ERR Only one of EX, PX, EXAT, PXAT or KEEPTTL arguments can be specified";
const conditions = "ERR Only one of FXX or FNX arguments can be specified";
const mandatory = "ERR Mandatory argument FIELDS is missing or not at the right position";

test.each([
  { words: "HSETEX h FIELDS 1 a", error: arity },
  { words: "HSETEX h FIELDS 2 a 1", error: arity },
  { words: "HSETEX h FIELDS 2 a 1 b", error: arity },
  { words: "HSETEX h FIELDS 1 a 1 b", error: arity },
  { words: "HSETEX h EX 5 FNX KEEPTTL", error: times },
  { words: "HSETEX h FXX EX 5 FNX 6", error: conditions },
  { words: "HSETEX h EX 5 FXX FIELDS", error: arity },
  { words: "HSETEX h EX 5 FXX PX", error: times },
  { words: "HSETEX h FXX FNX EX 1 FIELDS 1 a 1", error: conditions },
  { words: "HSETEX h FNX FNX FIELDS 1 a 1", error: conditions },
  { words: "HSETEX h EX 1 PX 1 FIELDS 1 a 1", error: times },
  { words: "HSETEX h KEEPTTL EX 1 FIELDS 1 a 1", error: times },
  { words: "HSETEX h KEEPTTL KEEPTTL FIELDS 1 a 1", error: times },
  { words: "HSETEX h NX FIELDS 1 a 1", error: "ERR unknown argument: NX" },
  { words: "HSETEX h FIELDS 0 a 1", error: "ERR invalid number of fields" },
  { words: "HSETEX h FIELDS x a 1", error: "ERR invalid number of fields" },
  { words: "HSETEX h FIELDS 2147483648 a 1", error: "ERR invalid number of fields" },
  { words: "HSETEX h EX FIELDS 1 a 1", error: "ERR value is not an integer or out of range" },
  { words: "HSETEX h EX -1 FIELDS 1 a 1", error: "ERR invalid expire time, must be >= 0" },
  {
    words: `HSETEX h PXAT ${2 ** 46} FIELDS 1 a 1`,
    error: "ERR invalid expire time in 'hsetex' command",
  },
  { words: "HSETEX s FIELDS 1 a 1", error: "WRONGTYPE" },
  { words: "HGETEX h EX 5 FIELDS", error: "ERR Number of fields must be a positive integer" },
  { words: "HGETEX h FIELD 1 a", error: mandatory },
  { words: "HGETEX h KEEPTTL FIELDS 1 a", error: mandatory },
  { words: "HGETEX h EX 5 PERSIST FIELDS 1 a", error: mandatory },
  { words: "HGETEX h EX x FIELDS 1 a", error: "ERR value is not an integer or out of range" },
  { words: "HGETEX s EX x FIELDS 1 a", error: "WRONGTYPE" },
  { words: "HGETDEL h FIELDS 2 a", error: "ERR The `numfields` parameter must match" },
  { words: "HGETDEL h FIELDS 0 a", error: "ERR Number of fields must be a positive integer" },
  { words: "HGETDEL h a 1 b", error: mandatory },
])("refuses $words", ({ words, error }) => {
  const kv = withHash();
  kv.send("SET", "s", "text");
  kv.events.length = 0;
  expect(String(kv.send(...words.split(" ")))).toContain(error);
  expect(kv.send("HGETALL", "h")).toEqual(["a", "1", "b", "2", "c", "3"]);
  expect(kv.events).toEqual([]);
});
