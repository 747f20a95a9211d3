import { globSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { directives } from "@kv/config";
import { expect, test } from "vitest";
import { engineDirectives } from "../configuration.ts";

/** Named in the source, but only to show a value, or as another word. */
const onlyShown = ["bind", "port", "repl-backlog-size", "supervised", "unixsocket"];

test("the directives said to have an effect are those that the source reads", () => {
  const names = new Set<string>(directives.map(({ name }) => name));
  const folder = fileURLToPath(new URL("../", import.meta.url));
  const read = new Set<string>();
  for (const file of globSync("**/*.ts", { cwd: folder })) {
    if (file.endsWith(".test.ts")) continue;
    for (const [, word] of readFileSync(`${folder}${file}`, "utf8").matchAll(/"([a-z0-9.-]+)"/g))
      if (word !== undefined && names.has(word)) read.add(word);
  }
  for (const name of onlyShown) read.delete(name);
  expect(engineDirectives()).toEqual([...read].sort());
});
