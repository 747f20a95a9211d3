import { halfReadStream } from "@kv/testing";
import { expect, test } from "vitest";

test("XACK takes out of what is pending what is there, and goes on to those who follow", () => {
  const kv = halfReadStream();
  expect(kv.send("XACK", "k", "g", "1-1", "1-1", "3-3")).toBe(1);
  expect(kv.send("XPENDING", "k", "g")).toEqual([1, "2-2", "2-2", [["c", "1"]]]);
  expect(kv.propagated).toEqual([["XACK", "k", "g", "1-1", "1-1", "3-3"]]);
  kv.propagated.length = 0;
  expect(kv.send("XACK", "k", "g", "1-1")).toBe(0);
  expect(kv.send("XACK", "k", "none", "2-2")).toBe(0);
  expect(kv.send("XACK", "none", "g", "2-2")).toBe(0);
  expect(kv.propagated).toEqual([]);
});

test("XACK acknowledges nothing when one ID is none", () => {
  const kv = halfReadStream();
  expect(kv.send("XACK", "k", "g", "1-1", "x")).toEqual(
    kv.error("ERR Invalid stream ID specified as stream command argument"),
  );
  expect(kv.send("XACK", "text", "g", "1-1")).toEqual(
    kv.error("WRONGTYPE Operation against a key holding the wrong kind of value"),
  );
  expect(kv.send("XPENDING", "k", "g")).toEqual([2, "1-1", "2-2", [["c", "2"]]]);
});
