import { expect, test, vi } from "vitest";
import { RareWarnings } from "./rare-warnings.ts";

test("so many lines a second, and one that counts the others", async () => {
  const lines: string[] = [];
  const warnings = new RareWarnings((line) => lines.push(line));
  for (let count = 0; count < 1000; count++) warnings.warn(`line ${count}`);
  expect(lines).toEqual(Array.from({ length: 20 }, (_, index) => `line ${index}`));
  await vi.waitFor(() => expect(lines).toHaveLength(21), 5000);
  expect(lines.at(-1)).toBe("(980 more of such lines were left out)");
  warnings.warn("the next second");
  expect(lines.at(-1)).toBe("the next second");
});

test("once stopped, what was left out has been told, and nothing comes later", async () => {
  const lines: string[] = [];
  const warnings = new RareWarnings((line) => lines.push(line));
  for (let count = 0; count < 25; count++) warnings.warn(`line ${count}`);
  warnings.stop();
  expect(lines.slice(20)).toEqual(["(5 more of such lines were left out)"]);
  warnings.warn("somebody who was cut off");
  warnings.stop();
  await new Promise((resolve) => setTimeout(resolve, 1100));
  expect(lines).toHaveLength(21);
});
