import { harness } from "@kv/testing";
import { describe, expect, test } from "vitest";
import { savingPort } from "../systems/saving/saving.ts";

describe("the cron", () => {
  test("removes expired keys that nobody asks for", () => {
    const kv = harness();
    for (let i = 0; i < 2000; i++) kv.send("SET", `k${i}`, "v", "PX", 50);
    kv.send("SET", "stays", "v", "PX", 1e9);
    kv.events.length = 0;
    kv.clock.advance(60_000);
    expect(kv.send("DBSIZE")).toBe(1);
    expect(kv.events.length).toBe(2000);
    expect(kv.propagated.filter(([command]) => command === "DEL").length).toBe(2000);
    expect(kv.send("INFO", "stats")).toMatch(/expired_keys:2000\r\n/);
    kv.check();
  });

  test("leaves expired keys alone while clients are paused", () => {
    const kv = harness();
    kv.send("SET", "k", "v", "PX", 50);
    kv.send("CLIENT", "PAUSE", 1000, "WRITE");
    kv.clock.advance(500);
    expect(kv.send("DBSIZE")).toBe(1);
    expect(kv.send("GET", "k")).toBe(null);
    kv.clock.advance(2000);
    expect(kv.send("DBSIZE")).toBe(0);
  });

  test("closes idle clients after `timeout`, not those who listen", () => {
    const kv = harness({ config: { timeout: 10 } });
    const idle = kv.client();
    const listening = kv.client();
    const monitoring = kv.client();
    listening.send("SUBSCRIBE", "news");
    monitoring.send("MONITOR");
    kv.clock.advance(9000);
    expect(idle.closed).toBe(false);
    kv.clock.advance(3000);
    expect(idle.closed).toBe(true);
    expect(listening.closed).toBe(false);
    expect(monitoring.closed).toBe(false);
  });

  test("saves in the background when a save point is reached", async () => {
    const kv = harness({ config: { save: "60 2" } });
    kv.send("SET", "a", "1");
    kv.clock.advance(61_000);
    expect(kv.engine.of(savingPort).isRunning).toBe(false);
    kv.send("SET", "b", "2");
    kv.clock.advance(200);
    for (let turn = 0; turn < 200; turn++) {
      kv.engine.turn();
      await Promise.resolve();
    }
    expect(kv.log).toContain("2 changes in 60 seconds. Saving...");
    expect(kv.host.disk.contents("dump.rdb")).toBeDefined();
    expect(kv.send("INFO", "persistence")).toMatch(/rdb_changes_since_last_save:0\r\n/);
  });

  test("runs more often with many clients, when it may", () => {
    const kv = harness();
    for (let i = 0; i < 2500; i++) kv.client();
    kv.clock.advance(200);
    expect(kv.engine.hz).toBeGreaterThan(10);
    kv.send("CONFIG", "SET", "dynamic-hz", "no");
    kv.clock.advance(200);
    expect(kv.engine.hz).toBe(10);
  });

  test("frees lazily what was unlinked, a slice at a time", () => {
    const kv = harness();
    for (let i = 0; i < 5000; i++) kv.send("HSET", "big", `f${i}`, "v".repeat(100));
    const { lazyFree, arena } = kv.engine.keyspace;
    const before = arena.usedBytes;
    kv.engine.cronJobs.isPaused = true;
    expect(kv.send("UNLINK", "big")).toBe(1);
    expect(kv.send("EXISTS", "big")).toBe(0);
    kv.engine.cronJobs.isPaused = false;
    kv.clock.advance(5000);
    expect(lazyFree.pendingCount).toBe(0);
    expect(arena.usedBytes).toBeLessThan(before / 4);
    kv.check();
  });

  test("counts a large value as one object, and each key of a flushed database", () => {
    const kv = harness();
    const fields = Array.from({ length: 400 }, (_, i) => `f${i}`);
    const told = (field: string) =>
      Number(new RegExp(`${field}:(\\d+)`).exec(kv.send("INFO", "memory") as string)?.[1]);
    for (const key of ["a", "b", "c"]) kv.send("HSET", key, ...fields, "big", "v".repeat(100));
    kv.send("HSET", "small", "f", "v");
    kv.send("UNLINK", "a", "small");
    kv.clock.advance(1000);
    expect(told("lazyfreed_objects")).toBe(1);
    for (let i = 0; i < 100; i++) kv.send("SET", `k${i}`, "v");
    kv.send("FLUSHDB", "ASYNC");
    kv.clock.advance(1000);
    expect(told("lazyfree_pending_objects")).toBe(0);
    expect(told("lazyfreed_objects")).toBe(103);
    // What is freed at once, because there is so little of it, counts as well.
    kv.send("SET", "k", "v");
    kv.send("FLUSHALL", "ASYNC");
    expect(told("lazyfreed_objects")).toBe(104);
  });
});

test.each([["SUBSCRIBE"], ["PSUBSCRIBE"], ["SSUBSCRIBE"]])(
  "who only listens is not idle: %s",
  (command) => {
    const kv = harness({ config: { timeout: 2 } });
    const [listener, idler] = [kv.client(), kv.client()];
    listener.send(command, "a");
    idler.send("PING");
    kv.clock.advance(4000);
    expect([listener.closed, idler.closed]).toEqual([false, true]);
  },
);
