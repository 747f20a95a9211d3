/** What holds for every package that goes to the registry, and for the notes to their users. */
import { spawnSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));

interface Manifest {
  name: string;
  private?: boolean;
  description: string;
  keywords: string[];
  homepage: string;
  bugs: string;
  license: string;
  repository: { type: string; url: string; directory?: string };
  engines: { node: string };
  scripts: Record<string, string>;
}

const manifestOf = (path: string): Manifest =>
  JSON.parse(readFileSync(join(root, path, "package.json"), "utf8"));

const folders = ["packages", "apps"]
  .flatMap((area) => readdirSync(join(root, area)).map((name) => `${area}/${name}`))
  .filter((path) => existsSync(join(root, path, "package.json")));
const published = folders.filter((path) => !manifestOf(path).private);
const site = manifestOf(".").repository.url.replace(/^git\+(.*)\.git$/, "$1");

test.each(published)("%s says what it is, where it lives and where to complain", (path) => {
  const manifest = manifestOf(path);
  expect(manifest.repository).toEqual({
    type: "git",
    url: manifestOf(".").repository.url,
    directory: path,
  });
  expect(manifest.homepage).toBe(`${site}/tree/main/${path}#readme`);
  expect(manifest.bugs).toBe(`${site}/issues`);
  expect(manifest.keywords.length).toBeGreaterThan(3);
  expect(new Set(manifest.keywords).size).toBe(manifest.keywords.length);
  expect(manifest.description).not.toBe("");
  expect(manifest.license).toBe("MIT");
  expect(manifest.engines).toEqual(manifestOf(".").engines);
});

test("what was never built is packed with code and types", () => {
  const copy = mkdtempSync(join(tmpdir(), "kv-pack-"));
  try {
    for (const file of ["package.json", "pnpm-workspace.yaml", "pnpm-lock.yaml", "turbo.json"]) {
      cpSync(join(root, file), join(copy, file));
    }
    for (const file of ["tsconfig.base.json", "platform.d.ts", "LICENSE", "packages/resp"]) {
      const isSource = (path: string) => !/[\\/](dist|node_modules|\.turbo)$/.test(path);
      cpSync(join(root, file), join(copy, file), { recursive: true, filter: isSource });
    }
    symlinkSync(join(root, "node_modules"), join(copy, "node_modules"));
    const bin = join(root, "node_modules/.bin");
    const shell = process.platform === "win32";
    const packed = spawnSync(join(bin, "pnpm"), ["--dir", "packages/resp", "pack", "--json"], {
      cwd: copy,
      encoding: "utf8",
      env: { ...process.env, TURBO_FORCE: "true" },
      shell,
    });
    expect(packed.stderr + packed.stdout).toContain("dist/index.d.ts");
    expect(packed.status).toBe(0);
    for (const file of ["index.js", "index.d.ts", "request-parser.d.ts"]) {
      expect(packed.stdout).toContain(`"dist/${file}"`);
    }
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
});

test("every published package packs by the same steps", () => {
  for (const path of published) {
    expect(manifestOf(path).scripts.prepack).toBe(manifestOf("packages/resp").scripts.prepack);
  }
});

const notes = readdirSync(join(root, ".changeset")).filter((name) => name.endsWith(".md"));

test("changesets name published packages and have a sentence for their users", () => {
  const names = new Set(published.map((path) => manifestOf(path).name));
  for (const note of notes) {
    const text = readFileSync(join(root, ".changeset", note), "utf8");
    const [, head = "", body = ""] = /^---\n([\s\S]*?)\n---\n\n([\s\S]+)$/.exec(text) ?? [];
    const bumps = head.split("\n").map((line) => /^"(.+)": (major|minor|patch)$/.exec(line)?.[1]);
    expect({ note, unknown: bumps.filter((name) => !names.has(name ?? "")) }).toEqual({
      note,
      unknown: [],
    });
    expect(body.trim()).toMatch(/[.]$/);
  }
});

test("the formatter leaves changesets and changelogs alone", () => {
  const { files } = JSON.parse(readFileSync(join(root, "biome.json"), "utf8"));
  expect(files.includes).toContain("!.changeset/*.md");
  expect(files.includes).toContain("!**/CHANGELOG.md");
});
