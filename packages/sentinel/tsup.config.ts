import { defineConfig } from "tsup";

export default defineConfig({
  entry: ["src/index.ts"],
  format: "esm",
  target: "node24",
  // Declarations come from `tsc -b`, which checks all packages in one go; they must survive.
  clean: ["!**/*.d.ts", "!.tsbuildinfo"],
  sourcemap: true,
});
