/** What the runtime is known to do to servers that do not look out: each of these is one of its traps. */
import { describe, expect, test } from "vitest";
import { harness } from "./harness.ts";

describe.each(["__proto__", "constructor", "toString", "hasOwnProperty"])("the name %s", (name) => {
  test("is one like any other, wherever names come from clients", () => {
    const kv = harness();
    expect(kv.send(name)).toEqual(
      kv.error(`ERR unknown command '${name}', with args beginning with: `),
    );
    expect(kv.send("CONFIG", name)).toBeInstanceOf(Error);
    expect(kv.send("CONFIG", "GET", name)).toEqual([]);
    expect(kv.send("CONFIG", "SET", name, "1")).toBeInstanceOf(Error);
    expect(kv.send("INFO", name)).toBe("");
    expect(kv.send("COMMAND", "INFO", name)).toEqual([null]);
    expect(kv.send("SET", name, name)).toBe("OK");
    expect(kv.send("GET", name)).toBe(name);
    expect(kv.send("HSET", "h", name, "1")).toBe(1);
    expect(kv.send("HGETALL", "h")).toEqual([name, "1"]);
    expect(kv.send("SADD", "s", name)).toBe(1);
    expect(kv.send("SISMEMBER", "s", name)).toBe(1);
    expect(kv.send("XADD", "x", "1-1", name, "v")).toBe("1-1");
    expect(kv.send("XGROUP", "CREATE", "x", name, "0")).toBe("OK");
    expect(kv.send("XREADGROUP", "GROUP", name, name, "STREAMS", "x", ">")).toEqual([
      ["x", [["1-1", [name, "v"]]]],
    ]);
    expect(kv.send("CLIENT", "SETNAME", name)).toBe("OK");
    expect(kv.send("CLIENT", "GETNAME")).toBe(name);
    expect(kv.send("ACL", "SETUSER", name, "on")).toBe("OK");
    expect(kv.send("ACL", "SETUSER", "a", `+${name}`)).toBeInstanceOf(Error);
    expect(kv.send("EVAL", "return redis.call('get', KEYS[1])", 1, name)).toBe(name);
    const listener = kv.client();
    expect(listener.send("SUBSCRIBE", name)).toEqual(["subscribe", name, 1]);
    expect(kv.send("PUBSUB", "NUMSUB", name)).toEqual([name, 1]);
    expect(kv.send("PUBLISH", name, "m")).toBe(1);
    expect(kv.send("LATENCY", "HISTORY", name)).toEqual([]);
    expect(kv.send("FUNCTION", "DELETE", name)).toBeInstanceOf(Error);
    kv.check();
  });
});

test("bytes that nobody wrote are zeros, whatever lay there before", () => {
  const kv = harness();
  // All sizes of blocks are used and given back, full of something else.
  for (const bytes of [10, 40, 100, 500, 3000, 20_000, 100_000])
    for (let i = 0; i < 20; i++) kv.send("SET", `old:${bytes}:${i}`, "secret".repeat(bytes / 5));
  for (const bytes of [10, 40, 100, 500, 3000, 20_000, 100_000])
    for (let i = 0; i < 20; i++) kv.send("DEL", `old:${bytes}:${i}`);
  for (const bytes of [11, 45, 99, 600, 3100, 21_000, 90_000]) {
    kv.send("SETRANGE", `gap:${bytes}`, bytes, "x");
    expect(kv.send("GET", `gap:${bytes}`)).toBe(`${"\0".repeat(bytes)}x`);
    kv.send("SET", `grown:${bytes}`, "ab");
    kv.send("SETRANGE", `grown:${bytes}`, bytes, "x");
    expect(kv.send("GET", `grown:${bytes}`)).toBe(`ab${"\0".repeat(bytes - 2)}x`);
    kv.send("SETBIT", `bits:${bytes}`, bytes * 8 + 7, 1);
    expect(kv.send("GET", `bits:${bytes}`)).toBe(`${"\0".repeat(bytes)}\x01`);
    kv.send("BITFIELD", `field:${bytes}`, "SET", "u8", bytes * 8, 7);
    expect(kv.send("GET", `field:${bytes}`)).toBe(`${"\0".repeat(bytes)}\x07`);
  }
});

test("a time that no timer can wait for is waited for all the same", () => {
  const kv = harness();
  kv.send("SET", "k", "v");
  // More than 2^31 milliseconds, which a timer takes for one.
  for (const seconds of [2_147_484, 4_294_968, 100_000_000]) {
    expect(kv.send("EXPIRE", "k", seconds)).toBe(1);
    const waiting = kv.client();
    expect(waiting.send("BLPOP", "list", seconds)).toBe(undefined);
    kv.clock.advance(5000);
    expect(kv.send("GET", "k")).toBe("v");
    expect(waiting.receive()).toBe(undefined);
    kv.send("RPUSH", "list", "a");
    expect(waiting.receive()).toEqual(["list", "a"]);
  }
});
