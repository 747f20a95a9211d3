import { expect, test } from "vitest";
import { RecentPeak } from "./recent-peak.ts";

test("a peak is remembered for eight seconds", () => {
  const peak = new RecentPeak();
  const start = 1_700_000_000_000;
  expect(peak.at(start)).toBe(0);
  peak.note(70, start);
  peak.note(50, start + 900);
  peak.note(30, start + 3000);
  expect(peak.at(start + 3000)).toBe(70);
  expect(peak.at(start + 7999)).toBe(70);
  expect(peak.at(start + 8000)).toBe(30);
  expect(peak.at(start + 11_000)).toBe(0);
  // The same place in the ring, an hour later.
  peak.note(1, start + 3_600_000);
  expect(peak.at(start + 3_600_000)).toBe(1);
});
