import { type Database, NONE, type Ref } from "@kv/core";
import { describe, expect, test } from "vitest";
import { runEvictionBenchmark } from "./evict.bench.ts";
import { type EvictionResult, Evictor, evictionTimeLimitUs } from "./evict.ts";
import { lruBits } from "./idle-clock.ts";
import type { Score } from "./policies.ts";
import { defaultEvictionSettings, type EvictionSettings } from "./settings.ts";
import { KeyFixture } from "./testing/key-fixture.ts";

const NOW_MS = 1_700_000_000_000;

/** A keyspace under pressure. `evict(n)` asks for room until n keys have gone. */
function stage(settings: Partial<EvictionSettings>, seed = 1) {
  const fixture = new KeyFixture(seed);
  const evictor = new Evictor({
    keyspace: fixture.keyspace,
    random32: fixture.random32,
    settings: { ...defaultEvictionSettings(), ...settings },
  });
  evictor.clock.advance(NOW_MS);
  const evicted: string[] = [];
  const remove = (database: Database, entry: Ref) => {
    evicted.push(`${database.index}:${fixture.keyOf(entry)}`);
    database.remove(entry, true);
  };
  return {
    fixture,
    evictor,
    evicted,
    remove,
    setIdle(index: number, key: string, idleSeconds: number, expiryMs?: number) {
      const bits = lruBits(idleSeconds, evictor.clock.lruClock);
      return fixture.set(index, key, "v", bits, expiryMs);
    },
    evict(count: number, deadline = () => false): EvictionResult {
      const goal = evicted.length + count;
      return evictor.performEvictions(NOW_MS, () => goal - evicted.length, deadline, remove);
    },
  };
}

describe("noeviction", () => {
  test("is ok within the limit and fails at once beyond it", () => {
    const s = stage({ policy: "noeviction" });
    s.setIdle(0, "k", 1);
    expect(s.evict(0)).toBe("ok");
    expect(s.evict(1)).toBe("fail");
    expect(s.evicted).toEqual([]);
  });
});

describe("the limit", () => {
  test("0 is none", () => {
    expect(stage({ maxmemoryBytes: 0 }).evictor.overBytes(10 ** 12, 0)).toBe(0);
  });

  test("buffers do not count", () => {
    expect(stage({ maxmemoryBytes: 1000 }).evictor.overBytes(1500, 300)).toBe(200);
  });

  test("is kept in bytes, and what was freed is counted", () => {
    const s = stage({ policy: "allkeys-random", maxmemoryBytes: 1 });
    for (let i = 0; i < 500; i++) s.fixture.set(i % 16, `key:${i}`, "x".repeat(200), 0);
    const { arena } = s.fixture.keyspace;
    const before = arena.usedBytes;
    s.evictor.settings.maxmemoryBytes = before - 30_000;
    const over = () => s.evictor.overBytes(arena.usedBytes, 0);
    expect(s.evictor.performEvictions(NOW_MS, over, () => false, s.remove)).toBe("ok");
    expect(arena.usedBytes).toBeLessThanOrEqual(before - 30_000);
    expect(arena.usedBytes).toBeGreaterThan(before - 35_000);
    expect(s.evictor.freedBytes).toBe(before - arena.usedBytes);
    expect(s.evictor.evictedCount).toBe(s.evicted.length);
  });
});

describe("volatile policies", () => {
  test.each(["volatile-lru", "volatile-lfu", "volatile-ttl", "volatile-random"])(
    "%s never touches a key without expiry",
    (policy) => {
      const s = stage({ policy });
      for (let i = 0; i < 300; i++) s.setIdle(i % 16, `stays:${i}`, 1000 + i);
      for (let i = 0; i < 50; i++) s.setIdle(i % 16, `goes:${i}`, 0, NOW_MS + i * 1000);
      expect(s.evict(1000)).toBe("fail");
      expect(s.evicted.length).toBe(50);
      expect(s.evicted.filter((key) => key.includes("stays"))).toEqual([]);
      expect(s.fixture.keyspace.keyCount).toBe(300);
    },
  );

  test("a candidate that lost its expiry between two calls stays", () => {
    const s = stage({ policy: "volatile-ttl", samples: 64 });
    for (let i = 0; i < 10; i++) s.setIdle(0, `k${i}`, 0, NOW_MS + i * 1000);
    s.evict(1);
    for (let i = 1; i < 10; i++) s.fixture.database(0).clearExpiry(s.fixture.find(0, `k${i}`));
    expect(s.evict(1)).toBe("fail");
    expect(s.fixture.keyspace.keyCount).toBe(9);
  });

  test("volatile-ttl takes keys near the soonest", () => {
    const s = stage({ policy: "volatile-ttl", samples: 10 });
    const count = 2_000;
    for (let i = 0; i < count; i++) s.setIdle(0, `${i}`, 0, NOW_MS + i * 1000);
    s.evict(200);
    const ranks = s.evicted.map((key) => Number(key.split(":")[1]));
    const mean = ranks.reduce((sum, rank) => sum + rank, 0) / ranks.length;
    // The 200 soonest have a mean of 100; at random it would be 1000.
    expect(mean).toBeLessThan(160);
    expect(Math.max(...ranks)).toBeLessThan(count / 4);
  });
});

