import { harness, type TestClient } from "@kv/testing";
import { expect, test } from "vitest";
import { memoryPort } from "./memory-system.ts";

/** Makes the server hold about so many bytes for a client: the beginning of a long request. */
function fill(client: TestClient, bytes: number): void {
  client.sendBytes(`*2\r\n$4\r\nECHO\r\n$${bytes * 2}\r\n${"x".repeat(bytes)}`);
}

test("the costliest clients go until the rest costs less than the limit", () => {
  const kv = harness({ config: { "maxmemory-clients": "1mb" } });
  const clients = [kv.client(), kv.client(), kv.client()];
  for (const [index, bytes] of [100_000, 300_000, 200_000].entries())
    fill(clients[index] as TestClient, bytes);
  expect(clients.map((client) => client.closed)).toEqual([false, false, false]);
  kv.engine.config.configSet([["maxmemory-clients", "500kb"]]);
  kv.clock.advance(200);
  expect(clients.map((client) => client.closed)).toEqual([false, true, false]);
  expect(kv.engine.of(memoryPort).clientEviction.evictedCount).toBe(1);
  expect(kv.log.some((line) => line.startsWith("Evicting client: id=3 "))).toBe(true);
});

test("clients that cost too much go before any key does", () => {
  const kv = harness({ config: { "maxmemory-policy": "allkeys-random" } });
  for (let i = 0; i < 50; i++) kv.send("SET", `k${i}`, "v".repeat(10_000));
  const client = kv.client();
  fill(client, 300_000);
  kv.engine.config.configSet([
    ["maxmemory", `${kv.engine.memory.usedBytes - 100_000}`],
    ["maxmemory-clients", "200kb"],
  ]);
  expect(kv.send("GET", "k1")).toHaveLength(10_000);
  expect(client.closed).toBe(true);
  expect(kv.engine.stats.evictedKeys).toBe(0);
});

test("NO-EVICT protects", () => {
  const kv = harness({ config: { "maxmemory-clients": "200kb" } });
  const [first, second] = [kv.client(), kv.client()];
  first.send("CLIENT", "NO-EVICT", "ON");
  fill(first, 500_000);
  fill(second, 500_000);
  expect([first.closed, second.closed]).toEqual([false, true]);
});

test.each([
  ["subscriptions", (client: TestClient, name: string) => client.send("SUBSCRIBE", name)],
  ["watched keys", (client: TestClient, name: string) => client.send("WATCH", name)],
  [
    "prefixes",
    (client: TestClient, name: string) =>
      client.send("CLIENT", "TRACKING", "ON", "BCAST", "PREFIX", name),
  ],
  [
    "queued commands",
    (client: TestClient, name: string) => {
      if (client.client?.inTransaction === false) client.send("MULTI");
      client.send("ECHO", name);
    },
  ],
  ["unread replies", (client: TestClient, name: string) => client.send("ECHO", name)],
] as const)("%s count", (_what, grow) => {
  const kv = harness({ config: { "maxmemory-clients": "300kb" } });
  const client = kv.client();
  client.isStuck = true;
  for (let i = 0; i < 50 && !client.closed; i++)
    grow(client, `${i}${"x".repeat(20_000)}`.padStart(20_003, "0"));
  expect(client.closed).toBe(true);
  expect(kv.self.closed).toBe(false);
});

test("a request that costs too much is not run, though no part of it had to wait for long", () => {
  const kv = harness({ config: { "maxmemory-clients": "1mb" } });
  const client = kv.client();
  const value = "x".repeat(900_000);
  expect(client.send("SET", "k", value)).toBe("OK");
  const half = `*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1200000\r\n${"y".repeat(600_000)}`;
  client.sendBytes(half);
  expect(client.closed).toBe(false);
  client.sendBytes(`${"y".repeat(600_000)}\r\n`);
  expect(client.closed).toBe(true);
  expect(kv.send("GET", "k")).toBe(value);
  expect(kv.engine.of(memoryPort).clientEviction.evictedCount).toBe(1);
});

test("a large request may cost another client its connection, and is run", () => {
  const kv = harness({ config: { "maxmemory-clients": "1500kb" } });
  const [first, second] = [kv.client(), kv.client()];
  fill(first, 900_000);
  second.sendBytes(`*2\r\n$4\r\nECHO\r\n$800000\r\n${"x".repeat(400_000)}`);
  expect([first.closed, second.closed]).toEqual([false, false]);
  second.sendBytes(`${"x".repeat(400_000)}\r\n`);
  expect([first.closed, second.closed]).toEqual([true, false]);
  expect(second.receive()).toHaveLength(800_000);
});

test("a percentage is one of maxmemory, and none without it", () => {
  const kv = harness({ config: { "maxmemory-clients": "5%" } });
  const client = kv.client();
  fill(client, 1_000_000);
  expect(client.closed).toBe(false);
  kv.engine.config.configSet([["maxmemory", "10mb"]]);
  kv.clock.advance(200);
  expect(client.closed).toBe(true);
});

test("a limit too small to talk with is raised", () => {
  const kv = harness({ config: { "maxmemory-clients": 1 } });
  expect(kv.send("PING")).toBe("PONG");
  expect(kv.self.closed).toBe(false);
});
