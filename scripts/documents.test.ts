/** Paths that ARCHITECTURE.md and CONTRIBUTING.md name are there. */
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));

/** Texts between backticks that are paths, up to their first part in <brackets>. */
function pathsOf(document: string): string[] {
  const text = readFileSync(join(root, document), "utf8").replaceAll(/^```[\s\S]*?^```$/gm, "");
  const spans = [...text.matchAll(/`([^`\n]+)`/g)].map(([, span]) => span);
  return spans
    .filter((span) => /^[.\w@-]+(\/[\w.<>-]+)+$/.test(span) && !span.startsWith("@"))
    .map((span) => span.replace(/\/<.*/, ""));
}

/** Documents leave out what goes without saying: `core/src/memory/arena.ts` is below packages. */
function exists(path: string): boolean {
  return ["", "packages", "apps"].some((area) => {
    const full = join(root, area, path);
    return existsSync(full) || (path.endsWith("/src") && existsSync(dirname(full)));
  });
}

test.each(["ARCHITECTURE.md", "CONTRIBUTING.md"])("%s names what is there", (document) => {
  const paths = pathsOf(document);
  expect(paths.length).toBeGreaterThan(5);
  expect(paths.filter((path) => !exists(path))).toEqual([]);
});
