import { harness } from "@kv/testing";
import { describe, expect, test } from "vitest";
import { errors } from "../call/errors.ts";

describe("SET", () => {
  test("stores a string in place of anything, and forgets the time to live", () => {
    const kv = harness();
    kv.send("HSET", "k", "f", "v");
    expect(kv.send("SET", "k", "a")).toBe("OK");
    kv.send("EXPIRE", "k", 100);
    expect(kv.send("SET", "k", "b")).toBe("OK");
    expect(kv.send("GET", "k")).toBe("b");
    expect(kv.send("TTL", "k")).toBe(-1);
    kv.check();
  });

  test("keeps every size of string through every change of size", () => {
    const kv = harness();
    const values = [0, 1, 44, 45, 511, 512, 513, 4096, 100_000].map((length) => "x".repeat(length));
    values.push("12", "-9223372036854775808", "9223372036854775807", "9223372036854775808");
    for (const before of values) {
      for (const after of values) {
        kv.send("SET", "k", before, "PX", 1000);
        kv.send("SET", "k", after, "KEEPTTL");
        expect(kv.send("GET", "k")).toBe(after);
        expect(kv.send("STRLEN", "k")).toBe(after.length);
      }
    }
    expect(kv.send("PTTL", "k")).toBe(1000);
    kv.check();
  });

  test("NX and XX make it depend on the key", () => {
    const kv = harness();
    expect(kv.send("SET", "k", "1", "XX")).toBe(null);
    expect(kv.send("SET", "k", "1", "NX")).toBe("OK");
    expect(kv.send("SET", "k", "2", "NX")).toBe(null);
    expect(kv.send("SET", "k", "2", "XX")).toBe("OK");
    expect(kv.events).toEqual(["set k", "set k"]);
  });

  test("GET returns what was there, whether or not something was set", () => {
    const kv = harness();
    expect(kv.send("SET", "k", "1", "GET")).toBe(null);
    expect(kv.send("SET", "k", "2", "GET")).toBe("1");
    expect(kv.send("SET", "k", "3", "NX", "GET")).toBe("2");
    expect(kv.send("GET", "k")).toBe("2");
    kv.send("HSET", "h", "f", "v");
    expect(kv.send("SET", "h", "1", "GET")).toBe(errors.wrongType);
    expect(kv.send("TYPE", "h")).toBe("hash");
  });

  test("gives a large value back by and by, where that is asked for", () => {
    const kv = harness();
    const { lazyFree } = kv.engine.keyspace;
    const members = Array.from({ length: 1000 }, (_, index) => `member ${index}`);
    const requests = [
      ["SET", "k", "12", "KEEPTTL"],
      ["SET", "k", "x".repeat(1000)],
      ["SETEX", "k", 10, "v"],
      ["MSET", "k", "v", "l", "w"],
    ];
    for (const [index, request] of requests.entries()) {
      for (const [wish, pending] of Object.entries({ no: 0, yes: 1 })) {
        kv.send("CONFIG", "SET", "lazyfree-lazy-server-del", wish);
        kv.send("SADD", "k", ...members);
        kv.send("PEXPIRE", "k", 70_000);
        kv.send(...(request as [string, ...string[]]));
        expect(lazyFree.pendingObjects).toBe(pending);
        expect(kv.send("TYPE", "k")).toBe("string");
        expect(kv.send("GET", "k")).toBe(String(request[2 + Number(index === 2)]));
        expect(kv.send("PTTL", "k")).toBe([70_000, -1, 10_000, -1][index]);
        kv.check();
        while (lazyFree.step(1000));
        kv.send("DEL", "k");
      }
    }
    expect(kv.propagated.flat()).not.toContain("UNLINK");
  });

  test("a key is gone as soon as its time is over", () => {
    const kv = harness();
    kv.send("SET", "k", "v", "PX", 10);
    kv.clock.advance(9);
    expect(kv.send("GET", "k")).toBe("v");
    kv.clock.advance(2);
    expect(kv.send("GET", "k")).toBe(null);
    expect(kv.send("SET", "k", "w", "XX")).toBe(null);
    expect(kv.events).toEqual(["set k", "expire k", "expired k"]);
  });

  test("goes on with the moment of expiry, not with the time to live", () => {
    const kv = harness();
    kv.send("SET", "k", "v", "PX", 1000, "NX", "GET");
    const [, , , unit, expiryMs] = kv.propagated.find((words) => words[0] === "SET") as string[];
    expect(unit).toBe("PXAT");
    expect(kv.send("PEXPIRETIME", "k")).toBe(Number(expiryMs));
  });

  test("goes on as it came when it names the moment itself", () => {
    const kv = harness();
    const moment = String(kv.host.nowMs + 1000);
    kv.send("SET", "k", "v", "xx", "pxat", moment);
    kv.send("SET", "k", "v", "nx", "pxat", moment);
    kv.send("SET", "k", "w", "PXAT", moment, "GET");
    expect(kv.propagated).toEqual([
      ["SET", "k", "v", "nx", "pxat", moment],
      ["SET", "k", "w", "PXAT", moment],
    ]);
  });

  test("goes on without GET, which has no effect there", () => {
    const kv = harness();
    kv.send("SET", "GET", "get", "KEEPTTL", "GET", "XX");
    kv.send("SET", "GET", "get", "KEEPTTL", "GET", "NX");
    expect(kv.propagated).toEqual([["SET", "GET", "get", "KEEPTTL", "NX"]]);
  });

  test.each([
    { why: "both conditions", words: ["NX", "XX"], error: errors.syntax },
    { why: "an unknown word", words: ["KEEP"], error: errors.syntax },
    { why: "a unit without a number", words: ["EX"], error: errors.syntax },
    { why: "two units", words: ["EX", 1, "PX", 1], error: errors.syntax },
    { why: "a unit with KEEPTTL", words: ["KEEPTTL", "EX", 1], error: errors.syntax },
    { why: "a time that is no number", words: ["EX", "ten"], error: errors.notAnInteger },
  ])("refuses: $why", ({ words, error }) => {
    const kv = harness();
    expect(kv.send("SET", "k", "v", ...words)).toBe(error);
    expect(kv.send("EXISTS", "k")).toBe(0);
  });

  test.each([0, -1, "9223372036854775807", "-9223372036854775808", "9223372036854775"])(
    "refuses EX %s",
    (seconds) => {
      const kv = harness();
      const refusal = kv.error("ERR invalid expire time in 'set' command");
      expect(kv.send("SET", "k", "v", "EX", seconds)).toEqual(refusal);
    },
  );

  test.each(["SET", "GETEX"])(
    "%s takes the last moment there is, to a double's precision",
    (name) => {
      const kv = harness();
      kv.send("SET", "k", "v");
      kv.send(name, "k", ...(name === "SET" ? ["v"] : []), "PXAT", "9223372036854775807");
      expect(kv.send("PEXPIRETIME", "k")).toBe(9223372036854774784n);
      expect(kv.send("GET", "k")).toBe("v");
      expect(kv.propagated.at(-1)).toEqual(
        name === "SET"
          ? ["SET", "k", "v", "PXAT", "9223372036854775807"]
          : ["PEXPIREAT", "k", "9223372036854774784"],
      );
    },
  );
});

