import { expect, test } from "vitest";
import { runReadmeExample } from "./readme.ts";

test("the example of the README prints what it says", () => {
  const { printed, promised, trouble } = runReadmeExample(import.meta.url);
  expect(trouble).toBe("");
  expect(promised.length).toBeGreaterThan(0);
  expect(printed).toEqual(promised);
});