describe("the pool between two calls", () => {
  test("a deleted candidate is passed over, even when its block holds another key", () => {
    const s = stage({ policy: "allkeys-lru" });
    for (let i = 0; i < 8; i++) s.setIdle(3, `old:${i}`, 100 - i);
    s.evict(1);
    for (const key of s.fixture.keys(3)) s.fixture.remove(3, key);
    for (let i = 0; i < 7; i++) s.setIdle(3, `new:${i}`, 7 - i);
    expect(s.evict(7)).toBe("ok");
    expect(s.evicted[0]).toMatch(/^3:old/);
    expect(s.evicted.slice(1)).toEqual([0, 1, 2, 3, 4, 5, 6].map((i) => `3:new:${i}`));
  });

  test("a candidate used since then is passed over", () => {
    for (let seed = 1; seed <= 20; seed++) {
      const s = stage({ policy: "allkeys-lru", samples: 64 }, seed);
      for (let i = 0; i < 8; i++) s.setIdle(0, `k${i}`, 100 - i);
      s.evict(1);
      s.evictor.clock.touch(s.fixture.keyspace.arena, s.fixture.find(0, "k1"));
      s.evictor.settings.samples = 1; // It is rarely sampled anew: the pool has to notice.
      s.evict(1);
      expect(s.evicted).toEqual(["0:k0", "0:k2"]);
    }
  });

  test("is emptied when the policy changes: scores of two policies do not compare", () => {
    const fixture = new KeyFixture(1, 1);
    const scored: string[] = [];
    const letter: Score = (_, entry) => fixture.keyOf(entry).charCodeAt(0);
    const noted: Score = (arena, entry, time) => {
      scored.push(fixture.keyOf(entry));
      return 200 - letter(arena, entry, time);
    };
    const policies = {
      forth: { keys: "all", usage: "lru", judgesUse: false, score: letter },
      back: { keys: "all", usage: "lru", judgesUse: false, score: noted },
    } as const;
    const settings = { ...defaultEvictionSettings(), policy: "forth", samples: 64 };
    const { keyspace, random32 } = fixture;
    const evictor = new Evictor({ keyspace, random32, settings, policies });
    for (const key of "abcdefgh") fixture.set(0, key, "v", 0);
    const evictTo = (count: number) => {
      const over = () => keyspace.keyCount - count;
      evictor.performEvictions(
        NOW_MS,
        over,
        () => false,
        (from, entry) => from.remove(entry, false),
      );
    };
    evictTo(7);
    expect(fixture.keys(0).join("")).toBe("abcdefg");
    settings.policy = "back";
    settings.samples = 1;
    evictTo(6);
    expect(new Set(scored).size).toBe(1); // Nothing but the key sampled now.
    expect(fixture.has(0, scored[0] as string)).toBe(false);
  });

  test("flushed and swapped databases do no harm", () => {
    const s = stage({ policy: "allkeys-lru" });
    for (let i = 0; i < 40; i++) s.setIdle(i % 2, `k${i}`, i);
    s.evict(1);
    s.fixture.keyspace.swap(0, 1);
    s.evict(1);
    s.fixture.database(0).flush(false);
    expect(s.evict(100)).toBe("fail");
    expect(s.fixture.keyspace.keyCount).toBe(0);
    s.fixture.keyspace.check();
  });
});

describe("databases", () => {
  test("the longest idle key goes, wherever it is", () => {
    const s = stage({ policy: "allkeys-lru", samples: 64 });
    for (const [index, idle] of [
      [0, 5],
      [9, 50],
      [15, 20],
    ] as const)
      s.setIdle(index, "k", idle);
    s.evict(3);
    expect(s.evicted).toEqual(["9:k", "15:k", "0:k"]);
  });

  test("random policies take them in turn", () => {
    const s = stage({ policy: "allkeys-random" });
    for (let i = 0; i < 9; i++) s.setIdle([2, 7, 11][i % 3] as number, `k${i}`, 0);
    s.evict(9);
    const order = s.evicted.map((key) => Number(key.split(":")[0]));
    expect(order).toEqual([2, 7, 11, 2, 7, 11, 2, 7, 11]);
  });

  test("the clock's wrap does not make old keys new", () => {
    const s = stage({ policy: "allkeys-lru", samples: 64 });
    const wrapMs = 2 ** 24 * 1000;
    s.evictor.clock.advance(wrapMs - 100_000);
    s.fixture.set(0, "before", "v", s.evictor.clock.newKeyBits);
    s.evictor.clock.advance(wrapMs + 50_000);
    s.fixture.set(0, "after", "v", s.evictor.clock.newKeyBits);
    const goal = () => s.fixture.keyspace.keyCount - 1;
    s.evictor.performEvictions(wrapMs + 60_000, goal, () => false, s.remove);
    expect(s.evicted).toEqual(["0:before"]);
  });
});

