import { harness } from "@kv/testing";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { errors } from "../call/errors.ts";

describe("SETRANGE", () => {
  test("fills the gap before the offset with zero bytes", () => {
    const kv = harness();
    expect(kv.send("SETRANGE", "k", 3, "ab")).toBe(5);
    expect(kv.send("GET", "k")).toBe("\0\0\0ab");
    expect(kv.send("OBJECT", "ENCODING", "k")).toBe("raw");
  });

  test("an empty value changes nothing, not even a missing key", () => {
    const kv = harness();
    expect(kv.send("SETRANGE", "k", 3, "")).toBe(0);
    expect(kv.send("GET", "k")).toBe(null);
    expect(kv.events).toEqual([]);
  });

  test.each([
    { why: "negative offset", args: ["k", -1, "a"], error: errors.offsetOutOfRange },
    { why: "offset is no integer", args: ["k", "1.5", "a"], error: errors.notAnInteger },
    { why: "result past the limit", args: ["k", 536870911, "ab"], error: errors.stringTooLong },
    { why: "end past int64", args: ["k", "9223372036854775807", "a"], error: errors.stringTooLong },
    { why: "key holds a hash", args: ["hash", 0, ""], error: errors.wrongType },
  ])("refuses: $why", ({ args, error }) => {
    const kv = harness();
    kv.send("HSET", "hash", "f", "v");
    expect(kv.send("SETRANGE", ...args)).toBe(error);
    expect(kv.send("EXISTS", "k")).toBe(0);
  });
});

describe("APPEND", () => {
  test("adds to the end; a missing key counts as empty", () => {
    const kv = harness();
    expect(kv.send("APPEND", "k", "12")).toBe(2);
    expect(kv.send("OBJECT", "ENCODING", "k")).toBe("int");
    expect(kv.send("APPEND", "k", "\0b")).toBe(4);
    expect(kv.send("GET", "k")).toBe("12\0b");
    expect(kv.events).toEqual(["append k", "append k"]);
  });

  test("keeps to the limit of strings", () => {
    const kv = harness({ config: { "proto-max-bulk-len": "1mb" } });
    kv.send("SET", "k", "x".repeat(2 ** 20 - 1));
    expect(kv.send("APPEND", "k", "ab")).toBe(errors.stringTooLong);
    expect(kv.send("APPEND", "k", "a")).toBe(2 ** 20);
    expect(kv.send("SETRANGE", "k", 2 ** 20 - 1, "ab")).toBe(errors.stringTooLong);
  });
});

test("APPEND and SETRANGE do what they do to a plain buffer", () => {
  const length = fc.oneof(fc.nat(50), fc.nat(600), fc.nat(5000));
  const change = fc.record({ offset: fc.option(length), length, byte: fc.nat(25) });
  const kv = harness();
  fc.assert(
    fc.property(fc.array(change, { maxLength: 8 }), (changes) => {
      kv.send("DEL", "k");
      let model = "";
      for (const { offset, length, byte } of changes) {
        const piece = String.fromCharCode(97 + byte).repeat(length);
        if (offset === null) {
          model += piece;
          expect(kv.send("APPEND", "k", piece)).toBe(model.length);
        } else {
          if (piece !== "")
            model =
              model.padEnd(offset, "\0").slice(0, offset) + piece + model.slice(offset + length);
          expect(kv.send("SETRANGE", "k", offset, piece)).toBe(model.length);
        }
        if (model !== "") expect(kv.send("GET", "k")).toBe(model);
      }
      kv.check();
    }),
    { numRuns: 100 },
  );
});
