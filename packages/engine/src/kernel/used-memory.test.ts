import { harness } from "@kv/testing";
import { describe, expect, test } from "vitest";

const policies = [
  "allkeys-lru",
  "allkeys-lfu",
  "allkeys-random",
  "volatile-lru",
  "volatile-lfu",
  "volatile-random",
  "volatile-ttl",
];

describe("maxmemory", () => {
  test.each(policies)("%s keeps used memory at the limit", (policy) => {
    const kv = harness({ config: { "maxmemory-policy": policy } });
    const limit = kv.engine.memory.usedBytes + 300_000;
    kv.send("CONFIG", "SET", "maxmemory", limit);
    const refused = kv.error("OOM command not allowed when used memory > 'maxmemory'.");
    for (let i = 0; i < 3000; i++) {
      const reply = kv.send("SET", `k${i}`, "v".repeat(200), "EX", 1000 + i);
      if (reply !== "OK") expect(reply).toBe(refused);
      expect(kv.engine.memory.usedBytes).toBeLessThan(limit + 20_000);
    }
    const { evictedKeys } = kv.engine.stats;
    expect(evictedKeys).toBeGreaterThan(1000);
    expect(kv.events.filter((event) => event.startsWith("evicted ")).length).toBe(evictedKeys);
    expect(kv.propagated.filter(([command]) => command === "DEL").length).toBe(evictedKeys);
    kv.check();
  });

  test("volatile policies spare keys without an expiry, and refuse when only those are left", () => {
    const kv = harness({ config: { "maxmemory-policy": "volatile-lru" } });
    for (let i = 0; i < 100; i++) kv.send("SET", `stays${i}`, "v".repeat(100));
    for (let i = 0; i < 100; i++) kv.send("SET", `goes${i}`, "v".repeat(100), "EX", 1000);
    kv.send("CONFIG", "SET", "maxmemory", 1);
    expect(kv.send("SET", "k", "v")).toBe(
      kv.error("OOM command not allowed when used memory > 'maxmemory'."),
    );
    expect(kv.send("DBSIZE")).toBe(100);
    expect(kv.send("EXISTS", "stays7")).toBe(1);
  });

  test("what a lower limit evicts goes behind the transaction that set it, each key by itself", () => {
    const kv = harness({ config: { "maxmemory-policy": "allkeys-lru" } });
    kv.send("MSET", "a", 1, "b", 2);
    kv.send("MULTI");
    kv.send("INCR", "a");
    kv.send("CONFIG", "SET", "maxmemory", 1);
    kv.send("INCR", "a");
    kv.propagated.length = 0;
    expect(kv.send("EXEC")).toEqual([2, "OK", 3]);
    kv.clock.advance(100);
    const words = kv.propagated.map((request) => request[0]);
    expect(words).toEqual(["MULTI", "INCR", "INCR", "EXEC", "DEL", "DEL"]);
    expect(kv.engine.keyspace.keyCount).toBe(0);
  });

  test.each(["UNLINK", "DEL"])(
    "what is there for a snapshot alone costs no other key its life, nor a write its answer (%s)",
    (word) => {
      const config = { "maxmemory-policy": "allkeys-random", "rdb-key-save-delay": 1e6 };
      const kv = harness({ config: config as never });
      const uncounted = () =>
        Number(/mem_not_counted_for_evict:(\d+)\r/.exec(kv.send("INFO", "memory") as string)?.[1]);
      const fields = (i: number) => [`field:${i}`, "v".repeat(80)];
      const words = Array.from({ length: 300 }, (_, i) => fields(i)).flat();
      for (let i = 0; i < 100; i++) kv.send("HSET", `h${i}`, ...words);
      const hashBytes = kv.send("MEMORY", "USAGE", "h0") as number;
      kv.send("BGSAVE");
      kv.send("CONFIG", "SET", "maxmemory", kv.engine.memory.usedBytes);
      // Three hashes go for what is written, and are still there for the file.
      kv.send("SET", "k", "v".repeat(2.5 * hashBytes));
      expect(kv.send("GET", "none")).toBe(null);
      expect(kv.engine.stats.evictedKeys).toBe(3);
      expect(uncounted()).toBeGreaterThan(2.5 * hashBytes);

      for (let i = 0; i < 90; i++) kv.send(word, `h${i}`);
      kv.send("CONFIG", "SET", "maxmemory-policy", "noeviction");
      kv.send("FLUSHALL", word === "DEL" ? "SYNC" : "ASYNC");
      expect(kv.send("SET", "other", "v")).toBe("OK");
      kv.send("CONFIG", "SET", "rdb-key-save-delay", 0);
      kv.clock.advance(1000);
      while (kv.engine.turn());
      expect(uncounted()).toBe(0);
      expect(kv.engine.keyspace.arena.usedBytes).toBeLessThan(hashBytes);
      kv.check();
    },
  );

  test("INFO tells how long evicting has not sufficed", () => {
    const kv = harness();
    const times = () =>
      /total_eviction_exceeded_time:(\d+)\r\ncurrent_eviction_exceeded_time:(\d+)/
        .exec(kv.send("INFO", "stats") as string)
        ?.slice(1)
        .map(Number);
    kv.send("CONFIG", "SET", "maxmemory", 1);
    expect(kv.log.at(-1)).toContain("maxmemory is now 1, less than the");
    kv.send("SET", "k", "v");
    kv.host.advance(250);
    expect(times()).toEqual([250, 250]);
    kv.send("CONFIG", "SET", "maxmemory", "1gb");
    kv.host.advance(250);
    expect(times()).toEqual([250, 0]);
  });

  test("used memory comes back when the keys go", () => {
    const kv = harness();
    const before = kv.engine.keyspace.arena.usedBytes;
    for (let i = 0; i < 2000; i++) kv.send("HSET", `h${i}`, "field", "v".repeat(i % 300));
    kv.send("FLUSHALL", "SYNC");
    expect(kv.engine.keyspace.arena.usedBytes).toBe(before);
  });
});

describe("client-output-buffer-limit", () => {
  test("closes a subscriber that does not read, at the hard limit", () => {
    const kv = harness({ config: { "client-output-buffer-limit": "pubsub 10000 0 0" } as never });
    const slow = kv.client();
    slow.send("SUBSCRIBE", "news");
    slow.isStuck = true;
    for (let i = 0; i < 100 && !slow.closed; i++) kv.send("PUBLISH", "news", "m".repeat(1000));
    expect(slow.closed).toBe(true);
    expect(kv.send("PUBLISH", "news", "m")).toBe(0);
    expect(kv.log.some((line) => line.includes("overcoming of output buffer limits"))).toBe(true);
  });

  test("closes it at the soft limit only after a while", () => {
    const kv = harness({ config: { "client-output-buffer-limit": "pubsub 0 5000 3" } as never });
    const slow = kv.client();
    slow.send("SUBSCRIBE", "news");
    slow.isStuck = true;
    for (let i = 0; i < 10; i++) kv.send("PUBLISH", "news", "m".repeat(1000));
    kv.clock.advance(2000);
    expect(slow.closed).toBe(false);
    kv.clock.advance(2000);
    expect(slow.closed).toBe(true);
  });
});
