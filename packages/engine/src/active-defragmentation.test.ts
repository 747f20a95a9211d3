import { harness } from "@kv/testing";
import { describe, expect, test } from "vitest";

type Harness = ReturnType<typeof harness>;

function told(kv: Harness, field: string): number {
  return Number(
    new RegExp(`${field}:([\\d.]+)`).exec(kv.send("INFO", "everything") as string)?.[1],
  );
}

/** A server with every fourth of the keys that it had, or whichever. */
function scattered(config: Record<string, string> = {}, keptEvery = 4): Harness {
  const kv = harness({
    config: {
      "active-defrag-ignore-bytes": "500kb",
      "active-defrag-cycle-min": "1",
      "active-defrag-cycle-max": "1",
      ...config,
    },
  });
  for (let i = 0; i < 40_000; i++) kv.send("SET", `key:${i}`, "v".repeat(100));
  for (let i = 0; i < 40_000; i++) if (i % keptEvery !== 0) kv.send("DEL", `key:${i}`);
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

  test("is a latency event when a turn takes that long", () => {
    const kv = scattered(
      { "latency-monitor-threshold": "1", "active-defrag-cycle-max": "25", activedefrag: "yes" },
      2,
    );
    kv.clock.advance(2000);
    const latest = kv.send("LATENCY", "LATEST") as unknown[][];
    expect(latest.map(([event]) => event)).toEqual(["active-defrag-cycle"]);
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
