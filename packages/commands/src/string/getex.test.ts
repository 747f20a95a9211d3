import { harness } from "@kv/testing";
import { describe, expect, test } from "vitest";
import { errors } from "../call/errors.ts";

describe("GETEX", () => {
  test("without an option it only reads", () => {
    const kv = harness();
    kv.send("SET", "k", "v", "PX", 1000);
    expect(kv.send("GETEX", "k")).toBe("v");
    expect(kv.send("PTTL", "k")).toBe(1000);
    expect(kv.propagated).toHaveLength(1);
  });

  test("sets a time to live, which goes on as a moment", () => {
    const kv = harness();
    kv.send("SET", "k", "v");
    expect(kv.send("GETEX", "k", "EX", 5)).toBe("v");
    expect(kv.send("PTTL", "k")).toBe(5000);
    const expiryMs = String(kv.send("PEXPIRETIME", "k"));
    expect(kv.propagated.at(-1)).toEqual(["PEXPIREAT", "k", expiryMs]);
    expect(kv.events).toEqual(["set k", "expire k"]);
  });

  test("PERSIST removes it, and says nothing where there was none", () => {
    const kv = harness();
    kv.send("SET", "k", "v", "PX", 1000);
    expect(kv.send("GETEX", "k", "PERSIST")).toBe("v");
    expect(kv.send("GETEX", "k", "PERSIST")).toBe("v");
    expect(kv.send("TTL", "k")).toBe(-1);
    expect(kv.events).toEqual(["set k", "expire k", "persist k"]);
    expect(kv.propagated.slice(1)).toEqual([["PERSIST", "k"]]);
  });

  test("a moment that is over removes the key", () => {
    const kv = harness();
    kv.send("SET", "k", "v");
    expect(kv.send("GETEX", "k", "PXAT", 1)).toBe("v");
    expect(kv.send("EXISTS", "k")).toBe(0);
    expect(kv.events).toEqual(["set k", "del k"]);
    expect(kv.propagated.slice(1)).toEqual([["DEL", "k"]]);
    kv.check();
  });

  test("a missing key does not care about the time, though about the syntax", () => {
    const kv = harness();
    expect(kv.send("GETEX", "none", "EX", 0)).toBe(null);
    expect(kv.send("GETEX", "none", "EX")).toBe(errors.syntax);
    expect(kv.send("GETEX", "none", "EX", 1, "PERSIST")).toBe(errors.syntax);
    expect(kv.send("GETEX", "none", "KEEPTTL")).toBe(errors.syntax);
    kv.send("SET", "k", "v");
    expect(kv.send("GETEX", "k", "EX", 0)).toEqual(
      kv.error("ERR invalid expire time in 'getex' command"),
    );
  });
});

describe("GETDEL", () => {
  test("returns the string and deletes the key", () => {
    const kv = harness();
    kv.send("SET", "k", "x".repeat(1000), "EX", 100);
    expect(kv.send("GETDEL", "k")).toBe("x".repeat(1000));
    expect(kv.send("GETDEL", "k")).toBe(null);
    expect(kv.events).toEqual(["set k", "expire k", "del k"]);
    expect(kv.propagated.slice(1)).toEqual([["DEL", "k"]]);
    kv.check();
  });

  test("leaves what is no string alone", () => {
    const kv = harness();
    kv.send("HSET", "h", "f", "v");
    expect(kv.send("GETDEL", "h")).toBe(errors.wrongType);
    expect(kv.send("EXISTS", "h")).toBe(1);
  });
});
