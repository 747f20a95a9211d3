import { type Harness, harness } from "@kv/testing";
import { describe, expect, test } from "vitest";

function rate(kv: Harness, name: string): number {
  const info = String(kv.send("INFO", "stats"));
  return Number(info.split(`instantaneous_${name}:`)[1]?.split("\r\n")[0]);
}

/** Each tenth of a second so many PINGs, of 14 bytes, answered by 7. */
function traffic(kv: Harness, tenths: number, count: number, stepMs = 100): void {
  const sender = kv.client();
  for (let tenth = 0; tenth < tenths; tenth++) {
    sender.sendBytes("*1\r\n$4\r\nPING\r\n".repeat(count));
    kv.host.advance(stepMs);
    kv.engine.cron();
  }
}

/** The commands per second that INFO tells, to the nearest ten: the clock of tests runs on a little. */
const opsPerSecond = (kv: Harness) => Math.round(rate(kv, "ops_per_sec") / 10) * 10;

describe("rates", () => {
  test("climb from the first tenth of a second on, and are whole after sixteen", () => {
    const kv = harness();
    const climbing: number[] = [];
    for (let tenth = 0; tenth < 18; tenth++) {
      traffic(kv, 1, 159); // And INFO.
      climbing.push(opsPerSecond(kv));
    }
    expect(climbing).toEqual(climbing.map((_, tenth) => Math.min(1600, 100 * (tenth + 1))));
    expect(rate(kv, "input_kbps")).toBeGreaterThan(21);
    expect(rate(kv, "output_kbps")).toBeGreaterThan(10);
    traffic(kv, 16, 0);
    expect(opsPerSecond(kv)).toBe(0);
  });

  test("miss no sample when the cron comes a little early", () => {
    const kv = harness();
    traffic(kv, 16, 160, 99.5);
    expect(opsPerSecond(kv)).toBe(1610);
  });

  test("are taken ten times a second, however often the cron runs", () => {
    const kv = harness({ config: { hz: 100 } });
    kv.engine.cron();
    traffic(kv, 80, 16, 10);
    expect(opsPerSecond(kv)).toBe(800);
    traffic(kv, 80, 16, 10);
    expect(opsPerSecond(kv)).toBe(1600);
  });

  test("begin again after CONFIG RESETSTAT, with what comes then", () => {
    const kv = harness();
    traffic(kv, 32, 1000);
    kv.send("CONFIG", "RESETSTAT");
    expect(opsPerSecond(kv)).toBe(0);
    traffic(kv, 1, 160);
    expect(opsPerSecond(kv)).toBe(100);
    expect(rate(kv, "input_kbps")).toBeGreaterThan(1);
    expect(rate(kv, "output_kbps")).toBeGreaterThan(0.5);
  });
});
