/**
 * MIGRATE between ours and redis-server, from each to the other: every type, at all lengths that matter
 * to how it is written, arrives as it was.
 */
import { hasRedisServer, type ServerProcess } from "@kv/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startOurs, startRedis } from "./both-servers.ts";

const numbers = (count: number) => Array.from({ length: count }, (_, i) => i);
const words = (count: number) => numbers(count).map((number) => `word ${number}`);
const pairs = (count: number) => words(count).flatMap((word, index) => [index, word]);

/** Scores are whole, for versions print others in different ways. */
const content: readonly (readonly (string | number)[])[] = [
  ["SET", "text", "compressible ".repeat(1000)],
  ["SET", "number", -12345],
  ["SET", "binary\0\r\n", "\xff\0\r\n"],
  ["SET", "", "of a key without a name"],
  ["SET", "expires", "v", "PXAT", 32503680000000],
  ["SETBIT", "bits", 100_000, 1],
  ["PFADD", "hll", ...words(500)],
  ["HSET", "small hash", ...pairs(10)],
  ["HSET", "hash", ...pairs(600)],
  ["RPUSH", "small list", ...words(10)],
  ["RPUSH", "list", ...words(3000), "x".repeat(20_000)],
  ["SADD", "integers", ...numbers(200)],
  ["SADD", "small set", ...words(10)],
  ["SADD", "set", ...words(700)],
  ["ZADD", "small sorted set", ...pairs(10)],
  ["ZADD", "sorted set", ...pairs(600)],
  ["GEOADD", "geo", 13.361389, 38.115556, "Palermo"],
  ["XADD", "stream", "1-1", "f", "v"],
  ["XADD", "stream", "2-1", "f", "v", "g", "w"],
  ["XGROUP", "CREATE", "stream", "group", "0"],
  ["XREADGROUP", "GROUP", "group", "me", "COUNT", 1, "STREAMS", "stream", ">"],
  ["XDEL", "stream", "2-1"],
];
const keys = [...new Set(content.map((each) => (each[0] === "XGROUP" ? "stream" : `${each[1]}`)))];
const ofData = keys.filter((key) => key !== "GROUP");

