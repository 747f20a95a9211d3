import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { needsNode } from "./needs-node.ts";

test("what engines ask for is what a server runs on", () => {
  const { engines } = JSON.parse(readFileSync("apps/server/package.json", "utf8"));
  const [wanted] = engines.node.match(/\d+/);
  expect(() => needsNode(`${wanted}.0.0`)).not.toThrow();
  expect(() => needsNode()).not.toThrow();
  expect(() => needsNode(`${wanted - 1}.9.0`)).toThrow(
    `@kv/server needs Node.js ${wanted} or later, but this is Node.js ${wanted - 1}.9.0.`,
  );
});
