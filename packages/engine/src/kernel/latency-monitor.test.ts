import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CommandHistogram, LatencyMonitor } from "./latency-monitor.ts";

function histogramOf(...microseconds: number[]): CommandHistogram {
  const histogram = new CommandHistogram();
  for (const each of microseconds) histogram.record(each, 1);
  return histogram;
}

describe("CommandHistogram", () => {
  test("tells a percentile to within a hundredth", () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0.001, max: 900_000, noNaN: true }), { minLength: 1 }),
        fc.integer({ min: 1, max: 100 }),
        (times, percent) => {
          const sorted = times.toSorted((a, b) => a - b);
          const rank = Math.max(1, Math.floor((percent / 100) * times.length + 0.5));
          const exact = sorted[rank - 1] as number;
          const told = histogramOf(...times).percentileUs(percent);
          // Nanoseconds are whole; a bucket is named by its greatest value.
          expect(told).toBeGreaterThan(exact - 0.0011);
          expect(told).toBeLessThanOrEqual(exact * 1.01 + 0.001);
        },
      ),
    );
  });

  test("prints the percentiles that Redis prints for the same times", () => {
    expect(histogramOf(13).percentileUs(50)).toBe(13.055);
    expect(histogramOf(3).percentileUs(50)).toBe(3.007);
    expect(histogramOf(37).percentileUs(99.9)).toBe(37.119);
    expect(histogramOf(10, 23).percentileUs(50)).toBe(10.047);
  });

  test("adds up to doubling times, and leaves out steps without calls", () => {
    const histogram = new CommandHistogram();
    histogram.record(0.5, 3);
    histogram.record(11, 1);
    histogram.record(100, 2);
    expect(histogram.cumulative()).toEqual([
      [1, 3],
      [16, 4],
      [132, 6],
    ]);
  });

  test("counts what took longer than a second as a second", () => {
    const histogram = histogramOf(5_000_000);
    expect(histogram.percentileUs(100)).toBeCloseTo(1_000_000, -4);
    expect(histogram.cumulative().map(([, calls]) => calls)).toEqual([1]);
  });
});

describe("LatencyMonitor", () => {
  test("keeps the worst of each second, and the worst of all", () => {
    const monitor = new LatencyMonitor();
    monitor.thresholdMs = 10;
    monitor.eventTook("command", 9_999, 1000);
    expect(monitor.events.size).toBe(0);
    monitor.eventTook("command", 20_000, 1000);
    monitor.eventTook("command", 50_000, 1999);
    monitor.eventTook("command", 30_000, 1500);
    monitor.eventTook("command", 10_000, 2000);
    const event = monitor.events.get("command");
    expect(event?.worstMs).toBe(50);
    expect(event?.samples).toEqual([
      { timeSeconds: 1, latencyMs: 50 },
      { timeSeconds: 2, latencyMs: 10 },
    ]);
  });

  test("forgets all but the last 160 samples", () => {
    const monitor = new LatencyMonitor();
    monitor.thresholdMs = 1;
    for (let second = 0; second < 200; second++) monitor.eventTook("command", 1000, second * 1000);
    const samples = monitor.events.get("command")?.samples ?? [];
    expect(samples.length).toBe(160);
    expect(samples[0]?.timeSeconds).toBe(40);
  });
});
