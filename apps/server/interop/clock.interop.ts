/**
 * The wall clock of real processes is set by an hour, ahead and back, on a primary and on its replica: keys live
 * until their time of day, and nothing else takes notice.
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { ServerProcess } from "@kv/testing";
import { afterAll, afterEach, describe, expect, test, vi } from "vitest";
import { programs } from "./both-servers.ts";

const HOUR_MS = 3_600_000;
const folder = mkdtempSync(join(tmpdir(), "kv-clock-"));
const running: ServerProcess[] = [];

afterEach(async () => {
  await Promise.all(running.splice(0).map((server) => server.stop()));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A server whose wall clock is set by as much as the function says. */
async function withClock(config: Record<string, string | number> = {}) {
  const index = running.length;
  const stepFile = join(folder, `step-${index}`);
  const preload = join(folder, `preload-${index}.mjs`);
  writeFileSync(stepFile, "0");
  writeFileSync(
    preload,
    `import { readFileSync } from "node:fs";
     const now = Date.now;
     let step = 0;
     Date.now = () => now() + step;
     process.on("SIGUSR2", () => { step = Number(readFileSync(${JSON.stringify(stepFile)}, "utf8")); });`,
  );
  const [node = "", ...words] = programs.ours;
  const server = await ServerProcess.start({
    program: [node, "--import", pathToFileURL(preload).href, ...words],
    config,
  });
  running.push(server);
  const client = await server.connect();
  const ask = (...request: (string | number)[]) => client.request(...request);
  const setClock = async (stepMs: number) => {
    const secondsNow = async () => Number(/\$\d+\r\n(\d+)/.exec(await ask("TIME"))?.[1]);
    const before = await secondsNow();
    writeFileSync(stepFile, `${stepMs}`);
    server.signal("SIGUSR2");
    await vi.waitFor(
      async () => expect(Math.abs((await secondsNow()) - before)).toBeGreaterThan(1000),
      5000,
    );
  };
  return { server, ask, setClock };
}

describe.runIf(programs.ours.length > 1)("a clock that is set", () => {
  test.each([
    { way: "ahead", stepMs: HOUR_MS },
    { way: "back", stepMs: -HOUR_MS },
  ])(
    "$way",
    async ({ stepMs }) => {
      const primary = await withClock({ timeout: 60, appendonly: "yes" });
      const replica = await withClock({ replicaof: `127.0.0.1 ${primary.server.port}` });
      await vi.waitFor(
        async () => expect(await replica.ask("INFO", "replication")).toMatch(/link_status:up/),
        10_000,
      );
      const idle = await primary.server.connect();
      await idle.request("PING");
      const waiting = await primary.server.connect();
      await primary.ask("SET", "k", "v", "PX", 60_000);
      const startMs = performance.now();
      const waited = waiting.request("BLPOP", "none", 3).then(() => performance.now() - startMs);
      await primary.setClock(stepMs);
      await replica.setClock(-stepMs);

      expect(await primary.ask("EXISTS", "k")).toBe(stepMs > 0 ? ":0\r\n" : ":1\r\n");
      await primary.ask("SET", "later", "v");
      expect(await primary.ask("WAIT", 1, 10_000)).toBe(":1\r\n");
      expect(await primary.ask("WAITAOF", 1, 0, 10_000)).toMatch(/^\*2\r\n:1\r\n/);
      expect(await waited).toBeGreaterThan(2900);
      expect(await waited).toBeLessThan(30_000);
      expect(await idle.request("PING")).toBe("+PONG\r\n");
      expect(await replica.ask("INFO", "replication")).toMatch(/link_status:up/);
      expect(await primary.ask("INFO", "stats")).toMatch(/sync_full:1\r\nsync_partial_ok:0\r\n/);
      expect(primary.server.log).toContain("The system's clock was set");
      expect(replica.server.log).toContain("The system's clock was set");
    },
    60_000,
  );
});
