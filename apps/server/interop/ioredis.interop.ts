import { hasRedisServer } from "@kv/testing";
import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Both, needs, startBoth } from "./both-servers.ts";
import { inOrder, type Journal, pause, sameOnBoth } from "./client-script.ts";

describe.runIf(hasRedisServer()).each([2, 3] as const)("ioredis in RESP%i", (protocol) => {
  let both: Both;
  beforeAll(async () => {
    both = await startBoth({ config: { "notify-keyspace-events": "KEA" } });
  });
  afterAll(() => both?.stop());

  /** Runs a script on empty databases, each time with clients of its own. */
  const run = (script: (kv: Redis, journal: Journal, more: () => Redis) => Promise<void>) =>
    sameOnBoth(both, async (port, journal) => {
      const clients: Redis[] = [];
      const connect = () => {
        const client = new Redis({ port, host: "127.0.0.1", protocol });
        client.on("error", () => {});
        clients.push(client);
        return client;
      };
      const kv = connect();
      try {
        await kv.flushall();
        await script(kv, journal, connect);
      } finally {
        for (const client of clients) client.disconnect();
      }
    });

  test("strings and hashes", async () => {
    const journal = await run(async (kv, { note }) => {
      await note("set", () => kv.set("k", "v"));
      await note("get", () => kv.get("k"));
      await note("binary", () => kv.set("bytes", Buffer.from("\0\xff\r\n", "latin1")));
      await note("binary back", () => kv.getBuffer("bytes"));
      await note("set with options", () => kv.set("k", "w", "EX", 100, "NX"));
      await note("mset", () => kv.mset({ a: 1, b: 2 }));
      await note("mget", () => kv.mget("a", "b", "none"));
      await note("incr", () => kv.incr("a"));
      await note("incrbyfloat", () => kv.incrbyfloat("a", 0.5));
      await note("incr of text", () => kv.incr("k"));
      await note("expire", () => kv.expire("k", 100));
      await note("ttl", () => kv.ttl("k"));
      await note("hset", () => kv.hset("h", { name: "Ada", born: "1815" }));
      await note("hgetall", () => kv.hgetall("h"));
      await note("hincrby", () => kv.hincrby("h", "born", 1));
      await note("hmget", () => kv.hmget("h", "name", "none"));
      await note("wrong type", () => kv.get("h"));
      await note("type", () => kv.type("h"));
      await note("del", () => kv.del("k", "h", "none"));
    });
    expect(journal.entries).toContainEqual(["get", "v"]);
  });

  test("lists, sets and sorted sets", async (context) => {
    await needs(context, both.ours, "RPUSH", "SADD", "ZADD");
    await run(async (kv, { note }) => {
      await note("rpush", () => kv.rpush("l", 1, 2, 3));
      await note("lrange", () => kv.lrange("l", 0, -1));
      await note("lpop", () => kv.lpop("l", 2));
      await note("sadd", () => kv.sadd("s", "x", "y", "x"));
      await note("smembers", async () => inOrder(await kv.smembers("s")));
      await note("zadd", () => kv.zadd("z", "1", "one", "2.5", "more"));
      await note("zrange", () => kv.zrange("z", "0", "-1", "WITHSCORES"));
      await note("zscore", () => kv.zscore("z", "more"));
    });
  });

  test("pipelines, transactions and watched keys", () =>
    run(async (kv, { note }, connect) => {
      await note("pipeline", () =>
        kv
          .pipeline()
          .set("a", 1)
          .incr("a")
          .get("h", () => {})
          .exec(),
      );
      await note("pipeline with an error", () =>
        kv
          .pipeline()
          .set("t", "x")
          .incr("t")
          .get("t")
          .exec()
          .then((all) => `${all}`),
      );
      await note("long pipeline", async () => {
        const pipeline = kv.pipeline();
        for (let i = 0; i < 5000; i++) pipeline.append("long", i);
        const replies = await pipeline.exec();
        return [replies?.length, replies?.at(-1)];
      });
      await note("multi", () => kv.multi().set("m", 1).incr("m").get("m").exec());
      await note("multi that cannot be queued", () => kv.multi().call("SET", "m").exec());
      await note("multi without a pipeline", async () => {
        await kv.multi({ pipeline: false });
        await kv.set("q", 1);
        return kv.exec();
      });
      const other = connect();
      await note("watch, untouched", async () => {
        await kv.watch("m");
        return kv.multi().set("m", 10).exec();
      });
      await note("watch, touched", async () => {
        await kv.watch("m");
        await other.set("m", "taken");
        return kv.multi().set("m", 11).exec();
      });
      await note("what is left", () => kv.get("m"));
    }));

  test("auto-pipelining sends concurrent calls together", () =>
    sameOnBoth(both, async (port, { note }) => {
      const kv = new Redis({ port, protocol, enableAutoPipelining: true });
      await kv.flushall();
      await note("1000 concurrent increments", async () => {
        const all = await Promise.all(Array.from({ length: 1000 }, () => kv.incr("n")));
        return [all[0], all.at(-1), await kv.get("n")];
      });
      kv.disconnect();
    }));

  test("published messages, patterns and keyspace events", () =>
    run(async (kv, { note }, connect) => {
      const listener = connect();
      const heard: unknown[] = [];
      listener.on("message", (channel, message) => heard.push([channel, message]));
      listener.on("pmessage", (...message) => heard.push(message));
      await note("subscribe", () => listener.subscribe("news", "weather"));
      await note("psubscribe", () => listener.psubscribe("__keyevent@0__:*"));
      await note("publish", () => kv.publish("news", "first"));
      await note("publish unheard", () => kv.publish("nobody", "x"));
      await kv.set("k", "v");
      await kv.expire("k", 50);
      await kv.del("k");
      await note("numsub", () => kv.pubsub("NUMSUB", "news", "nobody"));
      await note("unsubscribe", () => listener.unsubscribe("news"));
      await kv.publish("news", "second");
      await kv.publish("weather", "rain");
      await pause(100);
      await note("heard", () => heard);
      await note("all gone", async () => {
        await listener.punsubscribe("__keyevent@0__:*");
        return listener.unsubscribe("weather");
      });
    }));

  test("scan streams visit everything once", () =>
    run(async (kv, { note }) => {
      const pipeline = kv.pipeline();
      for (let i = 0; i < 2000; i++) pipeline.set(`key:${i}`, i).hset("h", `field${i}`, i);
      await pipeline.exec();
      const all = async (stream: AsyncIterable<string[]>) => {
        const seen = new Set<string>();
        for await (const page of stream) for (const item of page) seen.add(item);
        return seen.size;
      };
      await note("keys", () => all(kv.scanStream({ match: "key:*", count: 100 })));
      await note("fields and values", async () => (await all(kv.hscanStream("h"))) > 2000);
      await note("dbsize", () => kv.dbsize());
    }));

  test("blocking pops are served in turn", async (context) => {
    await needs(context, both.ours, "BLPOP");
    await run(async (kv, { note }, connect) => {
      const waiting = [connect(), connect()].map((client) => client.blpop("queue", 5));
      await pause(50);
      await kv.rpush("queue", "first", "second");
      await note("both", async () => (await Promise.all(waiting)).map((pair) => pair?.[1]).sort());
      await note("timeout", () => connect().blpop("queue", 0.05));
    });
  });

  test("a killed connection comes back and goes on", () =>
    run(async (kv, { note }, connect) => {
      const victim = connect();
      await victim.set("k", "before");
      const id = await victim.client("ID");
      const isBack = new Promise((resolve) =>
        victim.once("close", () => victim.once("ready", resolve)),
      );
      await note("kill", () => kv.client("KILL", "ID", id));
      await isBack;
      await note("after", () => victim.get("k"));
    }));
});
