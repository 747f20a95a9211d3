/** Client libraries on a stream in place of a socket, in the ways that the README shows. */
import net from "node:net";
import { AbstractConnector, Redis } from "ioredis";
import { createClient } from "redis";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createServer, type EmbeddedServer } from "./create-server.ts";

let server: EmbeddedServer;
beforeEach(async () => {
  // No address at all: nothing here can have used a socket.
  server = await createServer({ bind: "", "notify-keyspace-events": "KEA" });
});
afterEach(() => server.close());

describe.each([2, 3] as const)("ioredis in RESP%i", (protocol) => {
  class InProcess extends AbstractConnector {
    constructor(options: unknown) {
      super((options as { disconnectTimeout: number }).disconnectTimeout);
    }

    override async connect() {
      this.stream = server.connect();
      return this.stream;
    }
  }

  const connect = (more: object = {}) => new Redis({ Connector: InProcess, protocol, ...more });

  test("runs commands, pipelines and transactions", async () => {
    const redis = connect({ keepAlive: 1000, noDelay: true, connectTimeout: 500 });
    expect(await redis.set("k", Buffer.from("\0\xff\r\n", "latin1"))).toBe("OK");
    expect(await redis.getBuffer("k")).toEqual(Buffer.from("\0\xff\r\n", "latin1"));
    const pipeline = redis.pipeline();
    for (let i = 0; i < 5000; i++) pipeline.append("long", "0123456789");
    expect((await pipeline.exec())?.at(-1)).toEqual([null, 50_000]);
    expect(await redis.multi().set("m", 1).incr("m").exec()).toEqual([
      [null, "OK"],
      [null, 2],
    ]);
    expect((await redis.get("long"))?.length).toBe(50_000);
    await redis.quit();
  });

  test("hears what is published", async () => {
    const [redis, listener] = [connect(), connect()];
    const heard = new Promise((resolve) => listener.on("message", (...all) => resolve(all)));
    await listener.subscribe("news");
    expect(await redis.publish("news", "first")).toBe(1);
    expect(await heard).toEqual(["news", "first"]);
    for (const client of [redis, listener]) client.disconnect();
  });

  test("comes back when it is killed, and ends when the server does", async () => {
    const redis = connect({ retryStrategy: () => 1 });
    const id = await redis.client("ID");
    const isBack = new Promise((resolve) =>
      redis.once("close", () => redis.once("ready", resolve)),
    );
    redis.call("CLIENT", "KILL", "ID", id, "SKIPME", "no").catch(() => {});
    await isBack;
    expect(await redis.client("ID")).not.toBe(id);
    const ended = new Promise((resolve) => redis.once("end", resolve));
    const told = new Promise<Error>((resolve) => redis.on("error", resolve));
    await server.close();
    await ended;
    expect(await told).toMatchObject({ code: "ERR_SERVER_CLOSED" });
  });

  test("is told to wait no longer", async () => {
    const redis = connect({ socketTimeout: 30, retryStrategy: null });
    await redis.client("PAUSE", 10_000);
    redis.on("error", () => {});
    await expect(redis.set("k", "v")).rejects.toThrow(/closed|timeout/i);
    redis.disconnect();
  });
});

describe.each([2, 3] as const)("node-redis in RESP%i", (RESP) => {
  const { createConnection } = net;
  beforeEach(() => {
    net.createConnection = ((options: { path?: string }, ...rest: []) =>
      options.path === "in-process"
        ? server.connect()
        : createConnection(options as net.NetConnectOpts, ...rest)) as typeof createConnection;
  });
  afterEach(() => {
    net.createConnection = createConnection;
  });

  const connect = (more: { reconnectStrategy?: number; socketTimeout?: number } = {}) =>
    createClient({ RESP, socket: { path: "in-process", ...more } })
      .on("error", () => {})
      .connect();

  test("runs commands and transactions", async () => {
    const client = await connect();
    expect(await client.set("k", "v")).toBe("OK");
    await client.hSet("user:1", { name: "Ada", visits: 1 });
    expect(await client.hIncrBy("user:1", "visits", 41)).toBe(42);
    expect(await client.multi().incr("n").get("k").exec()).toEqual([1, "v"]);
    await client.close();
  });

  test("hears what is published", async () => {
    const [client, listener] = [await connect(), await connect()];
    const heard = new Promise((resolve) => {
      void listener
        .subscribe("news", (...all) => resolve(all))
        .then(() => client.publish("news", "first"));
    });
    expect(await heard).toEqual(["first", "news"]);
    for (const each of [client, listener]) each.destroy();
  });

  test("comes back when it is killed", async () => {
    const client = await connect({ reconnectStrategy: 1 });
    const id = await client.clientId();
    const isBack = new Promise((resolve) => client.once("ready", resolve));
    client.sendCommand(["CLIENT", "KILL", "ID", String(id), "SKIPME", "no"]).catch(() => {});
    await isBack;
    expect(await client.clientId()).not.toBe(id);
    client.destroy();
  });

  test("is told to wait no longer", async () => {
    const client = await connect({ socketTimeout: 30 });
    await client.sendCommand(["CLIENT", "PAUSE", "10000"]);
    await expect(client.set("k", "v")).rejects.toThrow(/timeout/i);
    client.destroy();
  });
});
