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
