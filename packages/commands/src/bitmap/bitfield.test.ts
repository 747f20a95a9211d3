import { harness } from "@kv/testing";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { errors } from "../call/errors.ts";

describe("BITFIELD", () => {
  test("reads and writes fields at a bit, or at so many fields", () => {
    const kv = harness();
    expect(kv.send("BITFIELD", "k", "SET", "i5", 6, -2, "GET", "u4", "#1")).toEqual([0, 3]);
    expect(kv.send("GET", "k")).toBe("\x03\xc0");
    expect(kv.send("BITFIELD_RO", "k", "GET", "i5", 6, "GET", "u8", 100)).toEqual([-2, 0]);
    expect(kv.events).toEqual(["setbit k"]);
  });

  test("what does not fit wraps, stops at the edge, or is not done", () => {
    const kv = harness();
    expect(
      kv.send(
        ...["BITFIELD", "k", "SET", "u4", 0, 15, "INCRBY", "u4", 0, 2],
        ...["OVERFLOW", "SAT", "INCRBY", "u4", 0, 100, "OVERFLOW", "FAIL", "INCRBY", "u4", 0, 1],
      ),
    ).toEqual([0, 1, 15, null]);
    expect(kv.send("BITFIELD", "k", "OVERFLOW", "SAT", "SET", "i8", 0, -1000)).toEqual([-16]);
    expect(kv.send("BITFIELD", "k", "GET", "i8", 0)).toEqual([-128]);
  });

  test("an error anywhere in the request comes before the first change", () => {
    const kv = harness();
    expect(kv.send("BITFIELD", "k", "SET", "u8", 0, 1, "GET", "u64", 0)).toEqual(
      kv.error(
        "ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.",
      ),
    );
    expect(kv.send("BITFIELD", "k", "SET", "u8", 0, 1, "OVERFLOW", "NO")).toEqual(
      kv.error("ERR Invalid OVERFLOW type specified"),
    );
    expect(kv.send("BITFIELD", "k", "SET", "u8", 0, 1, "GET", "u8")).toBe(errors.syntax);
    expect(kv.send("BITFIELD_RO", "k", "SET", "u8", 0, 1)).toEqual(
      kv.error("ERR BITFIELD_RO only supports the GET subcommand"),
    );
    expect(kv.send("EXISTS", "k")).toBe(0);
  });

  test("counts each change, and says nothing of what stays as it was", () => {
    const kv = harness();
    kv.send("SETRANGE", "k", 9, "x");
    kv.propagated.length = 0;
    kv.events.length = 0;
    expect(kv.send("BITFIELD", "k", "SET", "u8", 0, 0, "INCRBY", "u8", 0, 256)).toEqual([0, 0]);
    expect(kv.propagated).toEqual([]);
    kv.send("BITFIELD", "k", "SET", "u8", 0, 5, "SET", "u8", 0, 6);
    expect(kv.events).toEqual(["setbit k"]);
  });

  test("a string that grew for a write that failed has changed, for all but the events", () => {
    const kv = harness({ resp: 3 });
    kv.send("CLIENT", "TRACKING", "ON");
    kv.send("GET", "k");
    kv.propagated.length = 0;
    const overflowing = ["OVERFLOW", "FAIL", "INCRBY", "i5", 244, 180];
    expect(kv.send("BITFIELD", "k", ...overflowing)).toEqual([null]);
    expect(kv.send("STRLEN", "k")).toBe(32);
    expect(kv.send("BITFIELD", "k", ...overflowing)).toEqual([null]);
    expect(kv.propagated).toEqual([["BITFIELD", "k", ...overflowing.map(String)]]);
    expect(kv.self.pushed()).toHaveLength(1);
    expect(kv.events).toEqual([]);
  });

  test("fields of all widths are what they are in a text of zeros and ones", () => {
    const kv = harness();
    const write = fc
      .record({
        isSigned: fc.boolean(),
        bits: fc.integer({ min: 1, max: 64 }),
        offset: fc.nat(100),
      })
      .filter(({ isSigned, bits }) => isSigned || bits < 64);
    const change = fc.tuple(write, fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }));
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 6 }), (changes) => {
        kv.send("SET", "k", "\x5a".repeat(21));
        let model = "01011010".repeat(21);
        for (const [{ isSigned, bits, offset }, value] of changes) {
          const type = `${isSigned ? "i" : "u"}${bits}`;
          const stored = BigInt(`0b${model.slice(offset, offset + bits)}`);
          const before = isSigned ? BigInt.asIntN(bits, stored) : stored;
          const after = (isSigned ? BigInt.asIntN : BigInt.asUintN)(bits, before + value);
          const digits = BigInt.asUintN(bits, after).toString(2).padStart(bits, "0");
          model = model.slice(0, offset) + digits + model.slice(offset + bits);
          const reply = kv.send(
            ...["BITFIELD", "k", "GET", type, offset],
            ...["INCRBY", type, offset, `${value}`, "GET", type, offset],
          ) as unknown[];
          expect(reply.map(BigInt as never)).toEqual([before, after, after]);
        }
        const text = [...String(kv.send("GET", "k"))];
        const bytes = text.map((each) => each.charCodeAt(0).toString(2).padStart(8, "0"));
        expect(bytes.join("")).toBe(model);
      }),
      { numRuns: 300 },
    );
  });
});
