import { harness } from "@kv/testing";
import { describe, expect, test } from "vitest";
import { errors } from "../call/errors.ts";

describe("GETRANGE, SUBSTR", () => {
  test("both ends belong to the range, and negative ones count from the end", () => {
    const kv = harness();
    kv.send("SET", "k", "Hello, world");
    expect(kv.send("GETRANGE", "k", 0, 4)).toBe("Hello");
    expect(kv.send("GETRANGE", "k", -5, -1)).toBe("world");
    expect(kv.send("SUBSTR", "k", 7, -1)).toBe("world");
    expect(kv.send("GETRANGE", "k", 0, "9223372036854775807")).toBe("Hello, world");
    expect(kv.send("GETRANGE", "k", "-9223372036854775808", 0)).toBe("H");
    expect(kv.send("GETRANGE", "k", 5, 3)).toBe("");
    expect(kv.send("GETRANGE", "k", 100, 200)).toBe("");
  });

  test("numbers have text, too", () => {
    const kv = harness();
    kv.send("SET", "k", -1234);
    expect(kv.send("GETRANGE", "k", 0, 1)).toBe("-1");
    expect(kv.send("STRLEN", "k")).toBe(5);
  });

  test("a missing key is an empty string, a hash is none", () => {
    const kv = harness();
    expect(kv.send("GETRANGE", "none", 0, -1)).toBe("");
    expect(kv.send("STRLEN", "none")).toBe(0);
    kv.send("HSET", "h", "f", "v");
    expect(kv.send("GETRANGE", "h", 0, -1)).toBe(errors.wrongType);
    expect(kv.send("GETRANGE", "h", "x", -1)).toBe(errors.notAnInteger);
    expect(kv.send("STRLEN", "h")).toBe(errors.wrongType);
  });
});
