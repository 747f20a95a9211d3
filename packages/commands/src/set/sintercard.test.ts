import { harness } from "@kv/testing";
import { expect, test } from "vitest";

test.each([
  { words: [1, "a", "LIMIT", -1], error: "ERR LIMIT can't be negative" },
  { words: [1, "a", "LIMIT", "x"], error: "ERR LIMIT can't be negative" },
  { words: [0, "a"], error: "ERR numkeys should be greater than 0" },
  { words: [2, "a"], error: "ERR Number of keys can't be greater than number of args" },
  { words: [1, "a", "LIMIT"], error: "ERR syntax error" },
])("SINTERCARD $words is refused", ({ words, error }) => {
  expect(harness().send("SINTERCARD", ...words)).toHaveProperty("reply", error);
});

test("SINTERCARD counts up to its limit, and all without one", () => {
  const kv = harness();
  kv.send("SADD", "a", 1, 2, 3, 4);
  kv.send("SADD", "b", 2, 3, 4, 5);
  expect(kv.send("SINTERCARD", 2, "a", "b")).toBe(3);
  expect(kv.send("SINTERCARD", 2, "a", "b", "LIMIT", 0)).toBe(3);
  expect(kv.send("SINTERCARD", 2, "a", "b", "LIMIT", 2)).toBe(2);
});
