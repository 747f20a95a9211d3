/**
 * What one eviction costs, deletion included, and what a use of a key costs the lookup.
 *
 *      node --conditions=@kv/source packages/eviction/src/evict.bench.ts
 *
 * The same code runs as a test in a small size.
 */
import { Evictor } from "./evict.ts";
import { defaultEvictionSettings } from "./settings.ts";
import { KeyFixture } from "./testing/key-fixture.ts";

export interface EvictionBenchmarkSize {
  keyCount: number;
  evictions: number;
}

export interface EvictionBenchmarkRow {
  policy: string;
  microsecondsPerKey: number;
  nanosecondsPerTouch: number;
}

export function runEvictionBenchmark(size: EvictionBenchmarkSize): EvictionBenchmarkRow[] {
  return ["allkeys-lru", "allkeys-lfu", "allkeys-random"].map((policy) => measure(policy, size));
}

function measure(policy: string, { keyCount, evictions }: EvictionBenchmarkSize) {
  const fixture = new KeyFixture(1);
  const { keyspace, random32 } = fixture;
  const settings = { ...defaultEvictionSettings(), policy };
  const evictor = new Evictor({ keyspace, random32, settings });
  for (let i = 0; i < keyCount; i++)
    fixture.set(0, `key:${i}`.padEnd(16, "."), "sixteen bytes...", random32() & 0xffffff);

  const entries: number[] = [];
  fixture.database(0).dict.eachEntry((entry) => entries.push(entry));
  const touchStart = performance.now();
  for (const entry of entries) evictor.clock.touch(keyspace.arena, entry);
  const touchMs = performance.now() - touchStart;

  const goal = keyCount - evictions;
  const start = performance.now();
  const result = evictor.performEvictions(
    1_700_000_000_000,
    () => keyspace.keyCount - goal,
    () => false,
    (database, entry) => database.remove(entry, false),
  );
  const ms = performance.now() - start;
  if (result !== "ok") throw new Error(`the evictions ended with ${result}`);
  return {
    policy,
    microsecondsPerKey: (ms * 1e3) / evictions,
    nanosecondsPerTouch: (touchMs * 1e6) / keyCount,
  };
}

if (import.meta.main)
  console.table(runEvictionBenchmark({ keyCount: 1_000_000, evictions: 500_000 }));
