import { runReadmeExample } from "@kv/testing";
import { expect, test } from "vitest";

test("the example of the README prints what it says", () => {
  const { printed, promised, trouble } = runReadmeExample(import.meta.url);
  expect(trouble).toBe("");
  expect(promised.length).toBeGreaterThan(0);
  expect(printed).toEqual(promised);
});
