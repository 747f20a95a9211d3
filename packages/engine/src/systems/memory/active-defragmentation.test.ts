import { harness } from "@kv/testing";
import { describe, expect, test } from "vitest";
import { Due } from "../../kernel/due.ts";
import { memoryPort } from "./memory-system.ts";

type Harness = ReturnType<typeof harness>;

function told(kv: Harness, field: string): number {
  return Number(
    new RegExp(`${field}:([\\d.]+)`).exec(kv.send("INFO", "everything") as string)?.[1],
  );
}

/** A server whose keys are few where many have been. */
function scattered(config: Record<string, string> = {}): Harness {
  const kv = harness({
    config: {
      "active-defrag-ignore-bytes": "500kb",
      "active-defrag-cycle-min": "1",
      "active-defrag-cycle-max": "1",
      ...config,
    },
  });
  for (let i = 0; i < 40_000; i++) kv.send("SET", `key:${i}`, "v".repeat(100));
  for (let i = 0; i < 40_000; i++) if (i % 4 !== 0) kv.send("DEL", `key:${i}`);
  for (let i = 0; i < 3000; i++) kv.send("HSET", "hash", `field:${i}`, "v".repeat(90));
  return kv;
}

describe("active defragmentation", () => {
  test("runs when it is switched on, and ends when there is nothing left to bring together", () => {
    const kv = scattered({ hz: "500", "latency-monitor-threshold": "1" });
    kv.clock.advance(3000);
    expect(told(kv, "allocator_frag_ratio")).toBeGreaterThan(2);
    expect(told(kv, "active_defrag_running")).toBe(0);
    const digest = kv.send("DEBUG", "DIGEST");
    const bytes = told(kv, "used_memory_dataset");
    expect(kv.send("CONFIG", "SET", "activedefrag", "yes")).toBe("OK");
    kv.clock.advance(10);
    expect(told(kv, "active_defrag_running")).toBe(1);
    expect(told(kv, "active_defrag_hits")).toBeGreaterThan(100);
    kv.clock.advance(20);
    const current = told(kv, "current_active_defrag_time");
    expect(current).toBeGreaterThanOrEqual(20);
    expect(told(kv, "total_active_defrag_time")).toBe(current);
    kv.clock.advance(5000);
    expect(told(kv, "active_defrag_running")).toBe(0);
    expect(told(kv, "current_active_defrag_time")).toBe(0);
    expect(told(kv, "total_active_defrag_time")).toBeGreaterThan(current);
    expect(told(kv, "total_active_defrag_time")).toBeLessThan(1000);
    expect(told(kv, "allocator_frag_ratio")).toBeLessThan(1.25);
    expect(told(kv, "active_defrag_key_hits")).toBeGreaterThan(5000);
    expect(told(kv, "active_defrag_key_misses")).toBeGreaterThan(0);
    expect(kv.send("DEBUG", "DIGEST")).toBe(digest);
    expect(told(kv, "used_memory_dataset")).toBe(bytes);
    expect(kv.log.some((line) => line.startsWith("Starting active defrag, frag="))).toBe(true);
    expect(kv.log.some((line) => line.startsWith("Active defrag done in "))).toBe(true);
    kv.check();
    kv.send("CONFIG", "RESETSTAT");
    expect(told(kv, "active_defrag_hits")).toBe(0);
    expect(told(kv, "total_active_defrag_time")).toBe(0);
  });

  test("gives back what it has made free, and rests when it cannot", () => {
    const kv = harness({
      segmentBytes: 16 * 2 ** 20,
      config: { "active-defrag-ignore-bytes": "1mb", "active-defrag-cycle-max": "80", hz: "500" },
    });
    const { arena } = kv.engine.keyspace;
    const megabytes = () => arena.touchedBytes / 2 ** 20;
    for (let i = 0; i < 18_000; i++) kv.send("SET", `key:${i}`, "v".repeat(1900 + (i % 4) * 90));
    // A block that no key has, in the segment that is to go.
    const pin = arena.alloc(100);
    for (let i = 0; i < 18_000; i++) if (i % 4 !== 0) kv.send("DEL", `key:${i}`);
    const digest = kv.send("DEBUG", "DIGEST");
    kv.send("CONFIG", "SET", "activedefrag", "yes");
    kv.clock.advance(10_000);
    expect(told(kv, "allocator_frag_ratio")).toBeLessThan(1.1);
    expect(megabytes()).toBeGreaterThan(36);
    expect(told(kv, "active_defrag_running")).toBe(0);
    const passes = () =>
      kv.log.filter((line) => line.startsWith("Starting active defrag, rss=")).length;
    expect(passes()).toBe(1);
    // It is tried again a minute later.
    kv.clock.advance(30_000);
    expect(passes()).toBe(1);
    kv.clock.advance(40_000);
    expect(passes()).toBe(2);
    arena.free(pin);
    expect(megabytes()).toBeLessThan(17);
    expect(arena.segmentBytes).toBe(16 * 2 ** 20);
    expect(kv.send("DEBUG", "DIGEST")).toBe(digest);
    kv.check();
  });

  test("works in slices, to the share of time that is its effort", () => {
    const kv = scattered({ "active-defrag-cycle-max": "25", activedefrag: "yes" });
    const { defragmentation } = kv.engine.of(memoryPort);
    const { defragmenter } = defragmentation;
    const step = defragmenter.step.bind(defragmenter);
    let steps = 0;
    // As on a machine where a step takes 100 microseconds.
    defragmenter.step = (count) => {
      steps++;
      kv.host.advance(0.1);
      return step(count);
    };
    kv.host.advance(100);
    kv.engine.cron();
    expect(steps).toBe(0);
    const perSlice: number[] = [];
    let due: number = Due.LATER;
    while (due === Due.LATER) {
      const before = steps;
      due = kv.engine.turn();
      perSlice.push(steps - before);
    }
    expect(due).toBe(Due.NEVER);
    expect(Math.max(...perSlice)).toBe(5);
    // A quarter of 100 milliseconds.
    expect(steps).toBeGreaterThan(230);
    expect(steps).toBeLessThanOrEqual(250);
    kv.engine.turn();
    expect(steps).toBeLessThanOrEqual(250);
    // In a greater hurry there are no rests, but clients still come in between.
    kv.send("CONFIG", "SET", "active-defrag-cycle-max", "80", "active-defrag-cycle-min", "80");
    kv.engine.cron();
    expect(kv.engine.turn()).toBe(Due.SOON);
  });

  test("is a latency event when a slice takes long", () => {
    const kv = scattered({ "latency-monitor-threshold": "3", activedefrag: "yes" });
    const { defragmenter } = kv.engine.of(memoryPort).defragmentation;
    const step = defragmenter.step.bind(defragmenter);
    defragmenter.step = (count) => {
      kv.host.advance(4);
      return step(count);
    };
    kv.clock.advance(200);
    const latest = kv.send("LATENCY", "LATEST") as unknown[][];
    expect(latest.map(([event, , last]) => [event, last])).toEqual([["active-defrag-cycle", 4]]);
  });

  test("does not begin below its thresholds", () => {
    for (const [name, value] of [
      ["active-defrag-ignore-bytes", "100mb"],
      ["active-defrag-threshold-lower", "1000"],
    ] as const) {
      const kv = scattered({ [name]: value, activedefrag: "yes" });
      kv.clock.advance(3000);
      expect(told(kv, "active_defrag_running")).toBe(0);
      expect(told(kv, "active_defrag_hits")).toBe(0);
    }
  });

  test("works the harder the more is wasted, and stops in the midst when it is switched off", () => {
    const kv = scattered({ "active-defrag-cycle-max": "25", activedefrag: "no" });
    const percent = (told(kv, "allocator_frag_ratio") - 1) * 100;
    kv.send("CONFIG", "SET", "hz", "500", "dynamic-hz", "no");
    kv.send("CONFIG", "SET", "active-defrag-threshold-upper", String(Math.round(percent * 2)));
    kv.send("CONFIG", "SET", "activedefrag", "yes");
    kv.clock.advance(4);
    // Half of the way from 1 to 25, or a little less, as the lower threshold is not 0.
    const effort = told(kv, "active_defrag_running");
    expect(effort).toBeGreaterThan(10);
    expect(effort).toBeLessThan(14);
    kv.send("CONFIG", "SET", "active-defrag-cycle-max", "5");
    kv.clock.advance(2);
    expect(told(kv, "active_defrag_running")).toBeLessThan(5);
    expect(kv.send("CONFIG", "SET", "activedefrag", "no")).toBe("OK");
    kv.clock.advance(4);
    expect(told(kv, "active_defrag_running")).toBe(0);
    expect(told(kv, "current_active_defrag_time")).toBe(0);
    kv.check();
  });
});
