/**
 * Examples in TypeScript compile, under what users set and not what this repository does: each `ts` block of
 * a README or a page of docs, with the types that the packages have.
 */
import { execFileSync } from "node:child_process";
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "kv-examples-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Manifest {
  name: string;
  exports?: Record<string, string | { "@kv/source"?: string }>;
}

/** Where the compiler finds what examples import: no package is installed in the folder. */
function paths(): Record<string, string[]> {
  const found: Record<string, string[]> = {
    ioredis: [join(root, "apps/server/node_modules/ioredis/built/index.d.ts")],
  };
  for (const file of globSync("{packages,apps}/*/package.json", { cwd: root })) {
    const { name, exports = {} } = JSON.parse(readFileSync(join(root, file), "utf8")) as Manifest;
    for (const [door, target] of Object.entries(exports)) {
      const source = typeof target === "string" ? undefined : target["@kv/source"];
      if (source !== undefined) found[name + door.slice(1)] = [join(root, dirname(file), source)];
    }
  }
  return found;
}

test("examples in TypeScript compile", () => {
  const pages = globSync(["*.md", "{packages,apps}/*/{README.md,docs/*.md}"], { cwd: root });
  const files = pages.flatMap((page) => {
    const text = readFileSync(join(root, page), "utf8");
    return [...text.matchAll(/^```ts\b.*\n([\s\S]*?)^```$/gm)].map(([, code], index) => {
      const file = `${page.replaceAll(/\W+/g, "-")}-${index}.mts`;
      writeFileSync(join(folder, file), code as string);
      return file;
    });
  });
  expect(files.length).toBeGreaterThan(10);
  const compilerOptions = {
    ...{ noEmit: true, strict: true, skipLibCheck: true, allowImportingTsExtensions: true },
    ...{ target: "es2024", module: "nodenext", customConditions: ["@kv/source"] },
    ...{ types: ["node"], typeRoots: [join(root, "node_modules/@types")], paths: paths() },
  };
  files.push(join(root, "platform.d.ts"));
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, files }));
  let said = "";
  try {
    execFileSync(join(root, "node_modules/.bin/tsc"), ["-p", folder], { encoding: "utf8" });
  } catch (error) {
    said = (error as { stdout: string }).stdout;
  }
  expect(said).toBe("");
});
