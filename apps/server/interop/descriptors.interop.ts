/**
 * No descriptor is left: who is connected is served, who comes is let go, what needs a file fails and says
 * so; and all of it is over as soon as there are some again.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { ServerProcess } from "@kv/testing";
import { afterEach, expect, test, vi } from "vitest";
import { startOurs } from "./both-servers.ts";

const hasLimits = spawnSync("prlimit", ["--version"]).status === 0;
if (!hasLimits) console.warn("left out: taking descriptors away needs prlimit");

let server: ServerProcess | undefined;
afterEach(() => server?.stop());

test.skipIf(!hasLimits)("a server without descriptors", { timeout: 60_000 }, async () => {
  server = await startOurs({ config: { appendonly: "yes" } });
  const { port, pid } = server;
  const client = await server.connect();
  const ask = (...words: string[]) => client.request(...words);
  await ask("SET", "k", "v");
  execFileSync("prlimit", ["--pid", `${pid}`, "--nofile=40:1024"]);
  const crowd: Socket[] = [];
  const ends = Array.from({ length: 60 }, () => {
    const socket = connect(port, "127.0.0.1");
    crowd.push(socket);
    socket.on("error", () => {});
    return new Promise((resolve) => socket.once("close", resolve));
  });
  await Promise.race(ends);

  expect(await ask("SET", "k", "w")).toBe("+OK\r\n");
  const state = () => ask("INFO", "persistence");
  await ask("BGSAVE");
  await vi.waitFor(
    async () => expect(await state()).toMatch(/rdb_last_bgsave_status:err\r\n/),
    10_000,
  );
  await ask("BGREWRITEAOF");
  await vi.waitFor(
    async () => expect(await state()).toMatch(/aof_last_bgrewrite_status:err\r\n/),
    10_000,
  );
  await vi.waitFor(() => {
    const log = server?.log;
    expect(log).toMatch(/Failed opening the temp RDB file for saving: Too many open files\n/i);
    expect(log).toMatch(/AOF rewrite terminated with error: Too many open files\n/i);
  }, 10_000);

  // Long enough for all that is done once a second.
  await sleep(1200);
  expect(await ask("GET", "k")).toBe("$1\r\nw\r\n");

  for (const socket of crowd) socket.destroy();
  await vi.waitFor(async () => {
    await ask("BGSAVE");
    await ask("BGREWRITEAOF");
    expect(await state()).toMatch(/rdb_last_bgsave_status:ok\r\n/);
    expect(await state()).toMatch(/aof_last_bgrewrite_status:ok\r\n/);
  }, 20_000);
  const late = await server.connect();
  expect(await late.request("GET", "k")).toBe("$1\r\nw\r\n");
});
