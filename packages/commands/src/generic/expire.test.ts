import { harness } from "@kv/testing";
import { describe, expect, test } from "vitest";

describe("EXPIRE and its kin", () => {
  test("a key lives until its last millisecond is over", () => {
    const kv = harness();
    kv.send("SET", "k", "v");
    expect(kv.send("PEXPIRE", "k", 10)).toBe(1);
    expect(kv.send("PTTL", "k")).toBe(10);
    kv.clock.advance(10);
    expect(kv.send("GET", "k")).toBe("v");
    kv.clock.advance(1);
    expect(kv.send("GET", "k")).toBe(null);
    expect(kv.send("PTTL", "k")).toBe(-2);
  });

  test("TTL rounds to the nearest second", () => {
    const kv = harness();
    kv.send("SET", "k", "v");
    kv.send("PEXPIRE", "k", 1499);
    expect(kv.send("TTL", "k")).toBe(1);
    kv.send("PEXPIRE", "k", 1500);
    expect(kv.send("TTL", "k")).toBe(2);
    kv.send("PEXPIRE", "k", 499);
    expect(kv.send("TTL", "k")).toBe(0);
  });

  test("the log gets the moment, so that it does not matter when it is read", () => {
    const kv = harness();
    kv.send("SET", "k", "v");
    kv.propagated.length = 0;
    kv.send("EXPIRE", "k", 100);
    const moment = String(kv.send("PEXPIRETIME", "k"));
    kv.send("EXPIRE", "k", 100, "xx");
    kv.send("EXPIREAT", "k", 32503680000);
    kv.send("PEXPIREAT", "k", "32503680000001", "GT");
    expect(kv.propagated).toEqual([
      ["PEXPIREAT", "k", moment],
      ["PEXPIREAT", "k", moment, "xx"],
      ["PEXPIREAT", "k", "32503680000000"],
      ["PEXPIREAT", "k", "32503680000001", "GT"],
    ]);
  });

  test("a moment that has passed deletes, and is propagated as just that", () => {
    const kv = harness();
    kv.send("SET", "k", "v");
    kv.events.length = 0;
    kv.propagated.length = 0;
    expect(kv.send("EXPIRE", "k", 0)).toBe(1);
    expect(kv.send("EXISTS", "k")).toBe(0);
    expect(kv.events).toEqual(["del k"]);
    expect(kv.propagated).toEqual([["DEL", "k"]]);
  });

  test.each([
    { present: 0, conditions: ["NX"], done: 1 },
    { present: 0, conditions: ["XX"], done: 0 },
    { present: 0, conditions: ["GT"], done: 0 },
    { present: 0, conditions: ["LT"], done: 1 },
    { present: 50, conditions: ["NX"], done: 0 },
    { present: 50, conditions: ["XX"], done: 1 },
    { present: 50, conditions: ["GT"], done: 1 },
    { present: 50, conditions: ["LT"], done: 0 },
    { present: 100, conditions: ["GT"], done: 0 },
    { present: 100, conditions: ["LT"], done: 0 },
    { present: 200, conditions: ["XX", "LT"], done: 1 },
    { present: 200, conditions: ["XX", "GT"], done: 0 },
  ])("100 seconds over $present with $conditions: $done", ({ present, conditions, done }) => {
    const kv = harness();
    kv.send("SET", "k", "v");
    if (present > 0) kv.send("EXPIRE", "k", present);
    kv.propagated.length = 0;
    expect(kv.send("EXPIRE", "k", 100, ...conditions)).toBe(done);
    expect(kv.send("TTL", "k")).toBe(done === 1 ? 100 : present > 0 ? present : -1);
    expect(kv.propagated.length).toBe(done);
  });

  test.each([
    { line: ["EXPIRE", "k", "9223372036854776"], why: "the milliseconds overflow" },
    { line: ["EXPIRE", "k", "9223372036854775"], why: "together with now they overflow" },
    { line: ["EXPIRE", "k", "-9223372036854776"], why: "they overflow below" },
    { line: ["PEXPIRE", "k", "9223372036854775807"], why: "together with now they overflow" },
    { line: ["EXPIREAT", "k", "9223372036854776"], why: "the milliseconds overflow" },
  ])("refuses $line: $why", ({ line }) => {
    const kv = harness();
    const name = (line[0] as string).toLowerCase();
    const error = kv.error(`ERR invalid expire time in '${name}' command`);
    // Even without the key.
    expect(kv.send(...line)).toEqual(error);
    kv.send("SET", "k", "v");
    expect(kv.send(...line)).toEqual(error);
    expect(kv.send("TTL", "k")).toBe(-1);
  });

  test("accepts what only just fits", () => {
    const kv = harness();
    kv.send("SET", "k", "v");
    expect(kv.send("EXPIREAT", "k", "9223372036854775")).toBe(1);
    expect(kv.send("PEXPIREAT", "k", "9223372036854775807")).toBe(1);
    expect(kv.send("EXPIREAT", "k", "-9223372036854775")).toBe(1);
    expect(kv.send("EXISTS", "k")).toBe(0);
  });

  test("the value survives getting and losing an expiry, wherever it is kept", () => {
    const kv = harness();
    for (const value of ["12345", "short", "x".repeat(500), "y".repeat(5000)]) {
      kv.send("SET", "k", value);
      expect(kv.send("EXPIRE", "k", 100)).toBe(1);
      expect(kv.send("GET", "k")).toBe(value);
      expect(kv.send("PERSIST", "k")).toBe(1);
      expect(kv.send("PERSIST", "k")).toBe(0);
      expect(kv.send("GET", "k")).toBe(value);
      expect(kv.send("TTL", "k")).toBe(-1);
    }
  });

  test("PERSIST says so", () => {
    const kv = harness();
    kv.send("SET", "k", "v", "EX", 10);
    kv.events.length = 0;
    kv.send("PERSIST", "k");
    kv.send("PERSIST", "k");
    expect(kv.events).toEqual(["persist k"]);
  });

  test.each([
    { line: ["EXPIRE", "k", "1", "what"], error: "ERR Unsupported option what" },
    // Whole, as Redis shows it, however long it is.
    {
      line: ["EXPIRE", "k", "1", "x".repeat(2000)],
      error: `ERR Unsupported option ${"x".repeat(2000)}`,
    },
    {
      line: ["EXPIRE", "k", "x", "NX", "GT"],
      error: "ERR NX and XX, GT or LT options at the same time are not compatible",
    },
    {
      line: ["EXPIRE", "k", "x", "GT", "LT"],
      error: "ERR GT and LT options at the same time are not compatible",
    },
    { line: ["EXPIRE", "k", "x"], error: "ERR value is not an integer or out of range" },
  ])("refuses $line, whether the key exists or not", ({ line, error }) => {
    const kv = harness();
    expect(kv.send(...line)).toEqual(kv.error(error));
  });
});
