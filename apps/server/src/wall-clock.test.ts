import { describe, expect, test } from "vitest";
import { createWallClock } from "./wall-clock.ts";

describe("the wall clock in microseconds", () => {
  function clocks() {
    const at = { wallMs: 1_700_000_000_000, monotonicUs: 123_456 };
    const wallUs = createWallClock(
      () => at.wallMs,
      () => at.monotonicUs,
    );
    return { at, wallUs };
  }

  test("goes on within a millisecond", () => {
    const { at, wallUs } = clocks();
    expect(wallUs()).toBe(1_700_000_000_000_000);
    at.monotonicUs += 17;
    expect(wallUs()).toBe(1_700_000_000_000_017);
  });

  test("follows the coarse clock wherever that is set", () => {
    const { at, wallUs } = clocks();
    at.wallMs += 3_600_000;
    at.monotonicUs += 5;
    expect(wallUs()).toBe(1_700_003_600_000_000);
    at.wallMs -= 7_200_000;
    expect(wallUs()).toBe(1_699_996_400_000_999);
  });

  test("never passes the millisecond that the coarse clock shows", () => {
    const { at, wallUs } = clocks();
    at.monotonicUs += 5000;
    expect(wallUs()).toBe(1_700_000_000_000_999);
    at.wallMs += 1;
    at.monotonicUs += 2;
    expect(wallUs()).toBe(1_700_000_000_001_001);
  });
});
