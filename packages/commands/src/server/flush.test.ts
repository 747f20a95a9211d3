import { harness } from "@kv/testing";
import { describe, expect, test } from "vitest";

describe("FLUSHDB and FLUSHALL", () => {
  test.each([[], ["SYNC"], ["async"]])("empties one database or all (%s)", (...mode) => {
    const kv = harness();
    kv.send("SET", "a", 1);
    kv.send("SET", "b", 1, "EX", 100);
    kv.send("COPY", "a", "a", "DB", 1);
    expect(kv.send("FLUSHDB", ...mode)).toBe("OK");
    expect(kv.send("DBSIZE")).toBe(0);
    kv.send("SELECT", 1);
    expect(kv.send("DBSIZE")).toBe(1);
    kv.send("SELECT", 0);
    expect(kv.send("FLUSHALL", ...mode)).toBe("OK");
    kv.send("SELECT", 1);
    expect(kv.send("DBSIZE")).toBe(0);
  });

  test("is propagated even if there was nothing to remove", () => {
    const kv = harness();
    kv.send("FLUSHDB");
    kv.send("FLUSHALL", "ASYNC");
    expect(kv.propagated).toEqual([["FLUSHDB"], ["FLUSHALL", "ASYNC"]]);
  });

  test.each([["what"], ["SYNC", "SYNC"], ["SYNC", "ASYNC"]])("refuses %s %s", (...mode) => {
    const kv = harness();
    kv.send("SET", "a", 1);
    expect(kv.send("FLUSHALL", ...mode)).toEqual(kv.error("ERR syntax error"));
    expect(kv.send("FLUSHDB", ...mode)).toEqual(kv.error("ERR syntax error"));
    expect(kv.send("DBSIZE")).toBe(1);
  });
});

describe("SWAPDB", () => {
  test("exchanges the contents under the clients", () => {
    const kv = harness();
    kv.send("SET", "a", "zero", "EX", 100);
    kv.send("COPY", "a", "b", "DB", 1);
    expect(kv.send("SWAPDB", 0, 1)).toBe("OK");
    expect(kv.send("KEYS", "*")).toEqual(["b"]);
    kv.send("SELECT", 1);
    expect(kv.send("KEYS", "*")).toEqual(["a"]);
    expect(kv.send("TTL", "a")).toBe(100);
  });

  test.each([
    { line: ["x", "y"], error: "ERR invalid first DB index" },
    { line: [16, "y"], error: "ERR invalid second DB index" },
    { line: [0, 2 ** 31], error: "ERR invalid second DB index" },
    { line: [0, 16], error: "ERR DB index is out of range" },
    { line: [-1, 0], error: "ERR DB index is out of range" },
  ])("refuses $line: $error", ({ line, error }) => {
    const kv = harness();
    expect(kv.send("SWAPDB", ...line)).toEqual(kv.error(error));
  });

  test("with itself is fine", () => {
    const kv = harness();
    expect(kv.send("SWAPDB", 3, 3)).toBe("OK");
  });
});
