import { harness } from "@kv/testing";
import { describe, expect, test } from "vitest";
import { expiryPort } from "./expiry.ts";

type Harness = ReturnType<typeof harness>;

function told(kv: Harness, field: string): number {
  return Number(new RegExp(`${field}:([\\d.]+)`).exec(kv.send("INFO", "stats") as string)?.[1]);
}

/** Not by a command: a turn follows each, and with it a fast cycle. */
const keysLeft = (kv: Harness) => kv.engine.keyspace.keyCount;

/** A server with so many keys whose time has come, of which nobody has noticed yet. */
function overdue(count: number, config: Record<string, string | number> = {}): Harness {
  const kv = harness({ config: { hz: 10, "dynamic-hz": "no", ...config } });
  for (let i = 0; i < count; i++) kv.send("SET", `k${i}`, "v", "PX", 1000);
  kv.host.advance(2000);
  return kv;
}

/** As on a machine where each look at the clock takes a millisecond. Returns the end of it. */
function slowly(kv: Harness, act: () => void): void {
  const { monotonicUs } = kv.host;
  let extraUs = 0;
  kv.host.monotonicUs = () => {
    extraUs += 1000;
    return monotonicUs.call(kv.host) + extraUs;
  };
  act();
  kv.host.monotonicUs = monotonicUs;
}

describe("a slow cycle", () => {
  test("ends after a quarter of a cron period, and INFO counts that", () => {
    const kv = overdue(3000);
    slowly(kv, () => kv.engine.cron());
    // 25 milliseconds, with at least 20 keys in each.
    expect(keysLeft(kv)).toBeLessThan(2600);
    expect(keysLeft(kv)).toBeGreaterThan(2000);
    expect(told(kv, "expired_time_cap_reached_count")).toBe(1);
    expect(told(kv, "expire_cycle_cpu_milliseconds")).toBeGreaterThanOrEqual(25);
    kv.send("CONFIG", "RESETSTAT");
    expect(told(kv, "expired_time_cap_reached_count")).toBe(0);
    expect(told(kv, "expired_stale_perc")).toBe(0);
  });

  test("comes to an end by itself when there is time enough", () => {
    const kv = overdue(3000);
    kv.engine.cron();
    expect(keysLeft(kv)).toBe(0);
    expect(told(kv, "expired_time_cap_reached_count")).toBe(0);
  });

  test("does more with more effort", () => {
    const left = [1, 10].map((effort) => {
      const kv = overdue(6000, { "active-expire-effort": effort });
      slowly(kv, () => kv.engine.cron());
      return keysLeft(kv);
    });
    // 43 percent of the time in place of 25, and 65 keys a look in place of 20.
    expect(6000 - (left[1] as number)).toBeGreaterThan((6000 - (left[0] as number)) * 3);
  });

  test("is content with a tenth of what it sees being overdue", () => {
    const kv = harness();
    for (let i = 0; i < 4000; i++) kv.send("SET", `k${i}`, "v", "EX", i % 50 === 0 ? 1 : 1000);
    kv.host.advance(2000);
    kv.engine.cron();
    expect(keysLeft(kv)).toBeGreaterThan(3920);
    kv.clock.advance(60_000);
    expect(keysLeft(kv)).toBe(3920);
  });
});

describe("fast cycles", () => {
  test("follow a slow one that ran out of time, a millisecond each, and rest as long", () => {
    const kv = overdue(3000);
    slowly(kv, () => kv.engine.cron());
    kv.host.advance(10);
    const before = keysLeft(kv);
    slowly(kv, () => kv.engine.turn());
    const after = keysLeft(kv);
    expect(before - after).toBeGreaterThanOrEqual(20);
    expect(before - after).toBeLessThan(120);
    // At once there is none again.
    kv.engine.turn();
    expect(keysLeft(kv)).toBe(after);
    kv.host.advance(10);
    kv.engine.turn();
    expect(keysLeft(kv)).toBeLessThan(after);
  });

  test("come also when much was overdue of late, although no slow one ran out of time", () => {
    const kv = overdue(3000);
    const expiry = kv.engine.of(expiryPort);
    expect(expiry.needsTurn).toBe(false);
    for (let round = 0; round < 5; round++) {
      for (let i = 0; i < 50; i++) kv.send("SET", `r${i}`, "v", "PX", 10);
      kv.host.advance(100);
      kv.engine.cron();
    }
    expect(told(kv, "expired_time_cap_reached_count")).toBe(0);
    expect(told(kv, "expired_stale_perc")).toBeGreaterThan(10);
    expect(expiry.needsTurn).toBe(true);
    kv.send("SET", "one more", "v", "PX", 10);
    kv.host.advance(20);
    kv.engine.turn();
    expect(keysLeft(kv)).toBe(0);
  });
});

test("the estimate of what is overdue goes down when nothing is", () => {
  const kv = overdue(500);
  kv.engine.cron();
  const first = told(kv, "expired_stale_perc");
  expect(first).toBeGreaterThan(4);
  expect(first).toBeLessThanOrEqual(5);
  kv.clock.advance(1000);
  expect(told(kv, "expired_stale_perc")).toBeLessThan(first * 0.7);
  kv.clock.advance(20_000);
  expect(told(kv, "expired_stale_perc")).toBe(0);
});
