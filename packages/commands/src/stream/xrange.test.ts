import { halfReadStream } from "@kv/testing";
import { expect, test } from "vitest";

test("XRANGE and XREVRANGE walk between two IDs, either of which may be left out", () => {
  const kv = halfReadStream();
  const ids = (...words: (string | number)[]) =>
    (kv.send(...words) as [string][]).map(([id]) => id);
  expect(ids("XRANGE", "k", "-", "+")).toEqual(["1-1", "2-2", "3-3"]);
  expect(ids("XRANGE", "k", "(1-1", "3", "COUNT", 1)).toEqual(["2-2"]);
  expect(ids("XRANGE", "k", "2", "2")).toEqual(["2-2"]);
  expect(ids("XREVRANGE", "k", "+", "(1-1")).toEqual(["3-3", "2-2"]);
  expect(ids("XREVRANGE", "k", "-", "+")).toEqual([]);
  expect(kv.send("XRANGE", "k", "-", "+", "COUNT", 0)).toBe(null);
  expect(ids("XRANGE", "none", "-", "+")).toEqual([]);
});

test("XRANGE refuses IDs that are none, and edges beyond all IDs", () => {
  const kv = halfReadStream();
  const last = "18446744073709551615-18446744073709551615";
  expect(kv.send("XRANGE", "k", `(${last}`, "+")).toEqual(
    kv.error("ERR invalid start ID for the interval"),
  );
  expect(kv.send("XRANGE", "k", "-", "(0-0")).toEqual(
    kv.error("ERR invalid end ID for the interval"),
  );
  expect(kv.send("XRANGE", "k", "x", "+")).toEqual(
    kv.error("ERR Invalid stream ID specified as stream command argument"),
  );
  expect(kv.send("XRANGE", "text", "-", "+")).toEqual(
    kv.error("WRONGTYPE Operation against a key holding the wrong kind of value"),
  );
});
