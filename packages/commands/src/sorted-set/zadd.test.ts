import { type Harness, harness } from "@kv/testing";
import { describe, expect, test } from "vitest";
import { errors } from "../call/errors.ts";

const scored = (kv: Harness, key = "z") => kv.send("ZRANGE", key, 0, -1, "WITHSCORES");

describe.each([
  ["a listpack", 128],
  ["a table", 0],
])("ZADD and ZINCRBY, of %s", (_name, entries) => {
  const start = () => harness({ config: { "zset-max-listpack-entries": entries } });

  test("ZADD tells how many members are new, with CH how many changed", () => {
    const kv = start();
    expect(kv.send("ZADD", "z", 1, "a", "2.5", "b")).toBe(2);
    expect(kv.send("ZADD", "z", 1, "a", 3, "b", 4, "c")).toBe(1);
    expect(kv.send("ZADD", "z", "CH", 1, "a", 4, "b", 5, "d")).toBe(2);
    expect(scored(kv)).toEqual(["a", "1", "b", "4", "c", "4", "d", "5"]);
    expect(kv.events).toEqual(["zadd z", "zadd z", "zadd z"]);
    expect(kv.send("ZADD", "z", 1, "a")).toBe(0);
    expect(kv.events).toHaveLength(3);
    expect(kv.propagated).toHaveLength(3);
  });

  test("members of one score are in the order of their bytes", () => {
    const kv = start();
    kv.send("ZADD", "z", 0, "b", 0, "", 0, "\xff", 0, "ab", 0, "a", "-0", "a\0");
    expect(kv.send("ZRANGE", "z", 0, -1)).toEqual(["", "a", "a\0", "ab", "b", "\xff"]);
  });

  test("NX, XX, GT and LT choose", () => {
    const kv = start();
    kv.send("ZADD", "z", 5, "a");
    expect(kv.send("ZADD", "z", "NX", 6, "a", 1, "b")).toBe(1);
    expect(kv.send("ZADD", "z", "XX", "CH", 6, "a", 1, "none")).toBe(1);
    expect(kv.send("ZADD", "z", "GT", "CH", 5, "a", 9, "b", 2, "c")).toBe(2);
    expect(kv.send("ZADD", "z", "LT", "CH", 5, "a", 10, "b")).toBe(1);
    expect(scored(kv)).toEqual(["c", "2", "a", "5", "b", "9"]);
    expect(kv.send("ZADD", "none", "XX", 1, "a")).toBe(0);
    expect(kv.send("EXISTS", "none")).toBe(0);
  });

  test("INCR answers the new score, or nothing", () => {
    const kv = start();
    expect(kv.send("ZADD", "z", "INCR", "1.5", "a")).toBe("1.5");
    expect(kv.send("ZADD", "z", "INCR", 2, "a")).toBe("3.5");
    expect(kv.send("ZADD", "z", "NX", "INCR", 2, "a")).toBe(null);
    expect(kv.send("ZADD", "z", "XX", "INCR", 2, "none")).toBe(null);
    expect(kv.send("ZADD", "z", "GT", "INCR", -1, "a")).toBe(null);
    expect(kv.send("ZINCRBY", "z", "-inf", "a")).toBe("-inf");
    expect(kv.events).toEqual(["zincr z", "zincr z", "zincr z"]);
    const notANumber = kv.error("ERR resulting score is not a number (NaN)");
    expect(kv.send("ZINCRBY", "z", "inf", "a")).toEqual(notANumber);
    expect(kv.send("ZSCORE", "z", "a")).toBe("-inf");
  });

  test("a wrong score anywhere changes nothing", () => {
    const kv = start();
    kv.send("ZADD", "z", 1, "a");
    expect(kv.send("ZADD", "z", 2, "a", "x", "b")).toBe(errors.notAFloat);
    expect(kv.send("ZADD", "z", 2, "a", "nan", "b")).toBe(errors.notAFloat);
    expect(kv.send("ZADD", "z", 2, "a", 3)).toBe(errors.syntax);
    expect(kv.send("ZADD", "z", "NX", 2)).toBe(errors.syntax);
    expect(scored(kv)).toEqual(["a", "1"]);
    kv.send("SET", "s", "x");
    expect(kv.send("ZADD", "s", 1, "a")).toBe(errors.wrongType);
    expect(kv.send("ZADD", "s", "x", "a")).toBe(errors.notAFloat);
  });

  test.each([
    [["NX", "XX"], "ERR XX and NX options at the same time are not compatible"],
    [["NX", "GT"], "ERR GT, LT, and/or NX options at the same time are not compatible"],
    [["GT", "LT"], "ERR GT, LT, and/or NX options at the same time are not compatible"],
  ])("%j do not go together", (options, text) => {
    const kv = start();
    expect(kv.send("ZADD", "z", ...options, 1, "a")).toEqual(kv.error(text));
  });

  test("every pair counts as a change, and every member removed", () => {
    const kv = start();
    kv.send("ZADD", "z", 1, "a", 2, "b", 3, "c");
    expect(kv.engine.situation.dirty).toBe(3);
    expect(kv.send("ZREM", "z", "a", "b", "none")).toBe(2);
    expect(kv.engine.situation.dirty).toBe(5);
    expect(kv.send("ZREM", "z", "c", "c")).toBe(1);
    expect(kv.events.slice(-3)).toEqual(["zrem z", "zrem z", "del z"]);
    expect(kv.send("EXISTS", "z")).toBe(0);
    kv.check();
  });
});

