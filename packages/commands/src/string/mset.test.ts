import { harness } from "@kv/testing";
import { describe, expect, test } from "vitest";

describe("MSET, MSETNX, MGET", () => {
  test("set and read several keys; what is no string reads as null", () => {
    const kv = harness();
    kv.send("HSET", "h", "f", "v");
    expect(kv.send("MSET", "a", "1", "b", "2", "a", "3")).toBe("OK");
    expect(kv.send("MGET", "a", "none", "h", "b", "a")).toEqual(["3", null, null, "2", "3"]);
    expect(kv.events).toEqual(["hset h", "set a", "set b", "set a"]);
    expect(kv.propagated.at(-1)).toEqual(["MSET", "a", "1", "b", "2", "a", "3"]);
  });

  test("MSET overwrites any type and forgets times to live", () => {
    const kv = harness();
    kv.send("HSET", "h", "f", "v");
    kv.send("EXPIRE", "h", 100);
    kv.send("MSET", "h", "v");
    expect(kv.send("GET", "h")).toBe("v");
    expect(kv.send("TTL", "h")).toBe(-1);
  });

  test.each([1, 20_000])(
    "MSET of %i bytes removes what has expired when its turn comes",
    (bytes) => {
      const kv = harness();
      kv.send("RPUSH", "b", "x");
      kv.send("PEXPIRE", "b", 1);
      kv.send("DEBUG", "SET-ACTIVE-EXPIRE", 0);
      kv.clock.advance(2);
      kv.events.length = 0;
      kv.send("MSET", "a", "1".repeat(bytes), "b", "2", "b", "3");
      expect(kv.events).toEqual(["set a", "expired b", "set b", "set b"]);
      expect(kv.send("MGET", "b")).toEqual(["3"]);
      kv.check();
    },
  );

  test("MSETNX sets all or nothing", () => {
    const kv = harness();
    expect(kv.send("MSETNX", "a", "1", "b", "2", "a", "3")).toBe(1);
    expect(kv.send("MSETNX", "c", "1", "b", "2")).toBe(0);
    expect(kv.send("MGET", "a", "b", "c")).toEqual(["3", "2", null]);
  });

  test("a key without a value is refused", () => {
    const kv = harness();
    expect(kv.send("MSET", "a", "1", "b")).toEqual(
      kv.error("ERR wrong number of arguments for 'mset' command"),
    );
    expect(kv.send("MSETNX", "a", "1", "b")).toEqual(
      kv.error("ERR wrong number of arguments for 'msetnx' command"),
    );
    expect(kv.send("DBSIZE")).toBe(0);
  });
});
