import { expect, test } from "vitest";
import { Rest } from "./rest.ts";

test("few commands a second for a while are rest, and the start is work", () => {
  const rest = new Rest();
  const second = (atSecond: number, commandCount: number) =>
    rest.isAt(atSecond * 1000, commandCount);
  expect(second(1, 0)).toBe(false);
  expect(second(2, 0)).toBe(false);
  // Somebody asks whether all is well.
  expect(second(3, 10)).toBe(true);
  expect(second(4, 1010)).toBe(true);
  // Work, a pause, work.
  expect(second(5, 5000)).toBe(false);
  expect(second(6, 5000)).toBe(false);
  expect(second(7, 9000)).toBe(false);
  expect(second(60, 9001)).toBe(true);
  // CONFIG RESETSTAT
  expect(second(61, 0)).toBe(true);
});