test("a sorted set becomes a table by its members' number or length", () => {
  const kv = harness({
    config: { "zset-max-listpack-entries": 3, "zset-max-listpack-value": 5 },
  });
  kv.send("ZADD", "many", 1, "a", 2, "b", 3, "c");
  expect(kv.send("OBJECT", "ENCODING", "many")).toBe("listpack");
  kv.send("ZADD", "many", 9, "a");
  expect(kv.send("OBJECT", "ENCODING", "many")).toBe("listpack");
  kv.send("ZADD", "many", 4, "d");
  expect(kv.send("OBJECT", "ENCODING", "many")).toBe("skiplist");
  kv.send("ZADD", "long", 1, "12345");
  expect(kv.send("OBJECT", "ENCODING", "long")).toBe("listpack");
  kv.send("ZADD", "long", 1, "123456");
  expect(kv.send("OBJECT", "ENCODING", "long")).toBe("skiplist");
  kv.check();
});

describe("scores", () => {
  test.each([
    ["1e3", "1000"],
    ["0x10", "16"],
    ["+inf", "inf"],
    ["-infinity", "-inf"],
    ["0.1", "0.1"],
    ["3.140", "3.14"],
    ["1e-7", "1e-7"],
    ["5e-324", "5e-324"],
    ["1e300", "1e+300"],
    ["9007199254740993", "9007199254740992"],
  ])("%s is %s, in RESP2 and RESP3", (given, shown) => {
    for (const resp of [2, 3] as const) {
      const kv = harness({ resp });
      kv.send("ZADD", "z", given, "m");
      const score = kv.send("ZSCORE", "z", "m");
      if (resp === 2) expect(score).toBe(shown);
      else expect(score).toBe(Number(shown.replace("inf", "Infinity")));
    }
  });
});

test("so many pairs that a listpack could not hold them make a table, new or not", () => {
  const kv = harness({ config: { "zset-max-listpack-entries": 2 } });
  const encoding = (key: string) => kv.send("OBJECT", "ENCODING", key);
  kv.send("ZADD", "z", 1, "a", 2, "a");
  expect(encoding("z")).toBe("listpack");
  kv.send("ZADD", "z", "NX", 1, "a", 2, "a", 3, "a");
  expect(encoding("z")).toBe("skiplist");
  expect(scored(kv)).toEqual(["a", "2"]);
  kv.send("ZADD", "new", 1, "a", 2, "a", 3, "a");
  expect(encoding("new")).toBe("skiplist");
  kv.check();
});
