/**
 * A job queue as queue libraries build them, without scripts: a list that workers take from by
 * blocking moves, delayed jobs in a sorted set, priorities, a stream of events with consumer groups,
 * locks and counters; many workers at once. The same program runs against both servers.
 */
import { hasRedisServer } from "@kv/testing";
import { Redis } from "ioredis";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Both, needs, startBoth } from "./both-servers.ts";
import { inOrder, pause, sameOnBoth } from "./client-script.ts";

const JOBS = 300;
const WORKERS = 8;

describe.runIf(hasRedisServer())("a job queue", () => {
  let both: Both;
  beforeAll(async () => {
    both = await startBoth();
  });
  afterAll(() => both?.stop());

  function connector(port: number) {
    const clients: Redis[] = [];
    const connect = () => {
      const client = new Redis({ port, host: "127.0.0.1" });
      client.on("error", () => {});
      clients.push(client);
      return client;
    };
    const close = () => {
      for (const client of clients) client.disconnect();
    };
    return { connect, close };
  }

  test("hands each job to one worker, with locks, delays and events", async (context) => {
    await needs(context, both.ours, "BLMOVE", "ZADD", "XADD", "XREADGROUP", "SADD", "BZPOPMIN");
    const journal = await sameOnBoth(both, async (port, { note }) => {
      const { connect, close } = connector(port);
      const kv = connect();
      await kv.flushall();
      const doneBy = new Map<string, number>();
      let isOver = false;

      async function work(name: number): Promise<void> {
        const own = connect();
        while (!isOver) {
          const id = await own.blmove("wait", `active:${name}`, "RIGHT", "LEFT", 0.2);
          if (id === null) continue;
          const isLocked = await own.set(`lock:${id}`, name, "PX", 5000, "NX");
          if (isLocked === null) throw new Error(`job ${id} was handed out twice`);
          doneBy.set(id, name);
          await own
            .multi()
            .lrem(`active:${name}`, 1, id)
            .hset(`job:${id}`, "state", "completed")
            .zadd("completed", Number(id), id)
            .xadd("events", "MAXLEN", "~", 10_000, "*", "event", "completed", "id", id)
            .del(`lock:${id}`)
            .exec();
        }
      }

      /** Moves delayed jobs whose time has come, as a queue's scheduler does. */
      async function schedule(): Promise<void> {
        const own = connect();
        while (!isOver) {
          const due = await own.zrangebyscore("delayed", 0, Date.now(), "LIMIT", 0, 50);
          for (const id of due)
            if ((await own.zrem("delayed", id)) === 1) await own.lpush("wait", id);
          await pause(10);
        }
      }

      const workers = Array.from({ length: WORKERS }, (_, index) => work(index));
      const scheduler = schedule();
      await kv.xgroup("CREATE", "events", "watchers", "$", "MKSTREAM");
      for (let id = 1; id <= JOBS; id++) {
        const isNew = await kv.sadd("ids", id);
        if (isNew === 1) await kv.hset(`job:${id}`, "state", "waiting", "n", id);
        if (id % 3 === 0) await kv.zadd("delayed", Date.now() + (id % 50), `${id}`);
        else await kv.lpush("wait", id);
      }
      const seen: string[] = [];
      while (seen.length < JOBS) {
        const read = (await kv.xreadgroup(
          "GROUP",
          "watchers",
          "one",
          "COUNT",
          40,
          "BLOCK",
          5000,
          "STREAMS",
          "events",
          ">",
        )) as [string, [string, string[]][]][] | null;
        if (read === null) break;
        for (const [, entries] of read)
          for (const [entry, fields] of entries) {
            seen.push(fields[3] ?? "");
            await kv.xack("events", "watchers", entry);
          }
      }
      isOver = true;
      await Promise.all([...workers, scheduler]);
      await note("every job once", () => inOrder(seen.map(Number)).length);
      await note("by any worker", () => doneBy.size);
      await note("different", () => new Set(seen).size);
      await note("completed", () => kv.zcard("completed"));
      await note("highest", () => kv.zrevrange("completed", 0, 2, "WITHSCORES"));
      await note("waiting", () => kv.llen("wait"));
      await note("pending", () => kv.xpending("events", "watchers"));
      await note("state", () => kv.hgetall("job:7"));
      await note("keys", async () => inOrder(await kv.keys("[!j]*")));
      close();
    });
    expect(journal.entries.slice(0, 4)).toEqual([
      ["every job once", JOBS],
      ["by any worker", JOBS],
      ["different", JOBS],
      ["completed", JOBS],
    ]);
  }, 60_000);

  test("serves by priority, and recovers what a dead consumer left", async (context) => {
    await needs(context, both.ours, "BZPOPMIN", "XAUTOCLAIM", "XINFO", "LMPOP");
    await sameOnBoth(both, async (port, { note }) => {
      const { connect, close } = connector(port);
      const kv = connect();
      const other = connect();
      await kv.flushall();
      const popped = other.bzpopmin("first", "second", 5);
      await pause(30);
      await kv.zadd("second", 3, "c", 1, "a", 2, "b");
      await note("waited", () => popped);
      await note("then", () => other.bzpopmin("first", "second", 5));
      await note("many", () => kv.zmpop(2, "first", "second", "MAX", "COUNT", 5));
      await note("none", () => other.bzpopmin("first", 0.02));
      await kv.xgroup("CREATE", "s", "g", "0", "MKSTREAM");
      for (let id = 1; id <= 5; id++) await kv.xadd("s", `${id}-0`, "n", id);
      await note("read", () =>
        kv.xreadgroup("GROUP", "g", "dead", "COUNT", 3, "STREAMS", "s", ">"),
      );
      await note("claimed", () => kv.xautoclaim("s", "g", "alive", 0, "0", "COUNT", 2));
      await note("the rest", () => kv.xreadgroup("GROUP", "g", "alive", "STREAMS", "s", ">"));
      await note("history", () => kv.xreadgroup("GROUP", "g", "dead", "STREAMS", "s", "0"));
      await note("acked", () => kv.xack("s", "g", "1-0", "2-0", "4-0"));
      await note("pending", () => kv.xpending("s", "g"));
      const tail = other.xread("BLOCK", 5000, "STREAMS", "s", "$");
      await pause(30);
      await kv.xadd("s", "9-0", "n", 9);
      await note("tail", () => tail);
      await kv.rpush("l", 1, 2, 3, 4, 5);
      await note("lmpop", () => kv.lmpop(2, "none", "l", "RIGHT", "COUNT", 2));
      await note("left", () => kv.lrange("l", 0, -1));
      close();
    });
  });

  test("wakes two hundred waiting clients in the order in which they came", async (context) => {
    await needs(context, both.ours, "BLPOP");
    await sameOnBoth(both, async (port, { note }) => {
      const { connect, close } = connector(port);
      const kv = connect();
      await kv.flushall();
      const order: number[] = [];
      const waits: Promise<unknown>[] = [];
      for (let index = 0; index < 200; index++) {
        const client = connect();
        await client.ping();
        waits.push(
          client.blpop("q", 0).then((reply) => {
            order.push(Number(reply?.[1]) - index);
          }),
        );
        if (index % 50 === 49) await kv.ping();
      }
      while (!(await kv.info("clients")).includes("blocked_clients:200")) await pause(5);
      await kv.rpush("q", ...Array.from({ length: 200 }, (_, index) => index));
      await Promise.all(waits);
      await note("each the element of its place", () => order.every((gap) => gap === 0));
      await note("nothing is left", () => kv.exists("q"));
      close();
    });
  });
});
