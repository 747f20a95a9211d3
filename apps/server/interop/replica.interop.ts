/**
 * Ours as a replica of redis-server, and in chains of three with it: data set, stream, lost links, changes
 * of the primary, restarts.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hasRedisServer, type ServerOptions, type ServerProcess } from "@kv/testing";
import { afterEach, describe, expect, test } from "vitest";
import { startOurs, startRedis } from "./both-servers.ts";
import { changes, content, field, numbers, send, stateOf } from "./replicated.ts";

type Start = (options?: ServerOptions) => Promise<ServerProcess>;

const limits = { timeout: 20_000, interval: 50 };

describe.runIf(hasRedisServer())("a replica of ours", () => {
  const servers: ServerProcess[] = [];
  afterEach(async () => {
    await Promise.all(servers.splice(0).map((server) => server.stop()));
  });

  async function started(start: Start, options: ServerOptions = {}): Promise<ServerProcess> {
    const config = { "repl-diskless-sync-delay": 0, ...options.config };
    const server = await start({ ...options, config });
    servers.push(server);
    return server;
  }
  const following = (start: Start, { port }: ServerProcess, config: ServerOptions["config"] = {}) =>
    started(start, { config: { replicaof: `127.0.0.1 ${port}`, ...config } });

  /** All of them have what the first has, and are where it is. */
  async function areEqual(...all: ServerProcess[]): Promise<void> {
    const [first, ...others] = all as [ServerProcess, ...ServerProcess[]];
    await expect.poll(() => send(first, ["EXISTS", "short"]), limits).toBe(":0\r\n");
    for (const other of others) {
      const isThere = async () =>
        (await field(other, "master_repl_offset")) === (await field(first, "master_repl_offset"));
      await expect.poll(() => field(other, "master_link_status"), limits).toBe("up");
      await expect.poll(isThere, limits).toBe(true);
      expect(await stateOf(other)).toEqual(await stateOf(first));
      expect(await field(other, "master_replid")).toBe(await field(first, "master_replid"));
    }
  }

  const ways: readonly ServerOptions["config"][] = [
    {},
    { "repl-diskless-load": "swapdb" },
    { "repl-diskless-load": "on-empty-db", appendonly: "yes" },
  ];
  test.each(ways)("has what redis-server has, and goes on where it stood: %j", async (config) => {
    for (const isDiskless of ["yes", "no"]) {
      const redis = await started(startRedis, { config: { "repl-diskless-sync": isDiskless } });
      await send(redis, ...content);
      const ours = await following(startOurs, redis, config);
      await areEqual(redis, ours);
      await send(redis, ...changes);
      await areEqual(redis, ours);
      expect(await send(redis, ["CLIENT", "KILL", "TYPE", "replica"])).toBe(":1\r\n");
      await send(redis, ...changes);
      await areEqual(redis, ours);
      expect(await field(redis, "sync_full")).toBe("1");
      expect(await field(redis, "sync_partial_ok")).toBe("1");
      expect(await send(redis, ["SET", "w", 1], ["WAIT", 1, 2000])).toBe(":1\r\n");
    }
  });

  test.each([
    ["redis-server, ours, redis-server", startRedis, startOurs, startRedis],
    ["ours, redis-server, ours", startOurs, startRedis, startOurs],
    ["ours, ours, ours", startOurs, startOurs, startOurs],
  ] as [string, Start, Start, Start][])("a chain of %s", async (_name, ...starts) => {
    const first = await started(starts[0]);
    await send(first, ...content);
    const second = await following(starts[1], first);
    await areEqual(first, second);
    const third = await following(starts[2], second);
    await areEqual(first, second, third);
    await send(first, ...changes);
    await areEqual(first, second, third);

    // The primary is gone: the second takes the lead, the third goes on, the first comes back behind it.
    await send(second, ["REPLICAOF", "NO", "ONE"]);
    await send(second, ...changes);
    await areEqual(second, third);
    expect(await field(third, "sync_full")).toBe("0");
    await send(first, ["REPLICAOF", "127.0.0.1", second.port]);
    await areEqual(second, third, first);
    expect(await field(second, "sync_full")).toBe("1");
  });

  test("comes back from its file, and asks for no more than it has missed", async () => {
    const folder = mkdtempSync(join(tmpdir(), "kv-replica-"));
    try {
      const redis = await started(startRedis);
      await send(redis, ...content);
      const options = { folder, config: { replicaof: `127.0.0.1 ${redis.port}`, save: "3600 1" } };
      const before = await started(startOurs, options);
      await areEqual(redis, before);
      await before.stop();
      await send(redis, ...changes);
      const ours = await started(startOurs, options);
      await areEqual(redis, ours);
      expect(await field(redis, "sync_full")).toBe("1");
      expect(await field(redis, "sync_partial_ok")).toBe("1");
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  test("with a password, and with a user that may do no more than that", async () => {
    const redis = await started(startRedis, { config: { requirepass: "secret" } });
    await send(redis, ["AUTH", "secret"], ...content);
    const ours = await following(startOurs, redis, { masterauth: "wrong" });
    await expect.poll(() => ours.log, limits).toContain("Unable to AUTH to MASTER: -WRONGPASS");
    await send(ours, ["CONFIG", "SET", "masterauth", "secret"]);
    await expect.poll(() => field(ours, "master_link_status"), limits).toBe("up");
    await send(
      redis,
      ["AUTH", "secret"],
      [...["ACL", "SETUSER", "replica", "on", ">word", "+psync", "+replconf", "+ping"]],
    );
    await send(ours, ["CONFIG", "SET", "masteruser", "replica", "masterauth", "word"]);
    await send(ours, ["CLIENT", "KILL", "TYPE", "master"]);
    await expect.poll(() => field(ours, "master_link_status"), limits).toBe("up");
    expect(await send(redis, ["AUTH", "secret"], ["CLIENT", "LIST", "TYPE", "replica"])).toContain(
      "user=replica",
    );
  });

  test("of a large data set under writes, loading meanwhile", async () => {
    const redis = await started(startRedis);
    await send(redis, ["DEBUG", "POPULATE", 200_000, "key", 100]);
    const ours = await started(startOurs);
    await send(ours, ["REPLICAOF", "127.0.0.1", redis.port]);
    const client = await redis.connect();
    const script = "for i = 1, 200 do redis.call('SET', 'key:' .. i * 997 + ARGV[1], ARGV[1]) end";
    for (const round of numbers(200)) await client.request("EVAL", script, 0, round);
    await areEqual(redis, ours);
    client.close();
  });
});
