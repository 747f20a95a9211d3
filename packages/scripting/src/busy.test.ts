import { getBytes } from "@kv/core";
import { MemoryStorage } from "@kv/persistence/testing";
import { encodeRequest } from "@kv/resp";
import { type Harness, harness, slowClock, type TestClient, turns } from "@kv/testing";
import { describe, expect, test } from "vitest";

const forever = "while true do end";
const busy = expect.objectContaining({ reply: expect.stringMatching(/^BUSY /) });

/** Until nobody is told to wait any more. */
async function untilOver(kv: Harness): Promise<void> {
  for (let i = 0; i < 3000 && kv.send("PING") !== "PONG"; i++) await turns(kv, 1);
  expect(kv.send("PING")).toBe("PONG");
}

/** A script is busy after some twenty looks at the clock. */
function soonBusy(): Harness {
  const kv = harness({ config: { "busy-reply-threshold": 20 } });
  slowClock(kv);
  return kv;
}

describe("a script that runs for too long", () => {
  test("lets others be told, and ends when it is killed", async () => {
    const kv = soonBusy();
    const runner = kv.client();
    const other = kv.client();
    runner.send("EVAL", forever, 0);
    runner.send("PING");
    expect(runner.pushed()).toEqual([]);
    expect(other.send("GET", "k")).toEqual(busy);
    // Nothing changes its data set or its role in the middle of it.
    expect(other.send("REPLICAOF", "n1", 6379)).toEqual(busy);
    expect(other.send("FLUSHALL")).toEqual(busy);
    await turns(kv, 3);
    expect(other.send("PING")).toEqual(busy);
    expect(other.send("SCRIPT", "KILL")).toBe("OK");
    await turns(kv, 3);
    expect(runner.pushed()).toEqual([
      expect.objectContaining({
        reply: expect.stringMatching(
          /^ERR Script killed by user with SCRIPT KILL... script: \w{40}, on @user_script:1.$/,
        ),
      }),
      "PONG",
    ]);
    expect(other.send("PING")).toBe("PONG");
    expect(kv.log.join("\n")).toContain("Slow script detected");
  });

  test("keeps to itself what it tells its own client", async () => {
    const kv = soonBusy();
    const runner = kv.client();
    const other = kv.client();
    runner.send("HELLO", 3);
    runner.sendBytes(encodeRequest(["SUBSCRIBE", "c"]));
    runner.pushed();
    runner.sendBytes(
      encodeRequest([
        "EVAL",
        "redis.call('PUBLISH', 'c', 1) local i = 0 while i < 4e6 do i = i + 1 end return 2",
        "0",
      ]),
    );
    other.sendBytes(encodeRequest(["GET", "k"]));
    expect(other.takeRaw()).toMatch(/^-BUSY /);
    await untilOver(kv);
    expect(runner.pushed()).toEqual([2, ["message", "c", "1"]]);
  });

  test("sees time pass when others have been told", async () => {
    const kv = soonBusy();
    const runner = kv.client();
    const other = kv.client();
    const wait =
      "local t = redis.call('TIME')[1] local n repeat n = redis.call('TIME')[1] until n ~= t return n - t";
    runner.send("EVAL", wait, 0);
    expect(other.send("GET", "k")).toEqual(busy);
    await turns(kv, 3);
    expect(other.send("GET", "k")).toEqual(busy);
    kv.clock.advance(2000);
    await untilOver(kv);
    expect(runner.pushed()).toEqual([2]);
  });

  test("goes on to its end, with all that it changes leaving together", async () => {
    const kv = soonBusy();
    const runner = kv.client();
    const other = kv.client();
    kv.propagated.length = 0;
    runner.send(
      "EVAL",
      "redis.call('SET', 'a', 1) local i = 0 while i < 4e6 do i = i + 1 end redis.call('SET', 'b', i) return i",
      0,
    );
    expect(other.send("GET", "a")).toEqual(busy);
    expect(kv.propagated).toEqual([]);
    for (let i = 0; i < 1000 && other.send("GET", "a") !== "1"; i++) await turns(kv, 1);
    expect(runner.pushed()).toEqual([4_000_000]);
    expect(kv.propagated).toEqual([
      ["MULTI"],
      ["SET", "a", "1"],
      ["SET", "b", "4000000"],
      ["EXEC"],
    ]);
    expect(other.send("MGET", "a", "b")).toEqual(["1", "4000000"]);
  });

  test("that has written cannot be killed, and only a shutdown without saving is possible", async () => {
    const kv = soonBusy();
    const runner = kv.client();
    const other = kv.client();
    runner.send("EVAL", `redis.call('SET', 'a', 1) ${forever}`, 0);
    await turns(kv, 2);
    expect(other.send("SCRIPT", "KILL")).toEqual(
      expect.objectContaining({ reply: expect.stringMatching(/^UNKILLABLE /) }),
    );
    expect(other.send("SHUTDOWN")).toEqual(busy);
    other.send("SHUTDOWN", "NOSAVE");
    await turns(kv, 2);
    expect(kv.host.exitCode).toBe(0);
  });

  test("cannot swallow that it is killed", async () => {
    const kv = soonBusy();
    const runner = kv.client();
    runner.send("EVAL", "while true do pcall(function() while true do end end) end", 0);
    await turns(kv, 2);
    expect(kv.send("SCRIPT", "KILL")).toBe("OK");
    await turns(kv, 3);
    expect(runner.pushed()).toHaveLength(1);
    expect(kv.send("EVAL", "return 1", 0)).toBe(1);
  });

  test("is told that it was killed, even where its machine had to be given up for that", async () => {
    const kv = soonBusy();
    const runner = kv.client();
    runner.send("EVAL", "while true do pcall(function() while true do end end) end", 0);
    await turns(kv, 2);
    expect(kv.send("SCRIPT", "KILL")).toBe("OK");
    // Whenever somebody looks, more time has passed than a kill is given.
    slowClock(kv, 1e6);
    await turns(kv, 3);
    expect(runner.pushed()).toEqual([
      expect.objectContaining({ reply: expect.stringMatching(/^ERR Script killed by user /) }),
    ]);
    expect(kv.log.filter((line) => line.includes("killed by user"))).toHaveLength(1);
    expect(kv.send("EVAL", "return 1", 0)).toBe(1);
  });

  test("is not disturbed by time: nothing expires or is saved in its middle", async () => {
    const kv = soonBusy();
    const runner = kv.client();
    kv.send("SET", "k", "v", "PX", 10);
    runner.send(
      "EVAL",
      "local i = 0 while i < 4e6 do i = i + 1 end return redis.call('GET', 'k')",
      0,
    );
    kv.host.nowMs += 60_000;
    kv.engine.cron();
    await untilOver(kv);
    expect(runner.pushed()).toEqual(["v"]);
    expect(kv.send("GET", "k")).toBeNull();
  });

  test.each(["allkeys-lru", "noeviction"])(
    "takes what it needs: under %s nothing is evicted in its middle, whoever asks meanwhile",
    async (policy) => {
      const kv = soonBusy();
      kv.send("CONFIG", "SET", "maxmemory-policy", policy);
      for (let i = 0; i < 100; i++) kv.send("SET", `k${i}`, "v".repeat(1000));
      kv.send("CONFIG", "SET", "maxmemory", kv.engine.memory.usedBytes + 50_000);
      const runner = kv.client();
      const other = kv.client();
      kv.propagated.length = 0;
      runner.send(
        "EVAL",
        "redis.call('SET', 'a', string.rep('v', 2e5)) local i = 0 while i < 4e6 do i = i + 1 end return redis.call('DBSIZE')",
        0,
      );
      expect(other.send("SET", "b", 1)).toEqual(busy);
      expect(kv.propagated).toEqual([]);
      await untilOver(kv);
      expect(runner.pushed()).toEqual([101]);
      expect(kv.engine.stats.evictedKeys > 0).toBe(policy === "allkeys-lru");
    },
  );

  test("whose client has gone goes on to its end", async () => {
    const kv = soonBusy();
    const runner = kv.client();
    runner.send("EVAL", "local i = 0 while i < 4e6 do i = i + 1 end redis.call('SET', 'k', i)", 0);
    runner.destroy();
    await untilOver(kv);
    expect(kv.send("GET", "k")).toBe("4000000");
  });

  test("counts as one command that took all of its time", async () => {
    const kv = soonBusy();
    kv.send("CONFIG", "SET", "slowlog-log-slower-than", 1);
    kv.send("CONFIG", "RESETSTAT");
    kv.send("SLOWLOG", "RESET");
    const runner = kv.client();
    runner.send("EVAL", "local i = 0 while i < 4e6 do i = i + 1 end return i", 1, "k");
    await untilOver(kv);
    const slow = kv.send("SLOWLOG", "GET", -1) as [number, number, number, string[]][];
    const evals = slow.filter(([, , , words]) => words[0] === "EVAL");
    expect(evals).toHaveLength(1);
    expect(evals[0]?.[3]).toHaveLength(4);
    const stats = kv.send("INFO", "commandstats") as string;
    const [, calls, microseconds] = /cmdstat_eval:calls=(\d+),usec=(\d+)/.exec(stats) ?? [];
    expect(calls).toBe("1");
    expect(Number(microseconds)).toBe(evals[0]?.[2]);
    // A look at the clock is a millisecond here, and there were more than twenty before it was busy.
    expect(Number(microseconds)).toBeGreaterThan(20_000);
  });

  test("serves those who wait for what it wrote, when it is over", async () => {
    const kv = soonBusy();
    const waiting = kv.client();
    waiting.send("BLPOP", "list", 0);
    const runner = kv.client();
    runner.send(
      "EVAL",
      "redis.call('RPUSH', 'list', 'a') local i = 0 while i < 4e6 do i = i + 1 end return redis.call('LLEN', 'list')",
      0,
    );
    await turns(kv, 2);
    expect(waiting.pushed()).toEqual([]);
    await untilOver(kv);
    expect(runner.pushed()).toEqual([1]);
    expect(waiting.pushed()).toEqual([["list", "a"]]);
  });

  test("leaves no reply where its client wants none", async () => {
    const kv = soonBusy();
    const runner = kv.client();
    runner.send("CLIENT", "REPLY", "SKIP");
    runner.send("EVAL", "local i = 0 while i < 4e6 do i = i + 1 end return i", 0);
    runner.send("PING");
    await untilOver(kv);
    expect(runner.pushed()).toEqual(["PONG"]);
  });
});

