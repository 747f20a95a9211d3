/**
 * The fences between packages, tried: in a copy of the workspace in which each package is its
 * public doors and nothing behind them, imports are planted that must be refused.
 */
import { spawnSync } from "node:child_process";
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));
let folder: string;

beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), "kv-fences-")));
  for (const file of [".dependency-cruiser.cjs", "tsconfig.base.json", "platform.d.ts"]) {
    copyFileSync(join(root, file), join(folder, file));
  }
  for (const area of ["packages", "apps"]) {
    for (const name of readdirSync(join(root, area))) copyDoors(join(area, name));
  }
  mkdirSync(join(folder, "node_modules/@kv"), { recursive: true });
  symlinkSync("../../packages/testing", join(folder, "node_modules/@kv/testing"));
  const types = join(root, "node_modules/@types");
  symlinkSync(realpathSync(types), join(folder, "node_modules/@types"));
});

afterEach(() => rmSync(folder, { recursive: true }));

/** A package as its neighbours see it: what it declares, what pnpm gave it, its doors. */
function copyDoors(path: string): void {
  const from = join(root, path);
  const to = join(folder, path);
  mkdirSync(join(to, "src"), { recursive: true });
  for (const file of ["package.json", "tsconfig.json"]) {
    copyFileSync(join(from, file), join(to, file));
  }
  const links = join(from, "node_modules/@kv");
  if (existsSync(links)) {
    cpSync(links, join(to, "node_modules/@kv"), { recursive: true, verbatimSymlinks: true });
  }
  for (const door of ["index.ts", "testing.ts", "node.ts"]) {
    if (existsSync(join(from, "src", door))) plant(join(path, "src", door), "export const it = 1;");
  }
}

function plant(path: string, text: string): void {
  mkdirSync(dirname(join(folder, path)), { recursive: true });
  writeFileSync(join(folder, path), `${text}\n`);
}

function layers(): { status: number | null; lines: string[] } {
  const script = join(root, "scripts/layers.mjs");
  const { status, stderr } = spawnSync(process.execPath, [script], {
    cwd: folder,
    encoding: "utf8",
  });
  return { status, lines: stderr.split("\n").filter((line) => line !== "") };
}

const upward = "@kv/core imports nothing. Need a clock, a log, a list? Have it passed in.";
const app = "Nothing imports an app. Move what is shared into the package that owns the idea.";

/** An import in a file of its own, and the advice that is to be given, and no other. */
const refused = [
  { file: "core/src/undeclared.ts", from: "@kv/engine", advice: `${upward} (layer-core)` },
  { file: "core/src/neighbour.ts", from: "@kv/resp", advice: `${upward} (layer-core)` },
  { file: "core/src/unheard-of.ts", from: "@kv/clock", advice: `${upward} (layer-core)` },
  { file: "core/src/registry.ts", from: "zod", advice: `${upward} (layer-core)` },
  { file: "core/src/path.ts", from: "../../engine/src/index.ts", advice: `${upward} (layer-core)` },
  {
    file: "core/src/missing.ts",
    from: "./nowhere.ts",
    advice: "There is no such file: fix the path. (no-missing-file)",
  },
  {
    file: "engine/src/io.ts",
    from: "node:fs",
    advice:
      "Only apps/*, files named node.ts, tests and @kv/testing may import Node's modules. Describe what you need as an interface and let the app pass it in. (no-io-below-the-apps)",
  },
  { file: "engine/src/app.ts", from: "@kv/server", advice: `${app} (nothing-imports-an-app)` },
  {
    file: "core/src/app-path.ts",
    from: "../../../apps/server/src/index.ts",
    advice: `${app} (nothing-imports-an-app)`,
  },
  {
    file: "commands/src/tools.ts",
    from: "@kv/testing",
    advice:
      "@kv/testing is for *.test.ts, *.bench.ts and *.interop.ts. Production code takes its host from the app. (testing-only-from-tests)",
  },
  {
    file: "commands/src/back-door.ts",
    from: "@kv/core/src/arena.ts",
    advice:
      "Import another package by its name. Its doors are index.ts and, where present, testing.ts and node.ts. (only-public-doors)",
  },
  {
    file: "eviction/src/allowed.ts",
    from: "@kv/core",
    advice:
      "Declare the package in the package.json of the importing package. (no-undeclared-package)",
  },
];

test.each([["values"], ["types"]])("one line with one advice for each import of %s", (what) => {
  // What is allowed leaves no line.
  plant("packages/commands/src/a.ts", 'import { it } from "@kv/core";\nexport const a = it;');
  plant("packages/commands/src/a.test.ts", 'import "@kv/testing";\nimport "node:fs";');
  plant("packages/persistence/src/node.ts", 'import "node:fs";');
  plant("apps/server/src/a.ts", 'import "node:net";\nimport "@kv/engine";');
  expect(layers()).toEqual({ status: 0, lines: [] });

  rmSync(join(folder, "packages/eviction/node_modules/@kv/core"));
  const word = what === "types" ? "import type" : "import";
  for (const { file, from } of refused) plant(`packages/${file}`, `${word} { it } from "${from}";`);
  plant("packages/resp/src/a.ts", 'import { b } from "./b.ts";\nexport const a = b;');
  plant("packages/resp/src/b.ts", `${word} { a } from "./a.ts";\nexport const b = 1;`);
  const { status, lines } = layers();
  expect(status).toBe(1);
  expect(lines).toEqual(
    [
      ...refused.map(({ file, from, advice }) => {
        return `packages/${file} imports ${from.replace("node:", "")}: ${advice}`;
      }),
      "packages/resp/src/a.ts imports itself by way of packages/resp/src/b.ts, packages/resp/src/a.ts: Two files that need each other are one idea, or hide a third: move the shared part. (no-cycles)",
    ].sort(),
  );
});

/** Name and time of each file of the copy but for those of one package. */
function filesOutside(except: string, path = "."): string[] {
  return readdirSync(join(folder, path), { withFileTypes: true }).flatMap((entry) => {
    const name = join(path, entry.name);
    if (name === except || entry.isSymbolicLink()) return [];
    if (entry.isDirectory()) return filesOutside(except, name);
    return [`${name} ${statSync(join(folder, name), { bigint: true }).mtimeNs}`];
  });
}

function compile(path: string): number | null {
  const tsc = join(root, "node_modules/.bin/tsc");
  const { status } = spawnSync(tsc, ["-b", path], {
    cwd: folder,
    encoding: "utf8",
    shell: process.platform === "win32",
  });
  return status;
}

test("the compiler writes into the package that it compiles, and into no other", () => {
  plant("packages/commands/src/a.ts", 'import { it } from "@kv/core";\nexport const a = it;');
  expect(compile("packages/core")).toBe(0);
  expect(compile("packages/resp")).toBe(0);
  const before = filesOutside("packages/commands");
  expect(compile("packages/commands")).toBe(0);
  expect(filesOutside("packages/commands")).toEqual(before);
  const declaration = readFileSync(join(folder, "packages/commands/dist/a.d.ts"), "utf8");
  expect(declaration).toContain("export declare const a");
});

test("nor when an import leaves the package", () => {
  plant("packages/core/src/a.ts", 'export { it } from "../../engine/src/index.ts";');
  const before = filesOutside("packages/core");
  expect(compile("packages/core")).not.toBe(0);
  expect(filesOutside("packages/core")).toEqual(before);
});
