import { harness } from "@kv/testing";
import { describe, expect, test } from "vitest";
import { errors } from "../call/errors.ts";

describe("SETBIT and GETBIT", () => {
  test("bit 0 is the highest of the first byte; the string grows by zero bytes", () => {
    const kv = harness();
    expect(kv.send("SETBIT", "k", 1, 1)).toBe(0);
    expect(kv.send("SETBIT", "k", 23, 1)).toBe(0);
    expect(kv.send("SETBIT", "k", 1, 1)).toBe(1);
    expect(kv.send("GET", "k")).toBe("\x40\0\x01");
    expect(kv.send("GETBIT", "k", 23)).toBe(1);
    expect(kv.send("GETBIT", "k", 24)).toBe(0);
    // The third changed nothing, and nobody hears of it.
    expect(kv.events).toEqual(["setbit k", "setbit k"]);
    expect(kv.propagated).toHaveLength(2);
  });

  test("what is written becomes raw, even where no bit changes", () => {
    const kv = harness();
    for (const value of ["12", "text"]) {
      kv.send("SET", "k", value);
      kv.propagated.length = 0;
      expect(kv.send("SETBIT", "k", 2, 1)).toBe(1);
      expect(kv.send("GET", "k")).toBe(value);
      expect(kv.send("OBJECT", "ENCODING", "k")).toBe("raw");
      expect(kv.propagated).toEqual([]);
    }
    kv.check();
  });

  test.each([
    {
      why: "offset below zero",
      words: ["k", -1, 1],
      error: "bit offset is not an integer or out of range",
    },
    {
      why: "offset beyond the limit",
      words: ["k", 2 ** 23, 1],
      error: "bit offset is not an integer or out of range",
    },
    {
      why: "offset beyond all numbers",
      words: ["k", "99999999999999999999", 1],
      error: "bit offset is not an integer or out of range",
    },
    { why: "no bit", words: ["k", 1, 2], error: "bit is not an integer or out of range" },
  ])("refuses: $why", ({ words, error }) => {
    const kv = harness({ config: { "proto-max-bulk-len": "1mb" } });
    expect(kv.send("SETBIT", ...words)).toEqual(kv.error(`ERR ${error}`));
    expect(kv.send("EXISTS", "k")).toBe(0);
    expect(kv.send("SETBIT", "k", 2 ** 23 - 1, 1)).toBe(0);
    expect(kv.send("STRLEN", "k")).toBe(2 ** 20);
  });

  test("leaves what is no string alone", () => {
    const kv = harness();
    kv.send("HSET", "h", "f", "v");
    expect(kv.send("SETBIT", "h", 1, 1)).toBe(errors.wrongType);
    expect(kv.send("GETBIT", "h", 1)).toBe(errors.wrongType);
  });
});
