import { type Harness, harness } from "@kv/testing";
import { describe, expect, test } from "vitest";

const invalid = "ERR min or max not valid string range item";

describe.each([
  ["a listpack", 128],
  ["a table", 0],
])("ranges of %s", (_name, entries) => {
  function filled(resp: 2 | 3 = 2): Harness {
    const kv = harness({ resp, config: { "zset-max-listpack-entries": entries } });
    kv.send("ZADD", "z", 1, "a", 2, "b", 2, "c", 3, "d", "inf", "e");
    kv.send("ZADD", "lex", 0, "a", 0, "b", 0, "ba", 0, "c");
    return kv;
  }

  test("by rank, from either end", () => {
    const kv = filled();
    expect(kv.send("ZRANGE", "z", 1, 2)).toEqual(["b", "c"]);
    expect(kv.send("ZRANGE", "z", -2, -1, "WITHSCORES")).toEqual(["d", "3", "e", "inf"]);
    expect(kv.send("ZRANGE", "z", 0, 1, "REV")).toEqual(["e", "d"]);
    expect(kv.send("ZREVRANGE", "z", 0, -5)).toEqual(["e"]);
    expect(kv.send("ZRANGE", "z", 3, 1)).toEqual([]);
    expect(kv.send("ZRANGE", "none", 0, -1)).toEqual([]);
    expect(kv.send("ZRANK", "z", "d")).toBe(3);
    expect(kv.send("ZREVRANK", "z", "d")).toBe(1);
    expect(kv.send("ZRANK", "z", "d", "WITHSCORE")).toEqual([3, "3"]);
    expect(kv.send("ZREVRANK", "z", "e", "WITHSCORE")).toEqual([0, "inf"]);
    expect(kv.send("ZRANK", "z", "none", "WITHSCORE")).toBe(null);
    expect(kv.send("ZRANK", "z", "d", "SCORE")).toBe(kv.error("ERR syntax error"));
    for (const name of ["zrank", "zrevrank"])
      expect(kv.send(name, "z", "d", "WITHSCORE", "x")).toBe(
        kv.error(`ERR wrong number of arguments for '${name}' command`),
      );
  });

  test("by score, with bounds that are inside or not", () => {
    const kv = filled();
    expect(kv.send("ZRANGEBYSCORE", "z", 2, "(3")).toEqual(["b", "c"]);
    expect(kv.send("ZRANGEBYSCORE", "z", "(2", "+inf", "WITHSCORES")).toEqual([
      ...["d", "3", "e", "inf"],
    ]);
    expect(kv.send("ZREVRANGEBYSCORE", "z", 3, "-inf", "LIMIT", 1, 2)).toEqual(["c", "b"]);
    expect(kv.send("ZRANGE", "z", "(inf", "-inf", "BYSCORE", "REV", "LIMIT", 0, 2)).toEqual([
      ...["d", "c"],
    ]);
    expect(kv.send("ZRANGEBYSCORE", "z", "-inf", "inf", "LIMIT", -1, 2)).toEqual([]);
    expect(kv.send("ZRANGEBYSCORE", "z", "-inf", "inf", "LIMIT", 4, -1)).toEqual(["e"]);
    expect(kv.send("ZCOUNT", "z", 2, 3)).toBe(3);
    expect(kv.send("ZCOUNT", "z", "(2", "(3")).toBe(0);
    expect(kv.send("ZCOUNT", "z", "(", 1)).toBe(1);
    expect(kv.send("ZCOUNT", "z", "x", 1)).toEqual(kv.error("ERR min or max is not a float"));
  });

  test("by member, where all scores are the same", () => {
    const kv = filled();
    expect(kv.send("ZRANGEBYLEX", "lex", "[b", "(c")).toEqual(["b", "ba"]);
    expect(kv.send("ZREVRANGEBYLEX", "lex", "+", "(a", "LIMIT", 0, 2)).toEqual(["c", "ba"]);
    expect(kv.send("ZRANGE", "lex", "-", "(b", "BYLEX")).toEqual(["a"]);
    expect(kv.send("ZRANGE", "lex", "+", "-", "BYLEX")).toEqual([]);
    expect(kv.send("ZLEXCOUNT", "lex", "(a", "+")).toBe(3);
    expect(kv.send("ZLEXCOUNT", "lex", "a", "+")).toEqual(kv.error(invalid));
    expect(kv.send("ZREMRANGEBYLEX", "lex", "[b", "[ba")).toBe(2);
    expect(kv.send("ZRANGE", "lex", 0, -1)).toEqual(["a", "c"]);
  });

  test("can be removed, the key with the last of them", () => {
    const kv = filled();
    kv.events.length = 0;
    expect(kv.send("ZREMRANGEBYRANK", "z", 0, 0)).toBe(1);
    expect(kv.send("ZREMRANGEBYSCORE", "z", 2, 2)).toBe(2);
    expect(kv.send("ZREMRANGEBYSCORE", "z", 7, 8)).toBe(0);
    expect(kv.send("ZREMRANGEBYRANK", "z", -9, 9)).toBe(2);
    expect(kv.events).toEqual([
      ...["zremrangebyrank z", "zremrangebyscore z", "zremrangebyrank z", "del z"],
    ]);
    expect(kv.send("EXISTS", "z")).toBe(0);
    kv.check();
  });

  test("can be stored, also where they come from", () => {
    const kv = filled();
    kv.events.length = 0;
    expect(kv.send("ZRANGESTORE", "d", "z", 0, 1)).toBe(2);
    expect(kv.send("ZRANGESTORE", "z", "z", "inf", 3, "BYSCORE", "REV")).toBe(2);
    expect(kv.send("ZRANGE", "z", 0, -1, "WITHSCORES")).toEqual(["d", "3", "e", "inf"]);
    expect(kv.send("ZRANGESTORE", "d", "none", 0, 1)).toBe(0);
    expect(kv.send("ZRANGESTORE", "d", "none", 0, 1)).toBe(0);
    expect(kv.events).toEqual(["zrangestore d", "zrangestore z", "del d"]);
    kv.check();
  });

  test("have a list for each member with its score in RESP3", () => {
    const kv = filled(3);
    expect(kv.send("ZRANGE", "z", 0, 0, "WITHSCORES")).toEqual([["a", 1]]);
    expect(kv.send("ZRANGE", "z", 0, 0)).toEqual(["a"]);
    expect(kv.send("ZPOPMIN", "z")).toEqual(["a", 1]);
    expect(kv.send("ZPOPMIN", "z", 1)).toEqual([["b", 2]]);
  });

  test.each([
    [["z", 0, 1, "LIMIT", 0, 1], /LIMIT is only supported/],
    [["z", "-", "+", "BYLEX", "WITHSCORES"], /WITHSCORES not supported/],
    [["z", 0, 1, "BYSCORE", "BYLEX"], /syntax error$/],
    [["z", 0, 1, "REV", "REV"], /syntax error$/],
    [["z", "x", 1], /not an integer/],
    [["z", "x", 1, "BYSCORE"], /not a float/],
  ])("ZRANGE %j is refused", (words, text) => {
    expect(`${filled().send("ZRANGE", ...(words as string[]))}`).toMatch(text);
  });
});

