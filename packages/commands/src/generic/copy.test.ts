import { harness } from "@kv/testing";
import { describe, expect, test } from "vitest";

describe("COPY", () => {
  test("makes a second key that lives on its own", () => {
    const kv = harness();
    for (const value of ["12345", "short", "x".repeat(500), "y".repeat(5000)]) {
      kv.send("SET", "a", value, "EX", 100);
      expect(kv.send("COPY", "a", "b", "REPLACE")).toBe(1);
      kv.send("APPEND", "b", "!");
      expect(kv.send("GET", "a")).toBe(value);
      expect(kv.send("GET", "b")).toBe(`${value}!`);
      expect(kv.send("TTL", "b")).toBe(100);
    }
  });

  test("copies hashes of either encoding", () => {
    const kv = harness();
    kv.send("HSET", "small", "f", "v");
    kv.send("HSET", "large", "f", "v".repeat(100), "g", "w");
    for (const key of ["small", "large"]) {
      expect(kv.send("COPY", key, "twin", "REPLACE")).toBe(1);
      kv.send("HSET", key, "f", "changed");
      expect(kv.send("HGET", "twin", "f")).not.toBe("changed");
      kv.send("DEL", key);
      expect(kv.send("HLEN", "twin")).toBe(key === "small" ? 1 : 2);
    }
  });

  test("does not replace unless told to", () => {
    const kv = harness();
    kv.send("SET", "a", 1);
    kv.send("SET", "b", 2);
    kv.events.length = 0;
    kv.propagated.length = 0;
    expect(kv.send("COPY", "a", "b")).toBe(0);
    expect(kv.propagated).toEqual([]);
    expect(kv.send("COPY", "a", "b", "REPLACE")).toBe(1);
    expect(kv.send("GET", "b")).toBe("1");
    expect(kv.events).toEqual(["copy_to b"]);
    expect(kv.propagated).toEqual([["COPY", "a", "b", "REPLACE"]]);
  });

  test("to another database, under the same name", () => {
    const kv = harness();
    kv.send("SET", "a", 1);
    expect(kv.send("COPY", "a", "a", "DB", 3)).toBe(1);
    expect(kv.send("COPY", "a", "a", "DB", 3)).toBe(0);
    expect(kv.send("SELECT", 3)).toBe("OK");
    expect(kv.send("GET", "a")).toBe("1");
  });

  test.each([
    { options: [], error: "ERR source and destination objects are the same" },
    { options: ["DB", 0], error: "ERR source and destination objects are the same" },
    { options: ["DB", 16], error: "ERR DB index is out of range" },
    { options: ["DB", "x"], error: "ERR value is not an integer or out of range" },
    {
      options: ["DB", 2 ** 31],
      error: "ERR value is out of range, value must between -2147483648 and 2147483647",
    },
    { options: ["DB"], error: "ERR syntax error" },
    { options: ["what"], error: "ERR syntax error" },
  ])("to itself with $options: $error", ({ options, error }) => {
    const kv = harness();
    expect(kv.send("COPY", "a", "a", ...options)).toEqual(kv.error(error));
  });
});

describe("MOVE", () => {
  test("takes the key to the other database, with its expiry", () => {
    const kv = harness();
    kv.send("SET", "a", 1, "EX", 100);
    expect(kv.send("MOVE", "a", 1)).toBe(1);
    expect(kv.send("EXISTS", "a")).toBe(0);
    kv.send("SELECT", 1);
    expect(kv.send("GET", "a")).toBe("1");
    expect(kv.send("TTL", "a")).toBe(100);
  });

  test("moves nothing onto a key that is there, unless its time has passed", () => {
    const kv = harness();
    kv.send("SET", "a", "theirs", "PX", 10);
    kv.send("MOVE", "a", 1);
    kv.send("SET", "a", "ours");
    expect(kv.send("MOVE", "a", 1)).toBe(0);
    kv.clock.advance(11);
    expect(kv.send("MOVE", "a", 1)).toBe(1);
    kv.send("SELECT", 1);
    expect(kv.send("GET", "a")).toBe("ours");
    expect(kv.send("TTL", "a")).toBe(-1);
  });

  test.each([
    { db: 0, error: "ERR source and destination objects are the same" },
    { db: 16, error: "ERR DB index is out of range" },
    { db: -1, error: "ERR DB index is out of range" },
    { db: "", error: "ERR value is not an integer or out of range" },
  ])("to database '$db': $error", ({ db, error }) => {
    const kv = harness();
    expect(kv.send("MOVE", "none", db)).toEqual(kv.error(error));
  });
});
