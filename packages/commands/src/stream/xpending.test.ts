import { halfReadStream } from "@kv/testing";
import { expect, test } from "vitest";

test("XPENDING tells how many, from where to where, and whose; or each one", () => {
  const kv = halfReadStream();
  kv.clock.advance(50);
  expect(kv.send("XPENDING", "k", "g")).toEqual([2, "1-1", "2-2", [["c", "2"]]]);
  expect(kv.send("XPENDING", "k", "g", "-", "+", 1)).toEqual([["1-1", "c", 50, 1]]);
  expect(kv.send("XPENDING", "k", "g", "(1-1", "+", 9, "c")).toEqual([["2-2", "c", 50, 1]]);
  expect(kv.send("XPENDING", "k", "g", "IDLE", 51, "-", "+", 9)).toEqual([]);
  expect(kv.send("XPENDING", "k", "g", "-", "+", 9, "d")).toEqual([]);
  kv.send("XACK", "k", "g", "1-1", "2-2");
  expect(kv.send("XPENDING", "k", "g")).toEqual([0, null, null, null]);
});

test("XPENDING refuses half a range, and what it does not know", () => {
  const kv = halfReadStream();
  expect(kv.send("XPENDING", "k", "g", "-", "+")).toEqual(kv.error("ERR syntax error"));
  expect(kv.send("XPENDING", "k", "h")).toEqual(
    kv.error("NOGROUP No such key 'k' or consumer group 'h'"),
  );
  expect(kv.send("XPENDING", "k", "g", "x", "+", 1)).toEqual(
    kv.error("ERR Invalid stream ID specified as stream command argument"),
  );
});
