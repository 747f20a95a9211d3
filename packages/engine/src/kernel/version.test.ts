import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { engineVersion } from "./version.ts";

test("the version that INFO reports is the package's", () => {
  const text = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
  expect(engineVersion).toBe((JSON.parse(text) as { version: string }).version);
});