describe.runIf(hasRedisServer())("MIGRATE", () => {
  let ours: ServerProcess;
  let redis: ServerProcess;
  let locked: ServerProcess;
  beforeAll(async () => {
    ours = await startOurs();
    redis = await startRedis();
    locked = await startRedis({ config: { requirepass: "secret" } });
  });
  afterAll(() => Promise.all([ours?.stop(), redis?.stop(), locked?.stop()]));

  async function ask(server: ServerProcess, ...request: (string | number)[]): Promise<string> {
    const client = await server.connect();
    const reply = await client.request(...request);
    client.close();
    return reply;
  }

  async function fill(server: ServerProcess): Promise<void> {
    for (const each of [["FLUSHALL"], ...content])
      expect((await ask(server, ...each)).slice(0, 1)).not.toBe("-");
  }

  test.each(["ours to redis-server", "redis-server to ours"])("every type, %s", async (way) => {
    const [from, to] = way.startsWith("ours") ? [ours, redis] : [redis, ours];
    await fill(from);
    await ask(to, "FLUSHALL");
    const digest = await ask(from, "DEBUG", "DIGEST");
    const ttl = await ask(from, "PEXPIRETIME", "expires");
    const place = ["127.0.0.1", to.port];
    const move = ["MIGRATE", ...place, "", 0, 5000];
    expect(await ask(from, ...move, "COPY", "KEYS", ...ofData)).toBe("+OK\r\n");
    expect(await ask(to, "DEBUG", "DIGEST")).toBe(digest);
    expect(await ask(from, "DEBUG", "DIGEST")).toBe(digest);
    expect(await ask(from, ...move, "KEYS", ...ofData)).toBe(
      "-ERR Target instance replied with error: BUSYKEY Target key name already exists.\r\n",
    );
    expect(await ask(from, "DEBUG", "DIGEST")).toBe(digest);
    expect(await ask(from, ...move, "REPLACE", "KEYS", ...ofData)).toBe("+OK\r\n");
    expect(await ask(from, "DBSIZE")).toBe(":0\r\n");
    expect(await ask(to, "DEBUG", "DIGEST")).toBe(digest);
    const moved = Number((await ask(to, "PEXPIRETIME", "expires")).slice(1));
    // What is sent is the time that is left.
    expect(Math.abs(moved - Number(ttl.slice(1)))).toBeLessThan(2000);
  });

  test("one connection for many, by what each tells of it", async () => {
    const seen = async (from: ServerProcess, to: ServerProcess) => {
      const before = Number(/total_connections_received:(\d+)/.exec(await ask(to, "INFO"))?.[1]);
      for (let count = 0; count < 5; count++) {
        await ask(from, "SET", "k", count);
        const move = ["MIGRATE", "127.0.0.1", to.port, "k", count % 2, 1000, "REPLACE"];
        expect(await ask(from, ...move)).toBe("+OK\r\n");
      }
      const after = Number(/total_connections_received:(\d+)/.exec(await ask(to, "INFO"))?.[1]);
      // The one that asks is another.
      const isOne = after - before <= 2;
      return [isOne, /migrate_cached_sockets:\d+/.exec(await ask(from, "INFO", "stats"))?.[0]];
    };
    const target = await startRedis();
    const ownTarget = await startOurs();
    try {
      expect(await seen(ours, target)).toEqual([true, expect.stringMatching(/:[1-9]/)]);
      expect(await seen(redis, ownTarget)).toEqual([true, expect.stringMatching(/:[1-9]/)]);
    } finally {
      await Promise.all([target.stop(), ownTarget.stop()]);
    }
  });

  test.each(["ours to redis-server", "redis-server to ours"])(
    "RESTORE of what the other has dumped, with its time to live and its last use, %s",
    async (way) => {
      const [from, to] = way.startsWith("ours") ? [ours, redis] : [redis, ours];
      await fill(from);
      await ask(to, "FLUSHALL");
      const digest = await ask(from, "DEBUG", "DIGEST");
      for (const key of ofData) {
        const reply = await ask(from, "DUMP", key);
        const payload = reply.slice(reply.indexOf("\r\n") + 2, -2);
        const endMs = Number((await ask(from, "PEXPIRETIME", key)).slice(1));
        const restore = ["RESTORE", key, Math.max(endMs, 0), payload, "ABSTTL"];
        expect(await ask(to, ...restore, "IDLETIME", 1000)).toBe("+OK\r\n");
        expect(await ask(to, ...restore)).toBe("-BUSYKEY Target key name already exists.\r\n");
        expect(await ask(to, ...restore, "REPLACE", "IDLETIME", 500)).toBe("+OK\r\n");
        expect(await ask(to, "OBJECT", "IDLETIME", key)).toMatch(/^:50\d/);
        expect(await ask(to, "PEXPIRETIME", key)).toBe(`:${endMs}\r\n`);
      }
      expect(await ask(to, "DEBUG", "DIGEST")).toBe(digest);
      await ask(to, "CONFIG", "SET", "maxmemory-policy", "allkeys-lfu");
      try {
        const reply = await ask(from, "DUMP", "list");
        const payload = reply.slice(reply.indexOf("\r\n") + 2, -2);
        expect(await ask(to, "RESTORE", "list", 0, payload, "REPLACE", "FREQ", 77)).toBe("+OK\r\n");
        expect(await ask(to, "OBJECT", "FREQ", "list")).toBe(":77\r\n");
      } finally {
        await ask(to, "CONFIG", "SET", "maxmemory-policy", "noeviction");
      }
    },
  );

  test("ours says what redis-server says", async () => {
    const port = locked.port;
    const requests = [
      ["MIGRATE", "127.0.0.1", port, "k", 0, 1000],
      ["MIGRATE", "127.0.0.1", port, "k", 0, 1000, "AUTH", "wrong"],
      ["MIGRATE", "127.0.0.1", port, "k", 0, 1000, "AUTH2", "default", "secret", "COPY"],
      ["MIGRATE", "127.0.0.1", port, "k", 0, 1000, "AUTH", "secret"],
      ["MIGRATE", "127.0.0.1", port, "k", 0, 1000, "AUTH", "secret", "REPLACE"],
      ["MIGRATE", "127.0.0.1", port, "k", 0, 1000, "AUTH", "secret"],
      ["MIGRATE", "127.0.0.1", 1, "k", 0, 1000],
      ["SET", "k", "v"],
      ["MIGRATE", "127.0.0.1", 1, "k", 0, 1000],
      ["MIGRATE", "127.0.0.1", port, "k", "x", 1000],
      ["MIGRATE", "127.0.0.1", port, "k", 0, 1000, "KEYS", "k"],
      ["MIGRATE", "127.0.0.1", port, "", 0, 1000, "KEYS"],
      ["MIGRATE", "127.0.0.1", port, "k", 0, 1000, "AUTH"],
    ];
    const answers = async (server: ServerProcess) => {
      const client = await locked.connect();
      await client.request("AUTH", "secret");
      await client.request("FLUSHALL");
      client.close();
      const replies = [await ask(server, "SET", "k", "v")];
      for (const request of requests) replies.push(await ask(server, ...request));
      return replies;
    };
    expect(await answers(ours)).toEqual(await answers(redis));
  });

  test("where there is no such database, ours leaves nothing anywhere", async () => {
    // redis-server sends the key behind a SELECT whose answer it has not seen.
    const port = locked.port;
    const client = await locked.connect();
    await client.request("AUTH", "secret");
    await client.request("FLUSHALL");
    await ask(ours, "SET", "k", "v");
    expect(await ask(ours, "MIGRATE", "127.0.0.1", port, "k", 99, 1000, "AUTH", "secret")).toBe(
      "-ERR Target instance replied with error: ERR DB index is out of range\r\n",
    );
    expect(await ask(ours, "GET", "k")).toBe("$1\r\nv\r\n");
    expect(await client.request("DBSIZE")).toBe(":0\r\n");
    client.close();
  });

  test("a server that hangs holds up nobody but who would change the key", async () => {
    const hung = await startRedis();
    await ask(ours, "MSET", "k", "v", "other", "v");
    process.kill(hung.pid, "SIGSTOP");
    const mover = await ours.connect();
    const writer = await ours.connect();
    try {
      const moved = mover.request("MIGRATE", "127.0.0.1", hung.port, "k", 0, 700);
      await expect.poll(() => ask(ours, "INFO", "clients")).toContain("blocked_clients:1\r");
      const written = writer.request("APPEND", "k", "w");
      let isOver = false;
      const over = moved.finally(() => {
        isOver = true;
      });
      for (let count = 0; count < 20; count++) {
        expect(await ask(ours, "SET", "other", count)).toBe("+OK\r\n");
        expect(await ask(ours, "GET", "k")).toBe("$1\r\nv\r\n");
      }
      expect(isOver).toBe(false);
      expect(await over).toBe("-IOERR error or timeout reading to target instance\r\n");
      expect(await written).toBe(":2\r\n");
    } finally {
      process.kill(hung.pid, "SIGCONT");
      mover.close();
      writer.close();
      await hung.stop();
    }
  });
});