describe("time", () => {
  test("is what the call says, not what the last use left", () => {
    const s = stage({ policy: "allkeys-lru", samples: 64 });
    s.evictor.clock.advance(50_000); // At second 50, a use at second 90 is one from before the wrap.
    s.fixture.set(0, "older", "v", 10);
    s.fixture.set(0, "newer", "v", 90);
    const over = () => s.fixture.keyspace.keyCount - 1;
    s.evictor.performEvictions(100_000, over, () => false, s.remove);
    expect(s.evicted).toEqual(["0:older"]);
  });

  test("is asked for after every 16 keys; running means there is more to do", () => {
    const s = stage({ policy: "allkeys-lru" });
    for (let i = 0; i < 100; i++) s.setIdle(0, `k${i}`, i);
    let asked = 0;
    expect(s.evict(50, () => ++asked === 2)).toBe("running");
    expect(s.evicted.length).toBe(32);
    expect(s.evict(18)).toBe("ok");
  });

  test("the budget by tenacity", () => {
    const formula = (tenacity: number) => {
      let us = 0;
      for (let step = 1; step <= Math.min(tenacity, 10); step++) us += 50;
      for (let step = 11; step <= tenacity; step++) us *= 1.15;
      return us;
    };
    for (let tenacity = 0; tenacity < 100; tenacity++) {
      const limit = evictionTimeLimitUs(tenacity);
      expect(Number.isInteger(limit)).toBe(true);
      expect(Math.abs(limit - formula(tenacity))).toBeLessThanOrEqual(1.001);
    }
    expect([0, 1, 10, 11, 12, 20].map(evictionTimeLimitUs)).toEqual([0, 50, 500, 575, 661, 2022]);
    expect(evictionTimeLimitUs(99) / 60e6).toBeCloseTo(2.1, 0); // About two minutes.
    expect(evictionTimeLimitUs(100)).toBe(Number.POSITIVE_INFINITY);
  });
});

describe("lazy freeing", () => {
  const filled = (policy = "allkeys-lru") => {
    const s = stage({ policy });
    for (let i = 0; i < 2_000; i++) s.setIdle(1, `flushed:${i}`, 0);
    for (let i = 0; i < 20; i++) s.setIdle(0, `lives:${i}`, 0);
    s.fixture.database(1).flush(true);
    const { arena, lazyFree } = s.fixture.keyspace;
    expect(lazyFree.pendingCount).toBe(2_000);
    const goal = arena.usedBytes - 8_000;
    return { s, lazyFree, over: () => arena.usedBytes - goal };
  };

  test("memory that is free already is given back before a key goes", () => {
    const { s, lazyFree, over } = filled();
    expect(s.evictor.performEvictions(NOW_MS, over, () => false, s.remove)).toBe("ok");
    expect(s.evicted).toEqual([]);
    expect(lazyFree.pendingCount).toBeGreaterThan(0); // No more than needed.
  });

  test("it keeps to the time, too", () => {
    const { s, lazyFree } = filled();
    expect(
      s.evictor.performEvictions(
        NOW_MS,
        () => 1,
        () => true,
        s.remove,
      ),
    ).toBe("running");
    expect(s.evicted).toEqual([]);
    expect(lazyFree.pendingCount).toBeGreaterThan(1_000);
  });

  test("then keys go", () => {
    const { s, lazyFree } = filled();
    expect(s.evict(5)).toBe("ok");
    expect(lazyFree.pendingCount).toBe(0);
    expect(s.evicted.length).toBe(5);
  });

  test("is finished as far as needed under noeviction, too", () => {
    const { s, lazyFree, over } = filled("noeviction");
    const evict = (isLate: boolean, overBytes = over) =>
      s.evictor.performEvictions(NOW_MS, overBytes, () => isLate, s.remove);
    expect(evict(true, () => 1)).toBe("running");
    expect(lazyFree.pendingCount).toBeGreaterThan(1_000);
    expect(evict(false)).toBe("ok");
    expect(lazyFree.pendingCount).toBeGreaterThan(0);
    expect(evict(false, () => 1)).toBe("fail");
    expect(lazyFree.pendingCount).toBe(0);
    expect(s.evicted).toEqual([]);
  });
});

test("a round without samples still finds a key", () => {
  const s = stage({ policy: "allkeys-lru", samples: 0 });
  s.setIdle(0, "k", 1);
  expect(s.evict(1)).toBe("ok");
});

test("an evict() that leaves the key is found out", () => {
  const s = stage({ policy: "allkeys-lru" });
  s.setIdle(0, "k", 1);
  const lazy = () =>
    s.evictor.performEvictions(
      NOW_MS,
      () => 1,
      () => false,
      () => {},
    );
  expect(lazy).toThrow("evict() removes the key that it is given");
  expect(s.fixture.find(0, "k")).not.toBe(NONE);
});

test("the benchmark runs, in its small size", () => {
  const rows = runEvictionBenchmark({ keyCount: 2_000, evictions: 200 });
  expect(rows.map((row) => row.policy)).toEqual(["allkeys-lru", "allkeys-lfu", "allkeys-random"]);
  for (const row of rows) expect(row.microsecondsPerKey).toBeGreaterThan(0);
});
