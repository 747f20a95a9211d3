/**
 * What a primary promises of its replicas, with redis-server on the other end: WAIT, min-replicas-to-write,
 * and FAILOVER, by which the two change places, both ways.
 */
import { hasRedisServer, type ServerProcess } from "@kv/testing";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { startOurs, startRedis } from "./both-servers.ts";
import { field, send } from "./replicated.ts";

const limits = { timeout: 15_000, interval: 50 };

describe.runIf(hasRedisServer())("a primary and its replica", () => {
  let ours: ServerProcess;
  let redis: ServerProcess;

  beforeEach(async () => {
    ours = await startOurs({ config: { "repl-diskless-sync-delay": 0 } });
    redis = await startRedis({ config: { "repl-diskless-sync-delay": 0 } });
  });
  afterEach(async () => {
    await Promise.all([ours?.stop(), redis?.stop()]);
  });

  async function follows(replica: ServerProcess, primary: ServerProcess): Promise<void> {
    await send(replica, ["REPLICAOF", "127.0.0.1", primary.port]);
    await expect.poll(() => field(replica, "master_link_status"), limits).toBe("up");
    await expect.poll(() => field(primary, "slave0"), limits).toContain("state=online");
  }

  test("min-replicas-to-write: writes go on as long as redis-server follows", async () => {
    await send(ours, ["CONFIG", "SET", "min-replicas-to-write", 1, "min-replicas-max-lag", 2]);
    const refused = "-NOREPLICAS Not enough good replicas to write.\r\n";
    expect(await send(ours, ["SET", "k", 1])).toBe(refused);
    await follows(redis, ours);
    await expect.poll(() => field(ours, "min_slaves_good_slaves"), limits).toBe("1");
    expect(await send(ours, ["SET", "k", 1], ["WAIT", 1, 5000])).toBe(":1\r\n");
    // redis-server 7.0 does not tell what it has on disk.
    expect(await send(ours, ["SET", "k", 1], ["WAITAOF", 0, 1, 100])).toBe("*2\r\n:0\r\n:0\r\n");
    process.kill(redis.pid, "SIGSTOP");
    try {
      expect(await send(ours, ["SET", "k", 2], ["WAIT", 1, 200])).toBe(":0\r\n");
      await expect.poll(() => send(ours, ["SET", "k", 3]), limits).toBe(refused);
    } finally {
      process.kill(redis.pid, "SIGCONT");
    }
    await expect.poll(() => send(ours, ["SET", "k", 4]), limits).toBe("+OK\r\n");
  });

  const ways: [string, () => [ServerProcess, ServerProcess]][] = [
    ["ours to redis-server and back", () => [ours, redis]],
    ["redis-server to ours and back", () => [redis, ours]],
  ];
  test.each(ways)("FAILOVER: %s", async (_name, of) => {
    const [first, second] = of();
    await send(first, ["SET", "before", "v"]);
    await follows(second, first);
    for (const [from, to] of [
      [first, second],
      [second, first],
    ] as const) {
      await send(from, ["INCR", "count"], ["WAIT", 1, 5000]);
      expect(await send(from, ["FAILOVER", "TO", "127.0.0.1", to.port, "TIMEOUT", 10_000])).toBe(
        "+OK\r\n",
      );
      await expect.poll(() => field(to, "role"), limits).toBe("master");
      await expect.poll(() => field(from, "master_link_status"), limits).toBe("up");
      expect(await field(from, "role")).toBe("slave");
      expect(await field(from, "master_failover_state")).toBe("no-failover");
      expect(await send(to, ["INCR", "count"], ["WAIT", 1, 5000])).toBe(":1\r\n");
      expect(await send(from, ["GET", "count"])).toBe(await send(to, ["GET", "count"]));
      expect(await send(from, ["DEBUG", "DIGEST"])).toBe(await send(to, ["DEBUG", "DIGEST"]));
    }
    expect(await send(first, ["GET", "count"])).toBe("$1\r\n4\r\n");
    // Nobody had to get all anew but for the one time at the beginning.
    expect(await field(first, "sync_full")).toBe("1");
    expect(await field(second, "sync_full")).toBe("0");
    expect(await field(second, "sync_partial_ok")).toBe("1");
  });
});
