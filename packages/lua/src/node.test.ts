import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { luaBytes } from "./node.ts";

/** As a loader does it that makes CommonJS modules of ES modules: all that it keeps is the address. */
const withoutResolve = `data:text/javascript,
  import { registerHooks } from "node:module";
  registerHooks({
    load(url, context, next) {
      const loaded = next(url, context);
      if (!url.endsWith("/lua/src/node.ts")) return loaded;
      return { ...loaded, source: String(loaded.source).replaceAll("import.meta.resolve", "undefined") };
    },
  });`;

test("the machine is found where import.meta has an address and nothing else", () => {
  const file = new URL("./node.ts", import.meta.url);
  const code = `import { luaBytes } from "${file}"; console.log(luaBytes().length);`;
  const words = ["--import", withoutResolve, "--input-type=module", "--eval", code];
  expect(execFileSync(process.execPath, words, { encoding: "utf8" })).toBe(
    `${luaBytes().length}\n`,
  );
});
