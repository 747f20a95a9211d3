import { type Harness, harness } from "@kv/testing";
import { describe, expect, test } from "vitest";
import { errors } from "../call/errors.ts";

describe.each([
  ["listpacks", 128],
  ["tables", 0],
])("set algebra of %s", (_name, entries) => {
  function filled(resp: 2 | 3 = 2): Harness {
    const kv = harness({ resp, config: { "zset-max-listpack-entries": entries } });
    kv.send("ZADD", "a", 1, "x", 2, "y", 3, "z");
    kv.send("ZADD", "b", 10, "y", 20, "z", "inf", "w");
    kv.send("ZADD", "c", "-inf", "w");
    kv.send("SADD", "s", "y", "q");
    kv.events.length = 0;
    return kv;
  }

  test("ZUNION adds scores up, or takes the least or the most", () => {
    const kv = filled();
    expect(kv.send("ZUNION", 2, "a", "b", "WITHSCORES")).toEqual([
      ...["x", "1", "y", "12", "z", "23", "w", "inf"],
    ]);
    expect(kv.send("ZUNION", 2, "a", "b", "AGGREGATE", "MIN", "WITHSCORES")).toEqual([
      ...["x", "1", "y", "2", "z", "3", "w", "inf"],
    ]);
    expect(kv.send("ZUNION", 2, "a", "s", "WEIGHTS", 2, 100)).toEqual(["x", "z", "q", "y"]);
    expect(kv.send("ZUNION", 2, "b", "c", "WEIGHTS", 1, 1, "WITHSCORES")).toEqual([
      ...["w", "0", "y", "10", "z", "20"],
    ]);
    expect(filled(3).send("ZUNION", 1, "c", "WITHSCORES")).toEqual([["w", -Infinity]]);
  });

  test("ZINTER, ZINTERCARD and ZDIFF", () => {
    const kv = filled();
    expect(kv.send("ZINTER", 2, "a", "b", "WITHSCORES")).toEqual(["y", "12", "z", "23"]);
    expect(kv.send("ZINTER", 3, "a", "b", "s", "WITHSCORES")).toEqual(["y", "13"]);
    expect(kv.send("ZINTER", 2, "a", "none")).toEqual([]);
    expect(kv.send("ZINTERCARD", 2, "a", "b")).toBe(2);
    expect(kv.send("ZINTERCARD", 2, "a", "b", "LIMIT", 1)).toBe(1);
    expect(kv.send("ZDIFF", 2, "a", "s", "WITHSCORES")).toEqual(["x", "1", "z", "3"]);
    expect(kv.send("ZDIFF", 2, "s", "a", "WITHSCORES")).toEqual(["q", "1"]);
    expect(kv.send("ZDIFF", 2, "a", "a")).toEqual([]);
  });

  test("results are stored in place of anything, even of an input", () => {
    const kv = filled();
    kv.send("SET", "d", "x", "PX", 100_000);
    expect(kv.send("ZUNIONSTORE", "d", 2, "a", "b")).toBe(4);
    expect(kv.send("PTTL", "d")).toBe(-1);
    expect(kv.send("ZINTERSTORE", "a", 2, "a", "b")).toBe(2);
    expect(kv.send("ZRANGE", "a", 0, -1, "WITHSCORES")).toEqual(["y", "12", "z", "23"]);
    expect(kv.send("ZDIFFSTORE", "a", 2, "a", "a")).toBe(0);
    expect(kv.send("EXISTS", "a")).toBe(0);
    expect(kv.events.slice(-3)).toEqual(["zunionstore d", "zinterstore a", "del a"]);
    kv.check();
  });

  test("what is no key, number or option is refused", () => {
    const kv = filled();
    const noKeys = kv.error("ERR at least 1 input key is needed for 'zunion' command");
    expect(kv.send("ZUNION", 0, "a")).toEqual(noKeys);
    expect(kv.send("ZUNION", "x", "a")).toBe(errors.notAnInteger);
    expect(kv.send("ZUNION", 3, "a", "b")).toBe(errors.syntax);
    expect(kv.send("ZDIFF", 1, "a", "WEIGHTS", 1)).toBe(errors.syntax);
    expect(kv.send("ZUNIONSTORE", "d", 1, "a", "WITHSCORES")).toBe(errors.syntax);
    const notAWeight = kv.error("ERR weight value is not a float");
    expect(kv.send("ZUNION", 1, "a", "WEIGHTS", "x")).toEqual(notAWeight);
    kv.send("HSET", "h", "f", "v");
    expect(kv.send("ZUNION", 2, "a", "h", "FOO")).toBe(errors.wrongType);
  });

  test.each([1, 7, 8, 57, 113, 500])("a result of %i members goes on growing", (count) => {
    const kv = harness({ config: { "zset-max-listpack-entries": 0 } });
    const members = Array.from({ length: count + 900 }, (_, i) => `${i}`);
    const first = members.slice(0, count);
    kv.send("ZADD", "a", ...first.flatMap((member) => [member, member]));
    expect(kv.send("ZUNIONSTORE", "d", 1, "a")).toBe(count);
    for (let i = count; i < members.length; i++) {
      kv.send("ZADD", "d", i, i);
      if (i % 100 === 0) kv.check();
    }
    expect(kv.send("ZRANGE", "d", 0, -1)).toEqual(members);
    kv.check();
  });

  test("many inputs, and many members, give what adding them one by one gives", () => {
    const kv = filled();
    const keys = Array.from({ length: 30 }, (_, i) => `in${i}`);
    const sums = new Map<string, number>();
    keys.forEach((key, i) => {
      for (let j = 0; j < 80; j++) {
        const member = `m${(i * 37 + j * 11) % 1700}`;
        kv.send("ZADD", key, j, member);
      }
      const pairs = kv.send("ZRANGE", key, 0, -1, "WITHSCORES") as string[];
      for (let at = 0; at < pairs.length; at += 2) {
        const member = pairs[at] as string;
        sums.set(member, (sums.get(member) ?? 0) + Number(pairs[at + 1]));
      }
    });
    expect(kv.send("ZUNIONSTORE", "d", 30, ...keys)).toBe(sums.size);
    const sorted = [...sums].sort(([a, x], [b, y]) => x - y || (a < b ? -1 : 1));
    expect(kv.send("ZRANGE", "d", 0, -1, "WITHSCORES")).toEqual(
      sorted.flatMap(([member, score]) => [member, `${score}`]),
    );
    expect(kv.send("ZADD", "d", 1, "another")).toBe(1);
    kv.check();
  });
});
