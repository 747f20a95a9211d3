import { hasRedisServer } from "@kv/testing";
import { createClient, WatchError } from "redis";
import { afterAll, beforeAll, describe, test } from "vitest";
import { type Both, needs, startBoth } from "./both-servers.ts";
import { inOrder, type Journal, pause, sameOnBoth } from "./client-script.ts";

function clientFor(port: number, protocol: 2 | 3) {
  const client = createClient({ RESP: protocol, socket: { port, host: "127.0.0.1" } });
  client.on("error", () => {});
  return client;
}
type Kv = ReturnType<typeof clientFor>;

describe.runIf(hasRedisServer()).each([2, 3] as const)("node-redis in RESP%i", (protocol) => {
  let both: Both;
  beforeAll(async () => {
    both = await startBoth();
  });
  afterAll(() => both?.stop());

  const run = (script: (kv: Kv, journal: Journal, more: () => Promise<Kv>) => Promise<void>) =>
    sameOnBoth(both, async (port, journal) => {
      const clients: Kv[] = [];
      const connect = async () => {
        const client = clientFor(port, protocol);
        clients.push(client);
        await client.connect();
        return client;
      };
      try {
        const kv = await connect();
        await kv.flushAll();
        await script(kv, journal, connect);
      } finally {
        for (const client of clients) client.destroy();
      }
    });

  test("values of every kind, in the types of the protocol", () =>
    run(async (kv, { note }) => {
      await note("set", () => kv.set("k", "v", { EX: 100 }));
      await note("get", () => kv.get("k"));
      await note("set nx", () => kv.set("k", "w", { NX: true }));
      await note("ttl", () => kv.ttl("k"));
      await note("incr", () => kv.incr("n"));
      await note("incrByFloat", () => kv.incrByFloat("n", 0.25));
      await note("hSet", () => kv.hSet("h", { name: "Ada", born: "1815" }));
      await note("hGetAll", async () => Object.entries(await kv.hGetAll("h")));
      await note("hmGet", () => kv.hmGet("h", ["name", "none"]));
      await note("hExists", () => kv.hExists("h", "born"));
      await note("wrong type", () => kv.get("h"));
      await note("configGet", () => kv.configGet("maxmemory-policy"));
      await note("no such command", () => kv.sendCommand(["NOSUCH", "a"]));
    }));

  test("lists, sets, sorted sets and streams", async (context) => {
    await needs(context, both.ours, "RPUSH", "SADD", "ZADD", "XADD");
    await run(async (kv, { note }) => {
      await note("rPush", () => kv.rPush("l", ["1", "2", "3"]));
      await note("lRange", () => kv.lRange("l", 0, -1));
      await note("sAdd", () => kv.sAdd("s", ["x", "y"]));
      await note("sMembers", async () => inOrder(await kv.sMembers("s")));
      await note("zAdd", () =>
        kv.zAdd("z", [
          { score: 1, value: "one" },
          { score: 2.5, value: "more" },
        ]),
      );
      await note("zRangeWithScores", () => kv.zRangeWithScores("z", 0, -1));
      await note("zScore", () => kv.zScore("z", "more"));
      await note("xAdd", () => kv.xAdd("x", "1-1", { a: "1" }));
      await note("xRange", () => kv.xRange("x", "-", "+"));
    });
  });

  test("transactions and watched keys", () =>
    run(async (kv, { note }, connect) => {
      await note("multi", () => kv.multi().set("m", "1").incr("m").get("m").exec());
      const other = await connect();
      await note("watch, touched", async () => {
        await kv.watch("m");
        await other.set("m", "taken");
        return kv
          .multi()
          .set("m", "2")
          .exec()
          .catch((error: unknown) => (error instanceof WatchError ? "watch error" : error));
      });
      await note("what is left", () => kv.get("m"));
      await note("concurrent calls", async () =>
        (await Promise.all(Array.from({ length: 500 }, () => kv.incr("n")))).at(-1),
      );
    }));

  test("subscriptions", () =>
    run(async (kv, { note }, connect) => {
      const listener = await connect();
      const heard: unknown[] = [];
      await listener.subscribe("news", (message, channel) => heard.push([channel, message]));
      await listener.pSubscribe("n*", (message, channel) => heard.push(["p", channel, message]));
      await note("publish", () => kv.publish("news", "first"));
      await listener.unsubscribe("news");
      await note("publish again", () => kv.publish("news", "second"));
      await pause(100);
      await note("heard", () => heard);
    }));

  test("scan iterators", () =>
    run(async (kv, { note }) => {
      for (let i = 0; i < 20; i++)
        await Promise.all(Array.from({ length: 50 }, (_, j) => kv.set(`key:${i}:${j}`, "v")));
      await note("keys", async () => {
        const seen = new Set<string>();
        for await (const page of kv.scanIterator({ MATCH: "key:*", COUNT: 50 }))
          for (const key of page) seen.add(key);
        return seen.size;
      });
    }));
});
