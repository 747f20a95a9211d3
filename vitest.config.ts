import { tmpdir } from "node:os";
import { join } from "node:path";
import { defineConfig } from "vitest/config";

// Tests run from source: this condition picks `src/*.ts` in the exports of every @kv package.
const conditions = ["@kv/source", "module", "node", "import", "default"];

/** They put something of their own in the place of a module, or of what it stands on, which nobody else must see. */
const alone = [
  "packages/engine/src/directive-rows.test.ts",
  "packages/lua/src/webassembly.test.ts",
  "packages/persistence/src/another-format.test.ts",
  "packages/testing/src/toy-pair/toy-kind.test.ts",
];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
  test: {
    // A command that was just added is in its group's index before the first test asks for it.
    // And it is on the page of commands, as a directive is on that of directives.
    globalSetup: [
      "scripts/generate-indexes.mjs",
      "scripts/commands-page.mjs",
      "scripts/directives-page.mjs",
    ],
    setupFiles: ["scripts/commit-seed.ts"],
    // Servers that tests start from the sources: each would compile all of them anew.
    env: { NODE_COMPILE_CACHE: join(tmpdir(), "kv-compile-cache") },
    // Otherwise one core is left alone, which is half of a machine of two.
    maxWorkers: "100%",
    // Property tests share two cores with each other; the limit is there to catch a hang.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    projects: [
      {
        extends: true,
        test: {
          name: "packages",
          include: ["packages/*/src/**/*.test.ts"],
          exclude: alone,
          // The modules of packages have no state, so one reading of them serves all files: a
          // third of the time would go into reading them anew.
          isolate: false,
        },
      },
      {
        extends: true,
        test: {
          name: "alone",
          // And what holds for the repository as a whole.
          include: [...alone, "apps/*/src/**/*.test.ts", "scripts/*.test.ts"],
        },
      },
    ],
  },
});