describe("SETNX, SETEX, PSETEX, GETSET", () => {
  test("SETNX sets only what is missing", () => {
    const kv = harness();
    expect(kv.send("SETNX", "k", "1")).toBe(1);
    expect(kv.send("SETNX", "k", "2")).toBe(0);
    expect(kv.send("GET", "k")).toBe("1");
    expect(kv.propagated).toEqual([["SETNX", "k", "1"]]);
  });

  test("SETEX and PSETEX name themselves when the time is wrong", () => {
    const kv = harness();
    expect(kv.send("SETEX", "k", 10, "v")).toBe("OK");
    expect(kv.send("TTL", "k")).toBe(10);
    expect(kv.send("PSETEX", "k", 20, "v")).toBe("OK");
    expect(kv.send("PTTL", "k")).toBe(20);
    expect(kv.send("SETEX", "k", 0, "v")).toEqual(
      kv.error("ERR invalid expire time in 'setex' command"),
    );
    expect(kv.send("PSETEX", "k", -1, "v")).toEqual(
      kv.error("ERR invalid expire time in 'psetex' command"),
    );
  });

  test("GETSET returns the old string and goes on as SET", () => {
    const kv = harness();
    expect(kv.send("GETSET", "k", "1")).toBe(null);
    kv.send("EXPIRE", "k", 100);
    expect(kv.send("GETSET", "k", "2")).toBe("1");
    expect(kv.send("TTL", "k")).toBe(-1);
    expect(kv.propagated.at(-1)).toEqual(["SET", "k", "2"]);
    kv.send("HSET", "h", "f", "v");
    expect(kv.send("GETSET", "h", "2")).toBe(errors.wrongType);
  });
});
