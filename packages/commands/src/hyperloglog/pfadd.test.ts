import { type Harness, harness } from "@kv/testing";
import { describe, expect, test } from "vitest";
import { errors } from "../call/errors.ts";

const words = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, at) => `word:${from + at}`);
const notASketch = (kv: Harness) =>
  kv.error("WRONGTYPE Key is not a valid HyperLogLog string value.");
const corrupt = (kv: Harness) => kv.error("INVALIDOBJ Corrupted HLL object detected");
const HEADER = `HYLL\x01${"\0".repeat(10)}\x80`;

describe("PFADD and PFCOUNT", () => {
  test("count what is different, nearly", () => {
    const kv = harness();
    expect(kv.send("PFADD", "h", "a", "b", "a", "")).toBe(1);
    expect(kv.send("PFADD", "h", "b")).toBe(0);
    expect(kv.send("PFCOUNT", "h")).toBe(3);
    for (let from = 0; from < 50_000; from += 1000)
      kv.send("PFADD", "h", ...words(from, from + 1000));
    expect(Math.abs((kv.send("PFCOUNT", "h") as number) - 50_003)).toBeLessThan(1000);
    expect(kv.send("STRLEN", "h")).toBe(12304);
  });

  test("a key is born without elements, too; what changes nothing is not told", () => {
    const kv = harness();
    expect(kv.send("PFADD", "h")).toBe(1);
    expect(kv.send("PFADD", "h")).toBe(0);
    expect(kv.send("PFADD", "h", "x")).toBe(1);
    expect(kv.send("PFADD", "h", "x")).toBe(0);
    expect(kv.events).toEqual(["pfadd h", "pfadd h"]);
    expect(kv.propagated).toEqual([
      ["PFADD", "h"],
      ["PFADD", "h", "x"],
    ]);
  });

  test("a count is noted in the value once: replicas hear of it, listeners do not", () => {
    const kv = harness();
    kv.send("PFADD", "h", "a");
    const before = kv.send("GET", "h");
    kv.events.length = 0;
    kv.propagated.length = 0;
    expect(kv.send("PFCOUNT", "h")).toBe(1);
    expect(kv.send("PFCOUNT", "h")).toBe(1);
    expect(kv.events).toEqual([]);
    expect(kv.propagated).toEqual([["PFCOUNT", "h"]]);
    const noted = String(before).replace(`\0\0\0\0\0\0\0\x80`, `\x01\0\0\0\0\0\0\0`);
    expect(kv.send("GET", "h")).toBe(noted);
    // Of several keys nothing is noted.
    kv.send("PFADD", "h", "b");
    expect(kv.send("PFCOUNT", "h", "none")).toBe(2);
    expect(kv.propagated.at(-1)).toEqual(["PFADD", "h", "b"]);
  });

  test("what is no sketch is refused, and so is what is none inside", () => {
    const kv = harness();
    kv.send("HSET", "hash", "f", "v");
    expect(kv.send("PFADD", "hash", "a")).toBe(errors.wrongType);
    for (const text of [
      "",
      "12",
      "HYLL",
      `HYLX${HEADER.slice(4)}\x7f\xff`,
      `HYLL\0${HEADER.slice(5)}`,
    ]) {
      kv.send("SET", "s", text);
      expect(kv.send("PFADD", "s", "a")).toEqual(notASketch(kv));
      expect(kv.send("PFCOUNT", "s")).toEqual(notASketch(kv));
      expect(kv.send("PFCOUNT", "s", "none")).toEqual(notASketch(kv));
    }
    for (const runs of ["", "\x7f", "\x7f\xfe", "\xff".repeat(40_000)]) {
      kv.send("SET", "s", HEADER + runs);
      expect(kv.send("PFCOUNT", "s")).toEqual(corrupt(kv));
      expect(kv.send("PFMERGE", "to", "s")).toEqual(corrupt(kv));
      expect(kv.send("GET", "s")).toBe(HEADER + runs);
    }
    expect(kv.send("EXISTS", "to")).toBe(0);
  });

  test("an element that meets a broken run leaves those before it out as well", () => {
    const kv = harness();
    // The first 64 registers are there, no others.
    kv.send("SET", "s", `${HEADER}\x3f`);
    const inside = words(0, 5000).find((word) => {
      kv.send("DEL", "probe");
      kv.send("PFADD", "probe", word);
      return /^z:\d+ /.test(String(kv.send("PFDEBUG", "DECODE", "probe")));
    });
    expect(kv.send("PFADD", "s", String(inside), ...words(0, 100))).toEqual(corrupt(kv));
    expect(kv.send("GET", "s")).toBe(`${HEADER}\x3f`);
    expect(kv.send("PFADD", "s", String(inside))).toBe(1);
  });
});

describe("PFMERGE", () => {
  test("has seen what all of them have, and is dense when one of them is", () => {
    const kv = harness();
    kv.send("PFADD", "a", ...words(0, 100));
    kv.send("PFADD", "b", ...words(50, 150));
    expect(kv.send("PFMERGE", "to", "a", "none", "b")).toBe("OK");
    expect(kv.send("PFCOUNT", "to")).toBe(kv.send("PFCOUNT", "a", "b"));
    expect(kv.send("PFDEBUG", "ENCODING", "to")).toBe("sparse");
    expect(kv.send("PFDEBUG", "TODENSE", "b")).toBe(1);
    kv.send("PEXPIRE", "to", 1000);
    expect(kv.send("PFMERGE", "to", "b")).toBe("OK");
    expect(kv.send("PFDEBUG", "ENCODING", "to")).toBe("dense");
    expect(kv.send("PTTL", "to")).toBe(1000);
    expect(kv.events.slice(2)).toEqual(["pfadd to", "expire to", "pfadd to"]);
    kv.check();
  });

  test("alone makes a sketch of nothing", () => {
    const kv = harness();
    expect(kv.send("PFMERGE", "to")).toBe("OK");
    expect(kv.send("GET", "to")).toBe(`${HEADER}\x7f\xff`);
    expect(kv.send("PFCOUNT", "to")).toBe(0);
  });
});

test("hll-sparse-max-bytes says when a sketch becomes dense", () => {
  const kv = harness({ config: { "hll-sparse-max-bytes": 20 } });
  kv.send("PFADD", "h");
  expect(kv.send("PFDEBUG", "ENCODING", "h")).toBe("sparse");
  kv.send("PFADD", "h", "a", "b");
  expect(kv.send("PFDEBUG", "ENCODING", "h")).toBe("dense");
  kv.send("CONFIG", "SET", "hll-sparse-max-bytes", 3000);
  kv.send("PFADD", "g", "a", "b");
  expect(kv.send("PFDEBUG", "ENCODING", "g")).toBe("sparse");
  expect(kv.send("PFDEBUG", "GETREG", "g")).toEqual(kv.send("PFDEBUG", "GETREG", "h"));
  expect(kv.send("PFSELFTEST")).toBe("OK");
});
