import { expect, test } from "vitest";
import { Rest } from "./rest.ts";

test("few commands a second are rest, and the start is work", () => {
  const rest = new Rest();
  const second = (atSecond: number, commandCount: number) =>
    rest.quietMs(atSecond * 1000, commandCount);
  expect(second(1, 0)).toBe(0);
  expect(second(2, 0)).toBe(1000);
  // Somebody asks whether all is well.
  expect(second(3, 10)).toBe(2000);
  expect(second(4, 1010)).toBe(3000);
  // Work, a pause, work.
  expect(second(5, 5000)).toBe(0);
  expect(second(6, 5000)).toBe(1000);
  expect(second(7, 9000)).toBe(0);
  expect(second(60, 9001)).toBe(53_000);
  // CONFIG RESETSTAT
  expect(second(61, 0)).toBe(54_000);
});
