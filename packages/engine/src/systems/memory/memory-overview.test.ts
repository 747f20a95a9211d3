import { type Harness, harness } from "@kv/testing";
import { expect, test } from "vitest";

function told(kv: Harness, field: string): number {
  return Number(new RegExp(`${field}:(\\d+)`).exec(kv.send("INFO", "memory") as string)?.[1]);
}

test("what a long request leaves of the shared buffers is overhead, and no data", () => {
  const kv = harness();
  kv.send("PING");
  const before = told(kv, "used_memory");
  kv.send("RPUSH", "list", ...Array.from({ length: 20_000 }, () => "x"));
  kv.send("DEL", "list");
  expect(told(kv, "used_memory")).toBeGreaterThan(before + 100_000);
  expect(told(kv, "used_memory_dataset")).toBe(0);
});

test("what clients have queued, and what they wait for, is theirs, and no data", () => {
  const kv = harness();
  const before = told(kv, "mem_clients_normal");
  const [queuing, waiting] = [kv.client(), kv.client()];
  const idle = told(kv, "mem_clients_normal");
  expect(idle).toBeGreaterThan(before);
  queuing.send("MULTI");
  for (let i = 0; i < 10; i++) queuing.send("SET", "k", "x".repeat(100_000));
  waiting.send("BLPOP", ...Array.from({ length: 5000 }, (_, i) => `list ${i}`), 0);
  expect(told(kv, "mem_clients_normal")).toBeGreaterThan(idle + 1_000_000 + 5000 * "list".length);
  expect(told(kv, "used_memory_dataset")).toBe(0);
});
