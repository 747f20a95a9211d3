import { harness } from "@kv/testing";
import { describe, expect, test } from "vitest";
import { errors } from "../call/errors.ts";

const OTHER = "0123456789abcdef";

describe("SET under a condition", () => {
  test("IFEQ and IFNE compare the value, of whatever encoding", () => {
    const kv = harness();
    expect(kv.send("SET", "k", "v", "IFEQ", "")).toBe(null);
    expect(kv.send("EXISTS", "k")).toBe(0);
    expect(kv.send("SET", "k", 12, "IFNE", "x")).toBe("OK");
    expect(kv.send("SET", "k", "13", "IFNE", "12")).toBe(null);
    expect(kv.send("SET", "k", "13", "IFEQ", "12", "GET")).toBe("12");
    expect(kv.send("SET", "k", "14", "IFEQ", "12", "GET")).toBe("13");
    expect(kv.send("GET", "k")).toBe("13");
    expect(kv.propagated).toEqual([
      ["SET", "k", "12"],
      ["SET", "k", "13"],
    ]);
  });

  test("IFDEQ and IFDNE compare its digest, in either case", () => {
    const kv = harness();
    kv.send("SET", "k", "text");
    const digest = String(kv.send("DIGEST", "k"));
    expect(kv.send("SET", "k", "a", "IFDNE", digest)).toBe(null);
    expect(kv.send("SET", "k", "a", "IFDEQ", OTHER)).toBe(null);
    expect(kv.send("SET", "k", "a", "IFDEQ", digest.toUpperCase())).toBe("OK");
    expect(kv.send("SET", "k", "b", "IFDEQ", "short")).toEqual(
      kv.error("ERR must be exactly 16 hexadecimal characters"),
    );
    // A missing key has no digest, and nobody looks at what it is compared with.
    expect(kv.send("SET", "none", "b", "IFDEQ", "short")).toBe(null);
    expect(kv.send("SET", "none", "b", "IFDNE", "short")).toBe("OK");
  });

  test("goes with a time to live, and with no other condition", () => {
    const kv = harness();
    kv.send("SET", "k", "a", "PX", 1000);
    expect(kv.send("SET", "k", "b", "IFEQ", "a", "KEEPTTL")).toBe("OK");
    expect(kv.send("PTTL", "k")).toBe(1000);
    expect(kv.propagated.at(-1)).toEqual(["SET", "k", "b", "KEEPTTL"]);
    expect(kv.send("SET", "k", "c", "EX", 5, "IFEQ", "b")).toBe("OK");
    expect(kv.propagated.at(-1)?.slice(0, 4)).toEqual(["SET", "k", "c", "PXAT"]);
    for (const words of [
      ["NX", "IFEQ", "c"],
      ["IFEQ", "c", "XX"],
      ["IFEQ", "c", "IFNE", "d"],
      ["IFEQ"],
    ])
      expect(kv.send("SET", "k", "d", ...words)).toBe(errors.syntax);
    expect(kv.send("SET", "k", "GET", "IFEQ", "c")).toBe("OK");
    expect(kv.send("SET", "k", "e", "IFEQ", "GET", "GET")).toBe("GET");
    expect(kv.propagated.at(-1)).toEqual(["SET", "k", "e"]);
  });

  test("refuses what is no string", () => {
    const kv = harness();
    kv.send("HSET", "h", "f", "v");
    for (const condition of ["IFEQ", "IFNE", "IFDEQ", "IFDNE"])
      expect(kv.send("SET", "h", "v", condition, OTHER)).toBe(errors.wrongType);
  });
});

describe("DELEX and DIGEST", () => {
  test("DIGEST tells values apart, not keys or encodings", () => {
    const kv = harness();
    kv.send("MSET", "a", 12, "b", "x");
    kv.send("SETRANGE", "c", 0, "12");
    expect(kv.send("DIGEST", "a")).toMatch(/^[0-9a-f]{16}$/);
    expect(kv.send("DIGEST", "c")).toBe(kv.send("DIGEST", "a"));
    expect(kv.send("DIGEST", "b")).not.toBe(kv.send("DIGEST", "a"));
    expect(kv.send("DIGEST", "none")).toBe(null);
    kv.send("SET", "", "");
    expect(kv.send("DIGEST", "")).toBe("2d06800538d394c2");
    kv.send("HSET", "h", "f", "v");
    expect(kv.send("DIGEST", "h")).toBe(errors.wrongType);
  });

  test("DELEX removes what has the expected value, or anything", () => {
    const kv = harness();
    kv.send("SET", "k", "a");
    expect(kv.send("DELEX", "k", "IFEQ", "b")).toBe(0);
    expect(kv.send("DELEX", "k", "IFNE", "a")).toBe(0);
    expect(kv.send("DELEX", "k", "IFDEQ", OTHER)).toBe(0);
    expect(kv.send("DELEX", "k", "ifdeq", String(kv.send("DIGEST", "k")))).toBe(1);
    expect(kv.send("DELEX", "k", "IFNE", "a")).toBe(0);
    kv.send("HSET", "h", "f", "v");
    expect(kv.send("DELEX", "h")).toBe(1);
    expect(kv.events).toEqual(["set k", "del k", "hset h", "del h"]);
    expect(kv.propagated.slice(1)).toEqual([
      ["DEL", "k"],
      ["HSET", "h", "f", "v"],
      ["DEL", "h"],
    ]);
  });

  test("DELEX refuses other types, other words, other numbers of them", () => {
    const kv = harness();
    kv.send("HSET", "h", "f", "v");
    kv.send("SET", "k", "a");
    const notAString = kv.error("ERR Key should be of string type if conditions are specified");
    expect(kv.send("DELEX", "h", "IFEQ", "v")).toEqual(notAString);
    expect(kv.send("DELEX", "h", "FOO", "v")).toEqual(notAString);
    expect(kv.send("DELEX", "k", "FOO", "v")).toEqual(
      kv.error("ERR Invalid condition. Use IFEQ, IFNE, IFDEQ, or IFDNE"),
    );
    const wrongCount = kv.error("ERR wrong number of arguments for 'delex' command");
    expect(kv.send("DELEX", "none", "IFEQ")).toEqual(wrongCount);
    expect(kv.send("DELEX", "k", "IFEQ", "a", "b")).toEqual(wrongCount);
  });
});
