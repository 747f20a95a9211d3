import { harness } from "@kv/testing";
import { describe, expect, test } from "vitest";
import { errors } from "../call/errors.ts";

describe("INCRBYFLOAT", () => {
  test("adds as x86 does: 64 bits of precision, 17 digits behind the point", () => {
    const kv = harness();
    kv.send("SET", "k", "10.50");
    expect(kv.send("INCRBYFLOAT", "k", "0.1")).toBe("10.6");
    expect(kv.send("INCRBYFLOAT", "k", "-5")).toBe("5.6");
    kv.send("SET", "k", "5.0e3");
    expect(kv.send("INCRBYFLOAT", "k", "2.0e2")).toBe("5200");
    expect(kv.send("INCRBYFLOAT", "k", "-5200")).toBe("0");
    kv.send("SET", "k", "1234.56789");
    expect(kv.send("INCRBYFLOAT", "k", "0.1")).toBe("1234.66788999999999998");
  });

  test("a whole sum is text until INCR makes it an integer", () => {
    const kv = harness();
    expect(kv.send("INCRBYFLOAT", "k", "3.0")).toBe("3");
    expect(kv.send("OBJECT", "ENCODING", "k")).toBe("embstr");
    expect(kv.send("INCR", "k")).toBe(4);
    expect(kv.send("OBJECT", "ENCODING", "k")).toBe("int");
    kv.check();
  });

  test("goes on as the sum, keeping the time to live", () => {
    const kv = harness();
    kv.send("SET", "k", "1", "PX", 1000);
    kv.send("INCRBYFLOAT", "k", "0.5");
    expect(kv.send("PTTL", "k")).toBe(1000);
    expect(kv.propagated.at(-1)).toEqual(["SET", "k", "1.5", "KEEPTTL"]);
    expect(kv.events.at(-1)).toBe("incrbyfloat k");
  });

  test.each([
    { start: "1", step: "inf", error: errors.notANumber },
    { start: "inf", step: "-inf", error: errors.notANumber },
    { start: "1e4932", step: "1e4932", error: errors.notANumber },
    { start: "1", step: "nan", error: errors.notAFloat },
    { start: "1", step: "1e5000", error: errors.notAFloat },
    { start: "one", step: "1", error: errors.notAFloat },
    { start: "", step: "1", error: errors.notAFloat },
    { start: " 1", step: "1", error: errors.notAFloat },
    { start: "1", step: "1 ", error: errors.notAFloat },
  ])("refuses $start + $step", ({ start, step, error }) => {
    const kv = harness();
    kv.send("SET", "k", start);
    expect(kv.send("INCRBYFLOAT", "k", step)).toBe(error);
    expect(kv.send("GET", "k")).toBe(start);
  });
});
