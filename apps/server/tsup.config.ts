import { defineConfig } from "tsup";

export default defineConfig({
  entry: [
    ...["src/index.ts", "src/main.ts", "src/check-*.ts", "!src/*.test.ts"],
    "src/process/watchdog-thread.ts",
  ],
  format: "esm",
  target: "node24",
  // Declarations come from `tsc -b`, which checks all packages in one go; they must survive.
  clean: ["!**/*.d.ts", "!.tsbuildinfo"],
  sourcemap: true,
  // One file to load instead of a hundred: the server is ready in a third of the time.
  noExternal: [/^@kv\//, /^zod/],
  esbuildOptions(options) {
    // The packages' sources, so that a build never mixes new code with their older dist.
    options.conditions = ["@kv/source"];
  },
});
