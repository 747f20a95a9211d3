/** The README's example has to run as it stands there. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";

const folder = mkdtempSync(join(tmpdir(), "config-readme-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("the example in the README says what it should", () => {
  const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
  const example = /```ts\n([\s\S]*?)```/.exec(readme)?.[1] ?? "";
  const entry = new URL("./index.ts", import.meta.url).href;
  const file = join(folder, "example.ts");
  writeFileSync(file, example.replace('"@kv/config"', JSON.stringify(entry)));

  const { stdout, stderr } = spawnSync(process.execPath, [file], { encoding: "utf8" });
  expect(stderr).toBe("");
  expect(stdout.replace(/\s+/g, " ")).toBe(
    "1048576 verbose " +
      "ERR CONFIG SET failed (possibly related to argument 'port') - Unable to listen " +
      "[ [ 'maxmemory', '2147483648' ], [ 'timeout', '0' ] ] " +
      "[ '# mine', 'port 7000', 'maxmemory 2gb' ] true ",
  );
});
