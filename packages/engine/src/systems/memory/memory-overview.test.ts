import { harness } from "@kv/testing";
import { expect, test } from "vitest";

test("what a long request leaves of the shared buffers is overhead, and no data", () => {
  const kv = harness();
  const told = (field: string) =>
    Number(new RegExp(`${field}:(\\d+)`).exec(kv.send("INFO", "memory") as string)?.[1]);
  kv.send("PING");
  const before = told("used_memory");
  kv.send("RPUSH", "list", ...Array.from({ length: 20_000 }, () => "x"));
  kv.send("DEL", "list");
  expect(told("used_memory")).toBeGreaterThan(before + 100_000);
  expect(told("used_memory_dataset")).toBe(0);
});
