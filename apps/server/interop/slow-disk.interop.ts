/**
 * A disk whose syncs take three seconds, as strace makes one: under `everysec` nobody waits for them, and the
 * server says and counts that the disk is slow, as redis-server does.
 */
import { spawnSync } from "node:child_process";
import { hasRedisServer, ServerProcess } from "@kv/testing";
import { afterEach, expect, test, vi } from "vitest";
import { programs } from "./both-servers.ts";

const strace = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", "trace=fdatasync"];
const slowly = [...strace, "-e", "inject=fdatasync:delay_exit=3000000"];
const hasStrace = spawnSync("strace", ["-qq", "-o", "/dev/null", "true"]).status === 0;
if (!hasStrace) console.warn("left out: making a disk slow needs strace");

let server: ServerProcess | undefined;
afterEach(async () => {
  // Without its tracer it would go on by itself.
  const client = await server?.connect().catch(() => undefined);
  await client?.request("SHUTDOWN", "NOSAVE", "NOW", "FORCE").catch(() => {});
  await server?.exited;
  await server?.stop();
});

const names = (Object.keys(programs) as (keyof typeof programs)[]).filter(
  (name) => name === "ours" || hasRedisServer(),
);

test.skipIf(!hasStrace).each(names)(
  "a disk that is slow, under %s",
  { timeout: 90_000 },
  async (name) => {
    server = await ServerProcess.start({
      program: [...slowly, ...programs[name]],
      config: { appendonly: "yes" },
    });
    const client = await server.connect();
    const field = async (of: string) =>
      Number(new RegExp(`${of}:(\\d+)`).exec(await client.request("INFO", "persistence"))?.[1]);
    let longestMs = 0;
    let count = 0;
    await vi.waitFor(
      async () => {
        const startMs = performance.now();
        expect(await client.request("SET", `k${count++}`, "v")).toBe("+OK\r\n");
        longestMs = Math.max(longestMs, performance.now() - startMs);
        expect(await field("aof_delayed_fsync")).toBeGreaterThanOrEqual(2);
      },
      { timeout: 40_000, interval: 50 },
    );
    expect(longestMs).toBeLessThan(2500);
    expect(server.log).toContain("Asynchronous AOF fsync is taking too long (disk is busy?)");
    expect(await client.request("WAITAOF", "1", "0", "20000").catch(() => "")).toMatch(
      name === "ours" ? /^\*2\r\n:1\r\n/ : /./,
    );
    expect(await client.request("DBSIZE")).toBe(`:${count}\r\n`);
  },
);
