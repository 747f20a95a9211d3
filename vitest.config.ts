import { tmpdir } from "node:os";
import { join } from "node:path";
import { defineConfig } from "vitest/config";

// Tests run from source: this condition picks `src/*.ts` in the exports of every @kv package.
const conditions = ["@kv/source", "module", "node", "import", "default"];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
  test: {
    // A command that was just added is in its group's index before the first test asks for it.
    // And it is on the page of commands.
    globalSetup: ["scripts/generate-indexes.mjs", "scripts/commands-page.mjs"],
    include: [
      "packages/*/src/**/*.test.ts",
      "apps/*/src/**/*.test.ts",
      // What holds for the repository as a whole.
      "scripts/*.test.ts",
    ],
    // Servers that tests start from the sources: each would compile all of them anew.
    env: { NODE_COMPILE_CACHE: join(tmpdir(), "kv-compile-cache") },
    // Property tests share two cores with each other; the limit is there to catch a hang.
    testTimeout: 30_000,
    hookTimeout: 30_000,
  },
});