test("ranges of many members, from either end and over the ends of leaves", () => {
  const kv = harness();
  const members = Array.from({ length: 500 }, (_, i) => `m${i}`);
  kv.send("ZADD", "z", ...members.flatMap((member, i) => [i, member]));
  for (let start = 0; start < 500; start += 7) {
    for (const count of [1, 2, 10, 43, 200]) {
      const stop = start + count - 1;
      expect(kv.send("ZRANGE", "z", start, stop)).toEqual(members.slice(start, stop + 1));
      expect(kv.send("ZRANGE", "z", start, stop, "REV")).toEqual(
        [...members].reverse().slice(start, stop + 1),
      );
    }
  }
});

test.each([
  { score: "1e16", told: "10000000000000000" },
  { score: "-2.70038200000000000e16", told: "-27003820000000000" },
  { score: "1234567890123456789", told: "1234567890123456768" },
  { score: "4611686018427387904", told: "4611686018427387904" },
  { score: "1e19", told: "1e+19" },
])("$score is a whole score, told with all its digits as long as it fits", ({ score, told }) => {
  const kv = harness();
  kv.send("ZADD", "z", score, "m");
  expect(kv.send("ZSCORE", "z", "m")).toBe(told);
  expect(kv.send("ZRANGE", "z", 0, -1, "WITHSCORES")).toEqual(["m", told]);
  expect(kv.send("ZSCAN", "z", 0)).toEqual(["0", ["m", told]]);
  expect(kv.send("ZADD", "z", "INCR", 0, "m")).toBe(told);
  const three = kv.client();
  three.send("HELLO", 3);
  three.takeRaw();
  three.sendBytes("ZSCORE z m\r\n");
  expect(three.takeRaw()).toBe(`,${told}\r\n`);
});

describe("ranges by member of a small sorted set whose scores differ", () => {
  test("what LIMIT passes may lie beyond the far bound", () => {
    const kv = harness();
    kv.send("ZADD", "z", 1, "b", 1, "h", 2, "c");
    expect(kv.send("ZRANGEBYLEX", "z", "[b", "(h")).toEqual(["b"]);
    expect(kv.send("ZRANGEBYLEX", "z", "[b", "(h", "LIMIT", 2, 2)).toEqual(["c"]);
    expect(kv.send("ZRANGEBYLEX", "z", "[b", "(h", "LIMIT", 1, 2)).toEqual([]);
    expect(kv.send("ZRANGEBYLEX", "z", "[b", "(h", "LIMIT", 3, 2)).toEqual([]);
    expect(kv.send("ZRANGEBYLEX", "z", "[b", "(h", "LIMIT", -1, 2)).toEqual([]);
    kv.send("ZADD", "r", 0, "a", 0, "dd", 1, "b", 1, "cc");
    expect(kv.send("ZRANGE", "r", "+", "(c", "BYLEX", "REV")).toEqual(["cc"]);
    expect(kv.send("ZRANGE", "r", "+", "(c", "BYLEX", "REV", "LIMIT", 2, 2)).toEqual(["dd"]);
    expect(kv.send("ZRANGESTORE", "to", "r", "(a", "[c", "BYLEX", "LIMIT", 2, -1)).toBe(0);
    kv.send("ZADD", "first", 0, "b", 1, "d", 2, "cc");
    expect(kv.send("ZRANGEBYLEX", "first", "[c", "(d", "LIMIT", 1, 3)).toEqual([]);
  });
});
