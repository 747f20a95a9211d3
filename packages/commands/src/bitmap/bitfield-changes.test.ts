import { harness } from "@kv/testing";
import { expect, test } from "vitest";

test("BITFIELD counts each field that it sets as a change", () => {
  const kv = harness();
  const changes = () =>
    Number(/changes_since_last_save:(\d+)/.exec(kv.send("INFO", "persistence") as string)?.[1]);
  kv.send("BITFIELD", "b", "SET", "u8", 0, 1, "INCRBY", "u8", 8, 2, "GET", "u8", 0);
  expect(changes()).toBe(2);
  kv.send("BITFIELD", "b", "GET", "u8", 0);
  expect(changes()).toBe(2);
});
