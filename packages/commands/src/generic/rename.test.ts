import { harness } from "@kv/testing";
import { describe, expect, test } from "vitest";

const values = ["12345", "short", "x".repeat(500), "y".repeat(5000)];

describe("RENAME and RENAMENX", () => {
  test.each(["RENAME", "RENAMENX"])("%s takes value and expiry along", (name) => {
    const kv = harness();
    for (const [i, value] of values.entries()) {
      kv.send("SET", "a", value, "EX", 100);
      kv.send(name, "a", `longer-name-${i}`);
      expect(kv.send("EXISTS", "a")).toBe(0);
      expect(kv.send("GET", `longer-name-${i}`)).toBe(value);
      expect(kv.send("TTL", `longer-name-${i}`)).toBe(100);
    }
  });

  test("a hash goes along whole", () => {
    const kv = harness();
    kv.send("HSET", "h", "f", "v");
    kv.send("RENAME", "h", "other");
    expect(kv.send("HGET", "other", "f")).toBe("v");
    kv.send("HSET", "other", "g", "w");
    expect(kv.send("HLEN", "other")).toBe(2);
  });

  test("RENAME replaces, RENAMENX does not", () => {
    const kv = harness();
    kv.send("SET", "a", "new");
    kv.send("SET", "b", "old", "EX", 100);
    expect(kv.send("RENAMENX", "a", "b")).toBe(0);
    expect(kv.send("GET", "b")).toBe("old");
    expect(kv.send("RENAME", "a", "b")).toBe("OK");
    expect(kv.send("GET", "b")).toBe("new");
    expect(kv.send("TTL", "b")).toBe(-1);
  });

  test("two events, one change", () => {
    const kv = harness();
    kv.send("SET", "a", 1);
    kv.events.length = 0;
    kv.propagated.length = 0;
    kv.send("RENAME", "a", "b");
    expect(kv.events).toEqual(["rename_from a", "rename_to b"]);
    expect(kv.propagated).toEqual([["RENAME", "a", "b"]]);
  });

  test("renaming to itself changes nothing, but the key must exist", () => {
    const kv = harness();
    const noSuchKey = kv.error("ERR no such key");
    expect(kv.send("RENAME", "a", "a")).toEqual(noSuchKey);
    expect(kv.send("RENAMENX", "a", "a")).toEqual(noSuchKey);
    kv.send("SET", "a", 1);
    kv.events.length = 0;
    expect(kv.send("RENAME", "a", "a")).toBe("OK");
    expect(kv.send("RENAMENX", "a", "a")).toBe(0);
    expect(kv.events).toEqual([]);
  });
});
