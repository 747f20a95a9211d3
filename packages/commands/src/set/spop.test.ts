import { harness } from "@kv/testing";
import { expect, test } from "vitest";

test("SPOP counts each member as a change, and tells those who follow which went", () => {
  const kv = harness();
  const changes = () =>
    Number(/changes_since_last_save:(\d+)/.exec(kv.send("INFO", "persistence") as string)?.[1]);
  kv.send("SADD", "s", "a", "b", "c", "d", "e", "f");
  const before = changes();
  kv.propagated.length = 0;
  const popped = kv.send("SPOP", "s", 2) as string[];
  expect(changes() - before).toBe(2);
  expect(kv.propagated).toEqual([["SREM", "s", ...popped]]);
  kv.send("SPOP", "s");
  expect(changes() - before).toBe(3);
  kv.send("SPOP", "s", 9);
  expect(changes() - before).toBe(6);
  expect(kv.propagated.at(-1)).toEqual(["DEL", "s"]);
});
