/** Scripts that stand in a log, as servers before Redis 7 may have written it. */
import { MemoryStorage } from "@kv/persistence/testing";
import { encodeRequest } from "@kv/resp";
import { harness } from "@kv/testing";
import { describe, expect, test } from "vitest";

const set = "redis.call('SET', KEYS[1], '1')";
const increment = "return redis.call('INCR', KEYS[1])";
const withFlags = "#!lua\nreturn redis.call('INCR', KEYS[1])";

describe("what a log's scripts write is written, whatever this server is", () => {
  test.each([
    { what: "a replica that nobody may write to", config: { replicaof: { host: "n1", port: 1 } } },
    {
      what: "a replica that serves nothing old",
      config: { replicaof: { host: "n1", port: 1 }, "replica-serve-stale-data": false },
    },
    {
      what: "a primary without the replicas that it wants",
      config: { "min-replicas-to-write": 1 },
    },
    { what: "a server without memory", config: { maxmemory: 1 } },
  ])("$what", async ({ config }) => {
    const disk = new MemoryStorage();
    const log = [set, increment, withFlags].map((script) =>
      encodeRequest(["EVAL", script, "1", "k"]),
    );
    disk.put("appendonly.aof", Buffer.concat(log));
    const kv = harness({
      config: { appendonly: true, "propagation-error-behavior": "panic", ...config },
      disk,
    });
    expect(await kv.engine.load(), kv.log.join("\n")).toBe(true);
    kv.send("REPLICAOF", "NO", "ONE");
    expect(kv.send("GET", "k")).toBe("3");
    kv.check();
  });
});

test("what a log's scripts run stands in no log again, counts nowhere, and nobody hears of it", async () => {
  const disk = new MemoryStorage();
  const requests = [
    ["EVAL", increment, "1", "k"],
    ["EVAL", increment, "1", "k"],
    ["MULTI"],
    ["EVAL", increment, "1", "k"],
    ["EXEC"],
  ];
  disk.put("appendonly.aof", Buffer.concat(requests.map((words) => encodeRequest(words))));
  const kv = harness({
    config: { appendonly: true, "notify-keyspace-events": "KEA", "slowlog-log-slower-than": 0 },
    disk,
  });
  expect(await kv.engine.load(), kv.log.join("\n")).toBe(true);
  expect(kv.send("SLOWLOG", "LEN")).toBe(0);
  kv.send("CONFIG", "SET", "slowlog-log-slower-than", "-1");
  const watcher = kv.client();
  watcher.send("MONITOR");
  const listener = kv.client();
  listener.send("PSUBSCRIBE", "__key*");
  kv.propagated.length = 0;
  for (let time = 0; time < 3; time++) {
    expect(kv.send("DEBUG", "LOADAOF")).toBe("OK");
    // Had the log been written to meanwhile, it would be more with each load.
    expect(kv.send("GET", "k")).toBe("3");
  }
  expect(kv.propagated).toEqual([]);
  expect(watcher.takeRaw()).not.toMatch(/incr|eval/i);
  expect(listener.pushed()).toEqual([]);
  expect(kv.send("INFO", "commandstats")).not.toContain("cmdstat_incr");
  kv.check();
});
