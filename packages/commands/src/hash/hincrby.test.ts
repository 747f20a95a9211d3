import { harness } from "@kv/testing";
import { describe, expect, test } from "vitest";
import { errors } from "../call/errors.ts";

const MIN = -(2n ** 63n);
const MAX = 2n ** 63n - 1n;

describe.each([512, 0])("with %i fields in a listpack", (entries) => {
  const config = { "hash-max-listpack-entries": entries };

  test("HINCRBY counts exactly, up to the ends of 64 bits", () => {
    const kv = harness({ config });
    const edges = [0n, 1n, 2n ** 31n, 2n ** 53n - 1n, 2n ** 53n, 2n ** 53n + 1n, MAX - 1n, MAX];
    const numbers = edges.flatMap((n) => [n, -n]).concat(MIN);
    for (const start of numbers) {
      for (const step of numbers) {
        kv.send("HSET", "h", "f", start);
        const reply = kv.send("HINCRBY", "h", "f", step);
        const sum = start + step;
        if (sum < MIN || sum > MAX) expect(reply).toBe(errors.overflow);
        expect(kv.send("HGET", "h", "f")).toBe(`${sum < MIN || sum > MAX ? start : sum}`);
      }
    }
  });

  test("HINCRBYFLOAT adds long doubles and goes on as the sum", () => {
    const kv = harness({ config });
    expect(kv.send("HINCRBYFLOAT", "h", "f", "10.50")).toBe("10.5");
    expect(kv.send("HINCRBYFLOAT", "h", "f", "0.1")).toBe("10.6");
    expect(kv.send("HGET", "h", "f")).toBe("10.6");
    expect(kv.propagated).toEqual([
      ["HSET", "h", "f", "10.5"],
      ["HSET", "h", "f", "10.6"],
    ]);
    expect(kv.events).toEqual(["hincrbyfloat h", "hincrbyfloat h"]);
  });

  test("what is no number stays as it is", () => {
    const kv = harness({ config });
    kv.send("HSET", "h", "f", "1.5", "g", " 1");
    expect(kv.send("HINCRBY", "h", "f", 1)).toBe(errors.hashNotAnInteger);
    expect(kv.send("HINCRBY", "h", "f", "1.5")).toBe(errors.notAnInteger);
    expect(kv.send("HINCRBYFLOAT", "h", "g", 1)).toBe(errors.hashNotAFloat);
    expect(kv.send("HINCRBYFLOAT", "h", "f", "x")).toBe(errors.notAFloat);
    expect(kv.send("HMGET", "h", "f", "g")).toEqual(["1.5", " 1"]);
  });
});

test("a refusal makes no hash", () => {
  const kv = harness();
  expect(kv.send("HINCRBYFLOAT", "new", "f", "inf")).toEqual(
    kv.error("ERR value is NaN or Infinity"),
  );
  expect(kv.send("HINCRBYFLOAT", "new", "f", "nan")).toBe(errors.notAFloat);
  expect(kv.send("HINCRBY", "new", "f", "9223372036854775808")).toBe(errors.notAnInteger);
  expect(kv.send("EXISTS", "new")).toBe(0);
  expect(kv.send("HINCRBY", "new", "f", "0")).toBe(0);
  expect(kv.send("HGETALL", "new")).toEqual(["f", "0"]);
  expect(kv.propagated).toEqual([["HINCRBY", "new", "f", "0"]]);
});
