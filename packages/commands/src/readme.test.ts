/** The README's example has to run as it stands there. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const folder = fileURLToPath(new URL("..", import.meta.url));

test("the README's example prints what it says", () => {
  const example = /```ts\n([\s\S]*?)```/.exec(readFileSync(`${folder}README.md`, "utf8"))?.[1];
  const promised = [...(example ?? "").matchAll(/^console\.log.*\/\/ (.*)$/gm)].map(
    ([, text]) => text,
  );
  const flags = ["--conditions=@kv/source", "--input-type=module-typescript", "--eval"];
  const printed = execFileSync(process.execPath, [...flags, example ?? ""], { cwd: folder });
  expect(promised).not.toEqual([]);
  expect(printed.toString().trimEnd().split("\n")).toEqual(promised);
});
