import { halfReadStream } from "@kv/testing";
import { expect, test } from "vitest";

test("XAUTOCLAIM goes through what is pending, and says where to go on", () => {
  const kv = halfReadStream();
  const claim = (start: string, ...words: (string | number)[]) =>
    kv.send("XAUTOCLAIM", "k", "g", "d", 0, start, ...words);
  expect(claim("0", "COUNT", 1, "JUSTID")).toEqual(["2-2", ["1-1"], []]);
  kv.send("XDEL", "k", "2-2");
  expect(claim("2-2")).toEqual(["0-0", [], ["2-2"]]);
  expect(claim("0")).toEqual(["0-0", [["1-1", ["f", "1-1"]]], []]);
  expect(kv.send("XPENDING", "k", "g", "-", "+", 9)).toEqual([["1-1", "d", 0, 2]]);
});

test("XAUTOCLAIM refuses a count that is none, and what it does not know", () => {
  const kv = halfReadStream();
  expect(kv.send("XAUTOCLAIM", "k", "g", "d", 0, "0", "COUNT", 0)).toEqual(
    kv.error("ERR COUNT must be > 0"),
  );
  expect(kv.send("XAUTOCLAIM", "k", "g", "d", 0, "x")).toEqual(
    kv.error("ERR Invalid stream ID specified as stream command argument"),
  );
  expect(kv.send("XAUTOCLAIM", "k", "h", "d", 0, "0")).toEqual(
    kv.error("NOGROUP No such key 'k' or consumer group 'h'"),
  );
});
