/**
 * packages/sentinel/docs/watching.md says what is so: its commands, on two servers of ours and three sentinels
 * with the lines of the page.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hasRedisServer, type ServerProcess } from "@kv/testing";
import { afterAll, describe, expect, test } from "vitest";
import { startOurs } from "./both-servers.ts";
import { runSteps } from "./documented-steps.ts";

const page = new URL("../../../packages/sentinel/docs/watching.md", import.meta.url);

/** The lines that the page gives a sentinel, for a primary at that port. */
function sentinelLines(port: number): string {
  const [, file = ""] = /^```conf\n(.*?)^```$/ms.exec(readFileSync(page, "utf8")) ?? [];
  const lines = file.split("\n").filter((line) => line.startsWith("sentinel "));
  expect(lines.length).toBeGreaterThan(1);
  return lines.join("\n").replace(" 6379 ", ` ${port} `);
}

// redis-cli comes with redis-server.
describe.runIf(hasRedisServer())("sentinels that watch kv", () => {
  const folder = mkdtempSync(join(tmpdir(), "kv-watching-"));
  const running: ServerProcess[] = [];
  afterAll(async () => {
    await Promise.all(running.map((server) => server.stop()));
    rmSync(folder, { recursive: true, force: true });
  });

  async function server(port?: number): Promise<ServerProcess> {
    const replicaof = port === undefined ? null : `127.0.0.1 ${port}`;
    const started = await startOurs({ config: { "repl-diskless-sync-delay": 0, replicaof } });
    running.push(started);
    return started;
  }

  async function sentinel(number: number, lines: string): Promise<ServerProcess> {
    const file = join(folder, `sentinel-${number}.conf`);
    writeFileSync(file, lines);
    const config = { unixsocket: null, save: null, "enable-debug-command": null };
    const started = await startOurs({ args: [file, "--sentinel"], config });
    running.push(started);
    // So that a test need not wait for minutes.
    const client = await started.connect();
    await client.request("SENTINEL", "DEBUG", "info-period", 1000, "publish-period", 500);
    client.close();
    return started;
  }

  test("the page's commands answer what it shows", async () => {
    const first = await server();
    const second = await server(first.port);
    const lines = sentinelLines(first.port);
    const [asked] = await Promise.all([1, 2, 3].map((number) => sentinel(number, lines)));
    if (asked === undefined) throw new Error("no sentinel");
    const roles = [
      { name: "first", port: 6379, server: first },
      { name: "second", port: 6380, server: second },
      { name: "sentinel", port: 26_379, server: asked },
    ];
    expect(await runSteps(page, roles)).toBeGreaterThan(10);
  });
});
