import { harness } from "@kv/testing";
import { expect, test } from "vitest";

test.each([
  { start: 1, stop: 3, left: ["b", "c"] },
  { start: 0, stop: 2, left: ["a", "b", "c"] },
  { start: -2, stop: 9, left: ["b", "c"] },
  { start: -9, stop: -2, left: ["a", "b"] },
  { start: 3, stop: 3, left: [] },
  { start: 2, stop: 1, left: [] },
])("LTRIM $start $stop of three leaves $left", ({ start, stop, left }) => {
  const kv = harness();
  kv.send("RPUSH", "l", "a", "b", "c");
  expect(kv.send("LTRIM", "l", start, stop)).toBe("OK");
  expect(kv.send("LRANGE", "l", 0, -1)).toEqual(left);
  expect(kv.send("EXISTS", "l")).toBe(left.length === 0 ? 0 : 1);
  kv.check();
});
