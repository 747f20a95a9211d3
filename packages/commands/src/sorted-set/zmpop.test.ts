import { harness } from "@kv/testing";
import { expect, test } from "vitest";

test("ZMPOP takes from the first of all its keys that has something", () => {
  const kv = harness();
  kv.send("ZADD", "z", 1, "a", 2, "b", 3, "c");
  expect(kv.send("ZMPOP", 3, "x", "y", "z", "MAX", "COUNT", 2)).toEqual([
    "z",
    [
      ["c", "3"],
      ["b", "2"],
    ],
  ]);
  expect(kv.send("ZMPOP", 2, "x", "y", "MIN")).toBe(null);
});

test.each([
  { words: [0, "z", "MIN"], error: "ERR numkeys should be greater than 0" },
  { words: [1, "z", "MIN", "COUNT", 0], error: "ERR count should be greater than 0" },
  { words: [1, "z", "MIN", "COUNT", -1], error: "ERR count should be greater than 0" },
  { words: [2, "z", "MIN"], error: "ERR syntax error" },
  { words: [1, "z", "SIDE"], error: "ERR syntax error" },
])("ZMPOP $words is refused", ({ words, error }) => {
  const kv = harness();
  kv.send("ZADD", "z", 1, "a");
  expect(kv.send("ZMPOP", ...words)).toEqual(kv.error(error));
  expect(kv.send("ZCARD", "z")).toBe(1);
});
