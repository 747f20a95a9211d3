/**
 * The house rules that no linter knows, as an ordinary test: it reads every source file of the
 * repository and names the lines that break a rule.
 */
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const LINES_MAX = 600;

const root = fileURLToPath(new URL("../../../", import.meta.url));

interface SourceFile {
  readonly path: string;
  readonly lines: readonly string[];
}

/** Every TypeScript file below the `src` and `interop` folders of packages and apps. */
const files: SourceFile[] = ["packages", "apps"]
  .flatMap((area) =>
    readdirSync(`${root}${area}`).flatMap((name) => [
      `${area}/${name}/src`,
      `${area}/${name}/interop`,
    ]),
  )
  .flatMap(typeScriptBelow)
  .map((path) => ({ path, lines: readFileSync(root + path, "utf8").split("\n") }));

function typeScriptBelow(folder: string): string[] {
  try {
    return readdirSync(root + folder, { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".ts"))
      .map((name) => `${folder}/${name.replaceAll("\\", "/")}`);
  } catch {
    return []; // Not every app has interop tests.
  }
}

const isTest = (path: string) => /\.(test|bench|interop)\.ts$/.test(path);
const isComment = (line: string) => /^\s*(\/\/|\/\*|\*)/.test(line);

/** The places, as `path:line`, where a line of code matches. */
function linesMatching(where: (path: string) => boolean, pattern: RegExp): string[] {
  return files
    .filter(({ path }) => where(path))
    .flatMap(({ path, lines }) =>
      lines.flatMap((line, index) =>
        !isComment(line) && pattern.test(line) ? [`${path}:${index + 1}: ${line.trim()}`] : [],
      ),
    );
}

test("the sources are found", () => {
  expect(files.map((file) => file.path)).toContain("packages/core/src/index.ts");
});

test("a file is one idea: none exceeds 600 lines", () => {
  const long = files
    .filter(({ path, lines }) => !isTest(path) && lines.length > LINES_MAX)
    .map(({ path, lines }) => `${path}: ${lines.length} lines`);
  expect(long).toEqual([]);
});

test("file names are kebab-case", () => {
  const odd = files
    .map((file) => file.path)
    .filter(
      (path) => !/^[a-z0-9-]+(\.(test|bench|interop|d))?\.ts$/.test(path.split("/").at(-1) ?? ""),
    );
  expect(odd).toEqual([]);
});

test("below the apps no time, chance or I/O but what is passed in", () => {
  // This package runs servers and waits for them; only tests see it.
  const below = (path: string) =>
    /^packages\/(?!testing\/)/.test(path) && !isTest(path) && !path.endsWith("/node.ts");
  const forbidden =
    /\bDate\.now\(|\bnew Date\(|\bset(Timeout|Interval)\(|\bMath\.random\(|from "node:/;
  expect(linesMatching(below, forbidden)).toEqual([]);
});

test("no state in modules: two engines share nothing, and a closed one is not held", () => {
  // What an engine's commands keep is in their Call (Kept); module-state.test.ts looks at the rest.
  const stateless = (path: string) =>
    /^packages\/(commands|config|engine|eviction)\/src\//.test(path) && !isTest(path);
  const state =
    /^(export )?(let|var) |^(export )?const \w+ = new (WeakMap|RefList|RefSet|StringView|ListpackValue|HashValue|ScanOptions)\b/;
  expect(linesMatching(stateless, state)).toEqual([]);
});

test("no test is left out, and none keeps the others from running", () => {
  expect(linesMatching(isTest, /\b(test|it|describe)(\.\w+)*\.(only|skip|todo)\b/)).toEqual([]);
});
