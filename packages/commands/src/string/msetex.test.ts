import { harness } from "@kv/testing";
import { describe, expect, test } from "vitest";
import { errors } from "../call/errors.ts";

describe("MSETEX", () => {
  test("sets all keys with one time to live, which goes on as a moment", () => {
    const kv = harness();
    kv.send("SET", "a", "old");
    expect(kv.send("MSETEX", 2, "a", 1, "b", 2, "EX", 10)).toBe(1);
    expect(kv.send("MGET", "a", "b")).toEqual(["1", "2"]);
    expect(kv.send("PTTL", "a")).toBe(10_000);
    const moment = String(kv.send("PEXPIRETIME", "b"));
    expect(kv.propagated.at(-1)).toEqual(["MSETEX", "2", "a", "1", "b", "2", "PXAT", moment]);
    expect(kv.events).toEqual(["set a", "set a", "expire a", "set b", "expire b"]);
    kv.check();
  });

  test("without one it removes what was there, with KEEPTTL it does not", () => {
    const kv = harness();
    kv.send("SET", "a", "old", "PX", 1000);
    expect(kv.send("MSETEX", 2, "a", 1, "b", 2, "KEEPTTL")).toBe(1);
    expect(kv.send("PTTL", "a")).toBe(1000);
    expect(kv.send("PTTL", "b")).toBe(-1);
    expect(kv.send("MSETEX", 1, "a", 1)).toBe(1);
    expect(kv.send("PTTL", "a")).toBe(-1);
    kv.check();
  });

  test("NX wants none of the keys, XX all of them, whatever they hold", () => {
    const kv = harness();
    kv.send("HSET", "h", "f", "v");
    expect(kv.send("MSETEX", 2, "a", 1, "h", 2, "NX")).toBe(0);
    expect(kv.send("MSETEX", 2, "h", 1, "a", 2, "XX", "EX", 5)).toBe(0);
    expect(kv.send("EXISTS", "a")).toBe(0);
    expect(kv.send("MSETEX", 2, "a", 1, "b", 2, "PX", 5, "NX")).toBe(1);
    expect(kv.send("MSETEX", 3, "a", 3, "b", 4, "h", 5, "XX")).toBe(1);
    expect(kv.send("MGET", "a", "b", "h")).toEqual(["3", "4", "5"]);
    kv.check();
  });

  test("a key that comes twice has its last value", () => {
    const kv = harness();
    expect(kv.send("MSETEX", 3, "a", 1, "b", 2, "a", 3, "EX", 5)).toBe(1);
    expect(kv.send("MGET", "a", "b")).toEqual(["3", "2"]);
    kv.check();
  });

  test.each([
    { why: "no number", words: ["x", "a", 1], error: "ERR invalid numkeys value" },
    { why: "none", words: [0, "a", 1], error: "ERR invalid numkeys value" },
    { why: "too many", words: [2 ** 31, "a", 1], error: "ERR invalid numkeys value" },
    {
      why: "a key without value",
      words: [2, "a", 1, "b"],
      error: "ERR wrong number of key-value pairs",
    },
    { why: "another option", words: [1, "a", 1, "GET"], error: errors.syntax.reply },
    { why: "both conditions", words: [1, "a", 1, "NX", "XX"], error: errors.syntax.reply },
    { why: "two lives", words: [1, "a", 1, "EX", 1, "KEEPTTL"], error: errors.syntax.reply },
    {
      why: "no life",
      words: [1, "a", 1, "EX", 0],
      error: "ERR invalid expire time in 'msetex' command",
    },
  ])("refuses: $why", ({ words, error }) => {
    const kv = harness();
    expect(kv.send("MSETEX", ...words)).toEqual(kv.error(error));
    expect(kv.send("DBSIZE")).toBe(0);
  });
});
