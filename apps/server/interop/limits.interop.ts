/** Large values, clients that do not read and clients that do nothing: what the server does about them. */
import { hasRedisServer, requestText, type ServerProcess, type WireClient } from "@kv/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startOurs, startRedis } from "./both-servers.ts";
import { pause } from "./client-script.ts";

describe.runIf(hasRedisServer()).each([
  { name: "ours", start: startOurs },
  // The same must hold for the real one, or this file says something wrong.
  { name: "redis-server", start: startRedis },
])("limits of $name", ({ start }) => {
  let server: ServerProcess;
  let client: WireClient;
  beforeAll(async () => {
    server = await start();
    client = await server.connect();
  });
  afterAll(() => server?.stop());

  test("a value of 64 MiB comes back as it was, in one piece or in two", async () => {
    const value = "0123456789abcdef".repeat(2 ** 22);
    expect(await client.request("SET", "big", value)).toBe("+OK\r\n");
    expect(await client.request("STRLEN", "big")).toBe(`:${value.length}\r\n`);
    expect((await client.request("GET", "big")) === `$${value.length}\r\n${value}\r\n`).toBe(true);
    expect(await client.request("APPEND", "big", "!")).toBe(`:${value.length + 1}\r\n`);
    expect(await client.request("GETRANGE", "big", -3, -1)).toBe("$3\r\nef!\r\n");
    await client.request("DEL", "big");
  });

  test("the longest value goes in and out, with the slow log and key events on", async () => {
    const piece = "0123456789abcdef".repeat(2 ** 22);
    const length = 8 * piece.length;
    await client.request("CONFIG", "SET", "slowlog-log-slower-than", 0);
    await client.request("CONFIG", "SET", "notify-keyspace-events", "KEA");
    client.write(`*3\r\n$3\r\nSET\r\n$3\r\nbig\r\n$${length}\r\n`);
    for (let count = 0; count < 8; count++) client.write(piece);
    client.write("\r\n");
    expect(await client.replies(1)).toBe("+OK\r\n");
    expect(await client.request("STRLEN", "big")).toBe(`:${length}\r\n`);
    expect(await client.request("GETRANGE", "big", length - 3, length)).toBe("$3\r\ndef\r\n");
    expect(await client.request("APPEND", "big", "!")).toMatch(/^-ERR string exceeds maximum/);
    const slow = await client.request("SLOWLOG", "GET", 100);
    expect(slow).toContain(`... (${length - 128} more bytes)\r\n`);
    await client.request("CONFIG", "SET", "notify-keyspace-events", "");
    await client.request("CONFIG", "SET", "slowlog-log-slower-than", 10_000);
    await client.request("DEL", "big");
  });

  test("20,000 requests in one write are answered in order", async () => {
    const requests = Array.from({ length: 20_000 }, (_, i) => requestText(["ECHO", i]));
    client.write(requests.join(""));
    const expected = Array.from({ length: 20_000 }, (_, i) => `$${`${i}`.length}\r\n${i}\r\n`);
    expect((await client.replies(20_000)) === expected.join("")).toBe(true);
  });

  test("a subscriber that does not read is closed at its limit, and the publisher goes on", async () => {
    await client.request("CONFIG", "SET", "client-output-buffer-limit", "pubsub 4mb 0 0");
    const lazy = await server.connect();
    const eager = await server.connect();
    for (const each of [lazy, eager]) await each.request("SUBSCRIBE", "news");
    lazy.stopReading();
    let heard = 0;
    const message = "x".repeat(2 ** 18);
    for (let count = 0; count < 100; count++) {
      await client.request("PUBLISH", "news", message);
      heard += (await eager.replies(1)).length;
    }
    expect(heard).toBeGreaterThan(100 * message.length);
    await expect
      .poll(() => client.request("PUBSUB", "NUMSUB", "news"), { timeout: 5000 })
      .toBe("*2\r\n$4\r\nnews\r\n:1\r\n");
    lazy.close();
    eager.close();
  });

  test("an idle client is closed, a subscriber and a client that speaks are not", async () => {
    const [idle, subscriber] = [await server.connect(), await server.connect()];
    await subscriber.request("SUBSCRIBE", "news");
    await client.request("CONFIG", "SET", "timeout", 1);
    for (let waitedMs = 0; waitedMs < 4000 && !idle.isClosed; waitedMs += 200) {
      await pause(200);
      expect(await client.request("PING")).toBe("+PONG\r\n");
    }
    expect(idle.isClosed).toBe(true);
    expect(subscriber.isClosed).toBe(false);
    await client.request("CONFIG", "SET", "timeout", 0);
    subscriber.close();
  });

  test("writes are refused over maxmemory, and keys go when a policy lets them", async () => {
    await client.request("FLUSHALL");
    const used = /used_memory:(\d+)/.exec(await client.request("INFO", "memory"))?.[1];
    expect(await client.request("CONFIG", "SET", "maxmemory", Number(used) + 2 ** 21)).toBe(
      "+OK\r\n",
    );
    const fill = async () => {
      const requests = Array.from({ length: 4000 }, (_, i) =>
        requestText(["SET", `key:${i}`, "v".repeat(1024)]),
      );
      client.write(requests.join(""));
      return client.replies(4000);
    };
    expect(await fill()).toContain("-OOM command not allowed when used memory > 'maxmemory'.\r\n");
    expect(await client.request("GET", "key:0")).toContain("vvv");
    await client.request("CONFIG", "SET", "maxmemory-policy", "allkeys-lru");
    expect((await fill()).includes("-OOM")).toBe(false);
    expect(await client.request("INFO", "stats")).toMatch(/evicted_keys:[1-9]/);
    await client.request("CONFIG", "SET", "maxmemory", 0);
    await client.request("FLUSHALL");
  });
});