describe("a script within EXEC that runs for too long", () => {
  const slow = "local i = 0 while i < 4e6 do i = i + 1 end";

  function transaction(kv: Harness, ...requests: string[][]): TestClient {
    const runner = kv.client();
    runner.send("MULTI");
    for (const words of requests) expect(runner.send(...words)).toBe("QUEUED");
    runner.send("EXEC");
    return runner;
  }

  test("stops the transaction, which goes on behind it", async () => {
    const kv = soonBusy();
    const other = kv.client();
    kv.propagated.length = 0;
    const runner = transaction(
      kv,
      ["SET", "a", "1"],
      ["EVAL", `redis.call('INCR', KEYS[1]) ${slow} return redis.call('GET', KEYS[1])`, "1", "a"],
      ["GET", "a"],
      ["EVAL", `${slow} return redis.call('INCR', KEYS[1])`, "1", "a"],
      ["SELECT", "1"],
      ["EVAL", "return redis.error_reply('MY error')", "0"],
    );
    runner.send("SET", "b", "2");
    expect(other.send("GET", "a")).toEqual(busy);
    await turns(kv, 2);
    expect(other.send("SHUTDOWN")).toEqual(busy);
    expect(kv.propagated).toEqual([]);
    await untilOver(kv);
    expect(runner.pushed()).toEqual([["OK", "2", "2", 3, "OK", kv.error("MY error")], "OK"]);
    expect(kv.propagated).toEqual([
      ["MULTI"],
      ["SET", "a", "1"],
      ["INCR", "a"],
      ["INCR", "a"],
      ["EXEC"],
      ["SET", "b", "2"],
    ]);
    expect(other.send("GET", "a")).toBe("3");
    expect(runner.send("GET", "b")).toBe("2");
  });

  test("can be killed, and the rest of the transaction runs", async () => {
    const kv = soonBusy();
    const other = kv.client();
    const runner = transaction(kv, ["EVAL", forever, "0"], ["INCR", "a"]);
    await turns(kv, 3);
    expect(other.send("SCRIPT", "KILL")).toBe("OK");
    await untilOver(kv);
    expect(runner.pushed()).toEqual([
      [expect.objectContaining({ reply: expect.stringMatching(/^ERR Script killed/) }), 1],
    ]);
    expect(kv.engine.situation.isNested).toBe(false);
  });

  test("goes on to its end when its client has gone, and all memory is given back", async () => {
    const kv = soonBusy();
    const before = kv.engine.keyspace.arena.usedBytes;
    const runner = transaction(kv, ["EVAL", slow, "0"], ["SET", "a", "1"]);
    runner.destroy();
    await untilOver(kv);
    expect(kv.send("GETDEL", "a")).toBe("1");
    expect(kv.engine.keyspace.arena.usedBytes).toBe(before);
  });
});

