/** Every example of the README is run as it stands there. */
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { runReadmeExample } from "@kv/testing";
import { expect, test } from "vitest";

const run = promisify(execFile);
const folder = fileURLToPath(new URL("..", import.meta.url));
const root = fileURLToPath(new URL("../../..", import.meta.url));
const readme = readFileSync(join(folder, "README.md"), "utf8");

/** The block of code whose fence carries this name. */
function example(name: string): string {
  const block = new RegExp(`\`\`\`${name}\\n([\\s\\S]*?)\`\`\``).exec(readme)?.[1];
  if (block === undefined) throw new Error(`the README has no example called ${name}`);
  return block;
}

test("the example of the README prints what it says", () => {
  const { printed, promised, trouble } = runReadmeExample(import.meta.url);
  expect(trouble).toBe("");
  expect(promised.length).toBeGreaterThan(0);
  expect(printed).toEqual(promised);
});

test("all examples are tested", () => {
  const names = [...readme.matchAll(/^```((?:js|ts)\b.*)$/gm)].map(([, name]) => name);
  expect(names).toEqual([
    "ts",
    "js errors",
    "js tls",
    "js ioredis",
    "js node-redis",
    "js vitest",
    "ts module",
  ]);
});

test.each(["js errors", "js tls", "js ioredis", "js node-redis", "ts module"])(
  "%s",
  async (name) => {
    const code = example(name);
    const promised = [...code.matchAll(/console\.log\(.*\/\/ (.*)$/gm)].map(([, line]) => line);
    expect(promised.length).toBeGreaterThan(0);
    const kind = name.startsWith("ts") ? "module-typescript" : "module";
    const words = ["--conditions=@kv/source", `--input-type=${kind}`, "--eval", code];
    const { stdout, stderr } = await run(process.execPath, words, { cwd: folder, timeout: 20_000 });
    expect(stderr).toBe("");
    expect(stdout.trim().split("\n")).toEqual(promised);
  },
);

test("js vitest", async () => {
  // Beside the sources, for there the names of the packages mean them.
  const place = mkdtempSync(join(folder, ".readme-"));
  try {
    writeFileSync(join(place, "example.test.js"), example("js vitest"));
    const conditions = ["@kv/source", "module", "node", "import", "default"];
    const config = {
      resolve: { conditions },
      ssr: { resolve: { conditions, externalConditions: conditions } },
      test: { include: ["*.test.js"] },
    };
    writeFileSync(join(place, "vitest.config.mjs"), `export default ${JSON.stringify(config)};`);
    const vitest = join(root, "node_modules/vitest/vitest.mjs");
    const { stdout } = await run(process.execPath, [vitest, "run", "--root", place], {
      cwd: place,
      env: { ...process.env, NO_COLOR: "1" },
    });
    expect(stdout).toMatch(/Tests {2}1 passed/);
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
});
