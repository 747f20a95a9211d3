import { harness } from "@kv/testing";
import { expect, test } from "vitest";

test("LSET sets an element that is there, from either end, and refuses the next one", () => {
  const kv = harness();
  kv.send("RPUSH", "l", "a", "b", "c");
  expect(kv.send("LSET", "l", 2, "C")).toBe("OK");
  expect(kv.send("LSET", "l", -3, "A")).toBe("OK");
  for (const index of [3, -4, 4])
    expect(kv.send("LSET", "l", index, "x")).toEqual(kv.error("ERR index out of range"));
  expect(kv.send("LSET", "none", 0, "x")).toEqual(kv.error("ERR no such key"));
  expect(kv.send("LRANGE", "l", 0, -1)).toEqual(["A", "b", "C"]);
});