test("one that a stopped server had running changes nothing more", async () => {
  const kv = soonBusy();
  const runner = kv.client();
  runner.send("EVAL", "while true do redis.call('INCR', 'n') end", 0);
  await turns(kv, 3);
  const value = () => getBytes(kv.engine.keyspace.databases[0], Buffer.from("n"), 0);
  const before = value();
  expect(before).not.toBe(null);
  kv.engine.stop();
  await turns(kv, 3);
  expect([value(), runner.pushed()]).toEqual([before, []]);
});

test("a slow script in a log is told of, and over before the next command is run", async () => {
  const script =
    "redis.call('SET', KEYS[1], 'first') for i = 1, 4e6 do end redis.call('APPEND', KEYS[1], '!')";
  const disk = new MemoryStorage();
  const log = [
    ["EVAL", script, "1", "k"],
    ["APPEND", "k", " last"],
  ].map((words) => encodeRequest(words));
  disk.put("appendonly.aof", Buffer.concat(log));
  const kv = harness({ config: { "busy-reply-threshold": 20, appendonly: true }, disk });
  slowClock(kv, 2000);
  expect(await kv.engine.load()).toBe(true);
  const told = () => kv.log.filter((line) => line.startsWith("Slow script detected")).length;
  expect(told()).toBe(1);
  expect(kv.send("GET", "k")).toBe("first! last");
  expect(kv.send("DEBUG", "LOADAOF")).toBe("OK");
  expect(told()).toBe(2);
  expect(kv.send("GET", "k")).toBe("first! last");
});
