import { harness } from "@kv/testing";
import { describe, expect, test } from "vitest";
import { errors } from "../call/errors.ts";

/** The same hash as a listpack and as a table. */
const encodings = [{ encoding: "listpack" }, { encoding: "hashtable" }];

function filled(encoding: string, resp: 2 | 3 = 2) {
  const entries = encoding === "listpack" ? 512 : 0;
  const kv = harness({ resp, config: { "hash-max-listpack-entries": entries } });
  kv.send("HSET", "h", "name", "value", "number", -12345, "", "", "\0\r\n", "\xff\0");
  expect(kv.send("OBJECT", "ENCODING", "h")).toBe(encoding);
  return kv;
}

describe.each(encodings)("reading a $encoding", ({ encoding }) => {
  test("field by field", () => {
    const kv = filled(encoding);
    expect(kv.send("HGET", "h", "name")).toBe("value");
    expect(kv.send("HGET", "h", "number")).toBe("-12345");
    expect(kv.send("HGET", "h", "none")).toBe(null);
    expect(kv.send("HMGET", "h", "", "none", "\0\r\n", "")).toEqual(["", null, "\xff\0", ""]);
    expect(kv.send("HEXISTS", "h", "")).toBe(1);
    expect(kv.send("HEXISTS", "h", "none")).toBe(0);
    expect(kv.send("HSTRLEN", "h", "number")).toBe(6);
    expect(kv.send("HSTRLEN", "h", "none")).toBe(0);
    expect(kv.send("HLEN", "h")).toBe(4);
  });

  test("as a whole, in RESP3 as a map", () => {
    const kv = filled(encoding, 3);
    const all = new Map([
      ["name", "value"],
      ["number", "-12345"],
      ["", ""],
      ["\0\r\n", "\xff\0"],
    ]);
    expect(kv.send("HGETALL", "h")).toEqual(all);
    expect((kv.send("HKEYS", "h") as string[]).sort()).toEqual([...all.keys()].sort());
    expect((kv.send("HVALS", "h") as string[]).sort()).toEqual([...all.values()].sort());
  });
});

test("a missing key is an empty hash", () => {
  const kv = harness();
  expect(kv.send("HGET", "none", "f")).toBe(null);
  expect(kv.send("HMGET", "none", "f", "g")).toEqual([null, null]);
  expect(kv.send("HLEN", "none")).toBe(0);
  for (const name of ["HGETALL", "HKEYS", "HVALS"]) expect(kv.send(name, "none")).toEqual([]);
  expect(harness({ resp: 3 }).send("HGETALL", "none")).toEqual(new Map());
});

test.each([
  ["HGET", "s", "f"],
  ["HMGET", "s", "f"],
  ["HEXISTS", "s", "f"],
  ["HSTRLEN", "s", "f"],
  ["HLEN", "s"],
  ["HGETALL", "s"],
  ["HKEYS", "s"],
  ["HVALS", "s"],
  ["HDEL", "s", "f"],
])("%s refuses a string", (...words) => {
  const kv = harness();
  kv.send("SET", "s", "v");
  expect(kv.send(...words)).toBe(errors.wrongType);
});
