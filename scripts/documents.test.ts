/** Paths that ARCHITECTURE.md and CONTRIBUTING.md name are there. */
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));

/** Rooms that documents name already and that are still to be moved into. To be empty soon. */
const toCome = new Set([
  "commands/src/declare/table.ts",
  "core/src/keyspace/database.ts",
  "core/src/table/dict.ts",
  "engine/src/kernel/caller.ts",
  "engine/src/kernel/guards.ts",
  "engine/src/kernel/output.ts",
  "packages/core/src/values",
  "packages/engine/src/kernel/host.ts",
  "packages/engine/src/systems",
  "packages/persistence/src/rdb/values",
]);

/** Texts between backticks that are paths, up to their first part in <brackets>. */
function pathsOf(document: string): string[] {
  const text = readFileSync(join(root, document), "utf8").replaceAll(/^```[\s\S]*?^```$/gm, "");
  const spans = [...text.matchAll(/`([^`\n]+)`/g)].map(([, span]) => span);
  return spans
    .filter((span) => /^[.\w@-]+(\/[\w.<>-]+)+$/.test(span) && !span.startsWith("@"))
    .map((span) => span.replace(/\/<.*/, ""));
}

/** Documents leave out what goes without saying: `core/src/arena.ts` is below packages. */
function exists(path: string): boolean {
  return ["", "packages", "apps"].some((area) => {
    const full = join(root, area, path);
    return existsSync(full) || (path.endsWith("/src") && existsSync(dirname(full)));
  });
}

test.each(["ARCHITECTURE.md", "CONTRIBUTING.md"])("%s names what is there", (document) => {
  const paths = pathsOf(document);
  expect(paths.length).toBeGreaterThan(5);
  expect(paths.filter((path) => !exists(path) && !toCome.has(path))).toEqual([]);
});

test("what has come is no longer to come", () => {
  expect([...toCome].filter(exists)).toEqual([]);
});
