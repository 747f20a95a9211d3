import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { defineConfig, type Options } from "tsup";

/** Says in CommonJS what import.meta would; `resolveOfLua` sees what the package @kv/lua sees. */
const importMeta = `"use strict";
var fileUrl = require("node:url").pathToFileURL(__filename).href;
function resolveOfLua(name) {
  var lua = require("node:module").createRequire(require.resolve("@kv/lua/package.json"));
  return require("node:url").pathToFileURL(lua.resolve(name)).href;
}`;

/** Jest's jsdom, which plays a browser, has none among its globals. */
const textCodecs = `var { TextDecoder, TextEncoder } = require("node:util");`;

/** Types of an ES module for who says require(), also where the compiler knows of none that may be required. */
const typesForRequire = `import type * as server from "./index.js" with { "resolution-mode": "import" };
export type * from "./index.js" with { "resolution-mode": "import" };
export declare const createServer: typeof server.createServer;
export declare const ServerError: typeof server.ServerError;
export type ServerError = server.ServerError;
`;

/** All packages in one file: their sources, so that a build never mixes new code with older code. */
const everythingInOne = {
  format: "cjs",
  target: "node24",
  noExternal: [/^@kv\//, /^zod/],
  esbuildOptions(options) {
    options.conditions = ["@kv/source"];
    options.define = { "import.meta.url": "fileUrl", "import.meta.resolve": "resolveOfLua" };
    options.banner = { js: importMeta };
  },
} as const satisfies Options;

export default defineConfig([
  {
    entry: [
      ...["src/index.ts", "src/check-*.ts", "!src/*.test.ts"],
      "src/process/watchdog-thread.ts",
    ],
    format: "esm",
    target: "node24",
    // Declarations come from `tsc -b`, which checks all packages in one go; they must survive.
    clean: [
      "!**/*.d.ts",
      "!.tsbuildinfo",
      "!**/*.cjs",
      "!**/*.cjs.map",
      "!**/*.d.cts",
      "!**/*.cache",
    ],
    sourcemap: true,
  },
  {
    ...everythingInOne,
    // For require() in a loader that knows no ES modules, as Jest's: a file that needs no other, since
    // the packages that the server depends on are ES modules. Everybody else gets those packages.
    entry: ["src/index.ts"],
    esbuildOptions(options) {
      everythingInOne.esbuildOptions(options);
      options.banner = { js: `${importMeta}\n${textCodecs}` };
    },
    sourcemap: true,
    async onSuccess() {
      writeFileSync("dist/index.d.cts", typesForRequire);
    },
  },
  {
    ...everythingInOne,
    // The program, as a function: see bin/program.mjs. Its names stay as they are and its lines short,
    // for stack traces.
    entry: { program: "src/main.ts" },
    esbuildOptions(options) {
      everythingInOne.esbuildOptions(options);
      options.banner = { js: `(function (require, module, __filename) {${importMeta}` };
      options.footer = { js: "})" };
      options.minifyWhitespace = true;
      options.minifySyntax = true;
      options.lineLimit = 100;
    },
    async onSuccess() {
      execFileSync(process.execPath, ["src/build/compile-program.mjs"], { stdio: "inherit" });
    },
  },
]);
