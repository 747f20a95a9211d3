import { defineConfig } from "vitest/config";

/**
 * Tests that run the built server, redis-server and client libraries against each other. They need
 * redis-server and redis-cli on the PATH and `turbo run build` before.
 */
// "import" and "require" are added where they apply. Named here, require() would be given modules.
const conditions = ["@kv/source", "module", "node"];

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions, externalConditions: conditions } },
  test: {
    include: ["apps/server/interop/**/*.interop.ts"],
    // Real processes compete for the cores; one file at a time keeps their timing honest.
    fileParallelism: false,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
