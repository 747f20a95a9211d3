/**
 * Every scenario once, at its tiniest, against whichever servers are here: a benchmark that
 * nobody runs stops working. The figures mean nothing; that there are figures is the test.
 */
import { platform } from "node:os";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { type Context, sizes } from "./scenario.ts";
import { scenarios } from "./scenarios/index.ts";
import { isInstalled, ourServer, referenceServer } from "./servers.ts";

const redis = referenceServer("redis-server");
const built = ourServer(fileURLToPath(new URL("../../server/bin/kv-server.mjs", import.meta.url)));

const reason =
  platform() !== "linux"
    ? "CPU time is read from Linux's /proc"
    : isInstalled(redis)
      ? undefined
      : "redis-server is not installed";

describe.runIf(reason === undefined)("at a tiny size", () => {
  // Without a build of our own the harness is still worth a test: redis-server plays both parts.
  const ours = isInstalled(built) ? built : { ...redis, name: "ours" as const };
  const context: Context = { ours, redis, sizes: sizes.tiny, rounds: 1, say: () => {} };

  test.each([...scenarios])(
    "%s gives a full table, or says why not",
    { timeout: 120_000 },
    async (name, scenario) => {
      const section = await scenario(context);
      expect(section.name).toBe(name);
      expect(section.tables.length + section.remarks.length).toBeGreaterThan(0);
      // Where all is left out, the section says for want of what.
      if (section.remarks.length > 0 && section.claims.length === 0) return;
      for (const { columns, rows } of section.tables) {
        expect(rows.length).toBeGreaterThan(0);
        for (const row of rows) expect(row).toHaveLength(columns.length);
      }
    },
  );
});

if (reason !== undefined) {
  test(`no smoke test: ${reason}`, () => console.warn(`the smoke test was left out: ${reason}`));
}
