import { writeFileSync } from "node:fs";
import { defineConfig } from "tsup";

export default defineConfig([
  {
    entry: [
      ...["src/index.ts", "src/main.ts", "src/check-*.ts", "!src/*.test.ts"],
      "src/process/watchdog-thread.ts",
    ],
    format: "esm",
    target: "node24",
    // Declarations come from `tsc -b`, which checks all packages in one go; they must survive.
    clean: ["!**/*.d.ts", "!.tsbuildinfo", "!**/*.cjs", "!**/*.cjs.map", "!**/*.d.cts"],
    sourcemap: true,
  },
  {
    // For require() in a loader that knows no ES modules, as Jest's: a file that needs no other, since
    // the packages that the server depends on are ES modules. Everybody else gets those packages.
    entry: ["src/index.ts"],
    format: "cjs",
    target: "node24",
    sourcemap: true,
    noExternal: [/^@kv\//, /^zod/],
    esbuildOptions(options) {
      // The packages' sources, so that a build never mixes new code with their older dist.
      options.conditions = ["@kv/source"];
    },
    async onSuccess() {
      writeFileSync("dist/index.d.cts", 'export * from "./index.js";\n');
    },
  },
]);
