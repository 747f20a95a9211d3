import { withoutRoom } from "@kv/core/testing";
import { harness } from "@kv/testing";
import { describe, expect, test } from "vitest";

const future = 4_102_444_800_000;

describe("DUMP and RESTORE", () => {
  test("a value comes back as it was", () => {
    const kv = harness();
    kv.send("SET", "s", "\0any\xff bytes");
    kv.send("SET", "n", -12);
    kv.send("HSET", "small", "f", "v", "n", 1);
    for (let i = 0; i < 200; i++) kv.send("HSET", "large", `f${i}`, "x".repeat(100));
    for (const key of ["s", "n", "small", "large"]) {
      const payload = kv.send("DUMP", key) as string;
      expect(kv.send("RESTORE", `${key}2`, 0, payload)).toBe("OK");
      const [before, after] = kv.send("DEBUG", "DIGEST-VALUE", key, `${key}2`) as string[];
      expect(after, key).toBe(before);
      expect(kv.send("OBJECT", "ENCODING", `${key}2`)).toBe(kv.send("OBJECT", "ENCODING", key));
    }
    kv.check();
  });

  test("what a key holds stays when there is no room for its successor", () => {
    const kv = harness();
    kv.send("HSET", "table", "f", "x".repeat(2000), "g", 1);
    kv.send("SET", "long", "y".repeat(2000));
    const payloads = ["table", "long"].map((key) => kv.send("DUMP", key) as string);
    kv.send("SET", "k", "mine", "PX", 100_000);
    const { arena } = kv.engine.keyspace;
    for (const payload of payloads) {
      let refused = 0;
      for (let nth = 1; ; nth++) {
        const isHindered = withoutRoom(arena, nth, false, () => {
          const reply = kv.send("RESTORE", "k", 1000, payload, "REPLACE");
          if (reply !== "OK") refused++;
        });
        if (!isHindered) break;
        expect(kv.send("GET", "k")).toBe("mine");
        expect(kv.send("PTTL", "k")).toBe(100_000);
        kv.check();
      }
      expect(refused).toBeGreaterThan(1);
      expect(kv.send("PTTL", "k")).toBe(1000);
      kv.send("SET", "k", "mine", "PX", 100_000);
    }
  });

  test("a key that moves between nodes of a cluster comes by RESTORE-ASKING", () => {
    const kv = harness();
    kv.send("RPUSH", "l", "a", "b");
    const payload = kv.send("DUMP", "l") as string;
    expect(kv.send("RESTORE-ASKING", "l", 0, payload)).toEqual(
      kv.error("BUSYKEY Target key name already exists."),
    );
    expect(kv.send("RESTORE-ASKING", "l2", 5000, payload, "REPLACE")).toBe("OK");
    expect(kv.send("LRANGE", "l2", 0, -1)).toEqual(["a", "b"]);
    expect(kv.send("PTTL", "l2")).toBe(5000);
    const [[, , flags]] = kv.send("COMMAND", "INFO", "RESTORE-ASKING") as [
      [string, number, string[]],
    ];
    expect(flags).toEqual(["write", "denyoom", "asking"]);
  });

  test("any bit that is wrong is noticed", () => {
    const kv = harness();
    kv.send("HSET", "h", "f", "v", "n", 1);
    const payload = kv.send("DUMP", "h") as string;
    for (let at = 0; at < payload.length; at++) {
      const code = payload.charCodeAt(at) ^ 1;
      const bad = payload.slice(0, at) + String.fromCharCode(code) + payload.slice(at + 1);
      expect(kv.send("RESTORE", "bad", 0, bad)).toEqual(
        kv.error("ERR DUMP payload version or checksum are wrong"),
      );
    }
  });

  test("without the checksum, what is no value is still refused", () => {
    const kv = harness();
    kv.send("DEBUG", "SET-SKIP-CHECKSUM-VALIDATION", 1);
    kv.send("HSET", "h", "f", "v", "n", 1);
    const payload = kv.send("DUMP", "h") as string;
    const used = kv.engine.keyspace.arena.usedBytes;
    for (let at = 0; at < payload.length - 10; at++) {
      for (const bit of [1, 16, 128]) {
        const code = payload.charCodeAt(at) ^ bit;
        const bad = payload.slice(0, at) + String.fromCharCode(code) + payload.slice(at + 1);
        const reply = kv.send("RESTORE", "bad", 0, bad);
        if (reply !== "OK") expect(reply).toEqual(kv.error("ERR Bad data format"));
        kv.send("DEL", "bad");
      }
    }
    expect(kv.engine.keyspace.arena.usedBytes).toBe(used);
    kv.check();
  });

  test("the key counts as new, even in the place of another", () => {
    const kv = harness({ config: { "notify-keyspace-events": "KEgn" } });
    kv.send("SET", "a", "v");
    const payload = kv.send("DUMP", "a") as string;
    kv.events.length = 0;
    kv.send("RESTORE", "b", 0, payload);
    kv.send("RESTORE", "a", 0, payload, "REPLACE");
    expect(kv.events).toEqual(["new b", "restore b", "new a", "restore a"]);
  });

  test("REPLACE does not care that the time of the old key has passed", () => {
    const kv = harness();
    kv.send("SET", "a", "v");
    const payload = kv.send("DUMP", "a") as string;
    kv.send("SET", "b", "old", "PX", 1);
    kv.host.advance(2);
    kv.events.length = 0;
    kv.propagated.length = 0;
    kv.send("RESTORE", "b", 0, payload, "REPLACE");
    expect(kv.events).toEqual(["restore b"]);
    expect(kv.propagated.map(([name]) => name)).toEqual(["RESTORE"]);
  });

  test("REPLACE takes the place of a key; without it that is refused", () => {
    const kv = harness();
    kv.send("SET", "a", "new");
    kv.send("HSET", "b", "f", "v");
    const payload = kv.send("DUMP", "a") as string;
    expect(kv.send("RESTORE", "b", 0, payload)).toEqual(
      kv.error("BUSYKEY Target key name already exists."),
    );
    kv.events.length = 0;
    expect(kv.send("RESTORE", "b", 0, payload, "REPLACE")).toBe("OK");
    expect(kv.send("GET", "b")).toBe("new");
    expect(kv.events).toEqual(["restore b"]);
  });

  test("a time to live is propagated as the time at which it ends", () => {
    const kv = harness();
    kv.send("SET", "a", "v");
    const payload = kv.send("DUMP", "a") as string;
    kv.propagated.length = 0;
    kv.send("RESTORE", "b", 5000, payload);
    expect(kv.send("PTTL", "b")).toBe(5000);
    kv.send("RESTORE", "c", future, payload, "ABSTTL");
    expect(kv.send("PEXPIRETIME", "c")).toBe(future);
    kv.send("RESTORE", "d", 0, payload);
    expect(kv.propagated.map((words) => words.filter((word) => word !== payload))).toEqual([
      ["RESTORE", "b", "1700000005000", "ABSTTL"],
      ["RESTORE", "c", `${future}`, "ABSTTL"],
      ["RESTORE", "d", "0"],
    ]);
  });

  test("a time to live beyond all time lasts to the end of it", () => {
    const kv = harness();
    kv.send("SET", "a", "v");
    const payload = kv.send("DUMP", "a") as string;
    expect(kv.send("RESTORE", "b", "9223372036854775807", payload)).toBe("OK");
    expect(kv.send("PEXPIRETIME", "b")).toBe(9223372036854774784n);
    expect(kv.propagated.at(-1)?.[2]).toBe("9223372036854774784");
  });

  test("a time that has passed makes no key, and REPLACE then is a DEL", () => {
    const kv = harness();
    kv.send("SET", "a", "v");
    const payload = kv.send("DUMP", "a") as string;
    kv.propagated.length = 0;
    kv.events.length = 0;
    expect(kv.send("RESTORE", "b", 1, payload, "ABSTTL")).toBe("OK");
    expect(kv.propagated).toEqual([]);
    expect(kv.send("RESTORE", "a", 1, payload, "ABSTTL", "REPLACE")).toBe("OK");
    expect(kv.send("EXISTS", "a", "b")).toBe(0);
    expect(kv.propagated).toEqual([["DEL", "a"]]);
    expect(kv.events).toEqual(["del a"]);

    kv.send("HSET", "h", "f", "v");
    const hash = kv.send("DUMP", "h") as string;
    const used = kv.engine.keyspace.arena.usedBytes;
    kv.send("RESTORE", "b", 1, hash, "ABSTTL");
    expect(kv.engine.keyspace.arena.usedBytes).toBe(used);
    kv.check();
  });

  test("IDLETIME counts under LRU, FREQ under LFU", () => {
    const kv = harness();
    kv.send("SET", "a", "v");
    const payload = kv.send("DUMP", "a") as string;
    kv.send("RESTORE", "b", 0, payload, "IDLETIME", 1000);
    expect(kv.send("OBJECT", "IDLETIME", "b")).toBe(1000);
    kv.send("CONFIG", "SET", "maxmemory-policy", "allkeys-lfu");
    kv.clock.advance(200);
    kv.send("RESTORE", "c", 0, payload, "FREQ", 77);
    expect(kv.send("OBJECT", "FREQ", "c")).toBe(77);
  });

  test("DUMP of a key that is not there, and of one that has expired, is null", () => {
    const kv = harness();
    kv.send("SET", "k", "v", "PX", 10);
    kv.host.advance(11);
    expect(kv.send("DUMP", "k")).toBe(null);
    expect(kv.send("DUMP", "missing")).toBe(null);
  });
});
