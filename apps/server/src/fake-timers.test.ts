/** A test that replaces the timers moves the time of day, and nothing else stands still for it. */
import { once } from "node:events";
import * as net from "node:net";
import { AbstractConnector, Redis } from "ioredis";
import { afterEach, describe, expect, test, vi } from "vitest";
import { createServer, type EmbeddedServer } from "./create-server.ts";
import { ask, temporaryFolder } from "./testing/server-process.ts";

afterEach(() => vi.useRealTimers());

function clientOf(server: EmbeddedServer): Redis {
  class InProcess extends AbstractConnector {
    constructor(options: unknown) {
      super((options as { disconnectTimeout: number }).disconnectTimeout);
    }

    override async connect() {
      this.stream = server.connect();
      return this.stream;
    }
  }
  return new Redis({ Connector: InProcess });
}

describe("vi.useFakeTimers()", () => {
  test("moves times to live, of a server that was there before", async () => {
    await using server = await createServer();
    const redis = clientOf(server);
    vi.useFakeTimers();
    await redis.set("session", "Ada", "EX", 60);
    vi.advanceTimersByTime(59_999);
    expect(await redis.pttl("session")).toBe(1);
    vi.advanceTimersByTime(2);
    expect(await redis.get("session")).toBe(null);
    redis.disconnect();
  });

  test("moves them, of a server that comes later, and to any time of day", async () => {
    vi.useFakeTimers({ now: new Date("2001-01-01T00:00:00Z") });
    await using server = await createServer();
    const redis = clientOf(server);
    expect(await redis.time()).toEqual(["978307200", expect.anything()]);
    await redis.set("k", "v", "EX", 3600);
    vi.setSystemTime(new Date("2001-01-01T00:59:59Z"));
    expect(await redis.ttl("k")).toBe(1);
    vi.setSystemTime(new Date("2001-01-01T01:00:01Z"));
    expect(await redis.exists("k")).toBe(0);
    redis.disconnect();
  });

  test("sockets go on", async () => {
    vi.useFakeTimers();
    await using server = await createServer();
    expect(await ask(server.port, "PING")).toBe("+PONG\r\n");
    expect(await ask(server.port, "SET k v PX 1000")).toBe("+OK\r\n");
    vi.advanceTimersByTime(1001);
    expect(await ask(server.port, "GET k")).toBe("$-1\r\n");
  });

  test("has the cron run: keys expire without being asked for, and are announced", async () => {
    vi.useFakeTimers();
    await using server = await createServer({ "notify-keyspace-events": "Ex" });
    const [redis, listener] = [clientOf(server), clientOf(server)];
    const expired: string[] = [];
    listener.on("message", (_channel, key) => expired.push(key));
    await listener.subscribe("__keyevent@0__:expired");
    await redis.set("k", "v", "EX", 60);
    vi.advanceTimersByTime(59_000);
    await redis.ping();
    expect(expired).toEqual([]);
    vi.advanceTimersByTime(1200);
    await redis.ping();
    expect(expired).toEqual(["k"]);
    for (const client of [redis, listener]) client.disconnect();
  });

  test("has save points save", async () => {
    vi.useFakeTimers();
    await using server = await createServer({ save: "3600 1" });
    const redis = clientOf(server);
    await redis.set("k", "v");
    expect(await redis.info("persistence")).toContain("rdb_changes_since_last_save:1");
    vi.advanceTimersByTime(3_601_000);
    await vi.waitFor(async () => {
      expect(await redis.info("persistence")).toContain("rdb_changes_since_last_save:0");
    });
    redis.disconnect();
  });

  test("lets a data set be loaded, and saved in the background", async () => {
    using folder = temporaryFolder();
    vi.useFakeTimers();
    for (const expected of [0, 5000]) {
      await using server = await createServer({
        dir: folder.path,
        save: "",
        "enable-debug-command": "yes",
      });
      const redis = clientOf(server);
      expect(await redis.dbsize()).toBe(expected);
      await redis.call("DEBUG", "POPULATE", "5000");
      await redis.bgsave();
      await vi.waitFor(async () => {
        expect(await redis.info("persistence")).toContain("rdb_bgsave_in_progress:0");
      });
      redis.disconnect();
    }
  });

  test("lets a save go on that rests between its slices, while nothing else happens", async () => {
    const saved = Promise.withResolvers<string>();
    const log = (_level: string, line: string) => {
      if (line.includes("saving terminated")) saved.resolve(line);
    };
    const options = { "enable-debug-command": "yes", "rdb-key-save-delay": 1 };
    await using server = await createServer(options, { log });
    const redis = clientOf(server);
    await redis.call("DEBUG", "POPULATE", "20000");
    vi.useFakeTimers();
    await redis.bgsave();
    expect(await saved.promise).toContain("success");
    redis.disconnect();
  });

  test.each<[string, Parameters<typeof vi.useFakeTimers>[0]]>([
    ["all of them", {}],
    ["those that mock.timers of node:test has", { toFake: ["setTimeout", "setInterval", "Date"] }],
  ])("ends waits when their time is over: %s", async (_which, timers) => {
    await using server = await createServer();
    const [waiting, redis] = [clientOf(server), clientOf(server)];
    await Promise.all([waiting.ping(), redis.ping()]);
    vi.useFakeTimers(timers);
    const popped: unknown[] = [];
    waiting.blpop("queue", 10).then((reply) => popped.push(reply), popped.push);
    await redis.ping();
    vi.advanceTimersByTime(9000);
    await redis.ping();
    expect(popped).toEqual([]);
    vi.advanceTimersByTime(1200);
    await vi.waitFor(() => expect(popped).toEqual([null]));
    for (const client of [waiting, redis]) client.disconnect();
  });

  test("lets go of clients that have left, and of one without any timers", async () => {
    await using server = await createServer();
    const redis = clientOf(server);
    await redis.ping();
    vi.useFakeTimers();
    for (const timers of ["fake", "none"]) {
      if (timers === "none") vi.stubGlobal("setImmediate", undefined);
      const socket = net.connect(server.port, "127.0.0.1");
      await once(socket, "connect");
      socket.resume();
      socket.end("PING\r\n");
      await once(socket, "close");
      expect([timers, await redis.client("LIST")]).toEqual([
        timers,
        expect.stringMatching(/^.*\n$/),
      ]);
    }
    vi.unstubAllGlobals();
    redis.disconnect();
  });

  test("ends no wait when it sets the clock back, as they do who take it back to now", async () => {
    vi.useFakeTimers({ now: Date.now() + 86_400_000 });
    await using server = await createServer();
    const [waiting, redis] = [clientOf(server), clientOf(server)];
    const popped = waiting.blpop("queue", 10);
    await redis.ping();
    vi.useRealTimers();
    await redis.ping();
    await redis.rpush("queue", "v");
    expect(await popped).toEqual(["queue", "v"]);
    const late = waiting.blpop("queue", 0.05);
    await redis.ping();
    expect(await late).toBe(null);
    for (const client of [waiting, redis]) client.disconnect();
  });

  test("leaves the cron running when it is taken back", async () => {
    vi.useFakeTimers();
    await using server = await createServer();
    const redis = clientOf(server);
    vi.advanceTimersByTime(1000);
    vi.useRealTimers();
    await redis.set("k", "v", "PX", 1);
    // Nobody reads the key: it goes only if the cron runs.
    await vi.waitFor(async () => expect(await redis.dbsize()).toBe(0), {
      timeout: 10_000,
      interval: 100,
    });
    redis.disconnect();
  });

  test("leaves timeouts of a stream alone", async () => {
    await using server = await createServer();
    const stream = server.connect();
    let timeouts = 0;
    vi.useFakeTimers();
    stream.setTimeout(1000, () => timeouts++);
    vi.advanceTimersByTime(60_000);
    expect(timeouts).toBe(0);
    stream.destroy();
  });
});
