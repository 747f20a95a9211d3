import { halfReadStream } from "@kv/testing";
import { expect, test } from "vitest";

test("XCLAIM gives an entry to another consumer once it has been pending for so long", () => {
  const kv = halfReadStream();
  kv.clock.advance(99);
  expect(kv.send("XCLAIM", "k", "g", "d", 100, "1-1")).toEqual([]);
  kv.clock.advance(1);
  expect(kv.send("XCLAIM", "k", "g", "d", 100, "1-1", "3-3")).toEqual([["1-1", ["f", "1-1"]]]);
  expect(kv.send("XPENDING", "k", "g", "-", "+", 9)).toEqual([
    ["1-1", "d", 0, 2],
    ["2-2", "c", 100, 1],
  ]);
});

test("XCLAIM with its options sets what they say", () => {
  const kv = halfReadStream();
  expect(kv.send("XCLAIM", "k", "g", "d", 0, "3-3", "FORCE", "JUSTID")).toEqual(["3-3"]);
  kv.send("XCLAIM", "k", "g", "d", 0, "2-2", "IDLE", 500, "RETRYCOUNT", 7, "LASTID", "9-9");
  expect(kv.send("XPENDING", "k", "g", "-", "+", 9, "d")).toEqual([
    ["2-2", "d", 500, 7],
    ["3-3", "d", 0, 1],
  ]);
  expect(JSON.stringify(kv.send("XINFO", "GROUPS", "k"))).toContain('"last-delivered-id","9-9"');
});

test("XCLAIM of an entry that is gone makes it pending no more", () => {
  const kv = halfReadStream();
  kv.send("XDEL", "k", "1-1");
  expect(kv.send("XCLAIM", "k", "g", "d", 0, "1-1")).toEqual([]);
  expect(kv.send("XPENDING", "k", "g")).toEqual([1, "2-2", "2-2", [["c", "1"]]]);
});

test("XCLAIM refuses what it does not know", () => {
  const kv = halfReadStream();
  const noGroup = (key: string, group: string) =>
    kv.error(`NOGROUP No such key '${key}' or consumer group '${group}'`);
  expect(kv.send("XCLAIM", "k", "h", "d", 0, "1-1")).toEqual(noGroup("k", "h"));
  expect(kv.send("XCLAIM", "none", "g", "d", 0, "1-1")).toEqual(noGroup("none", "g"));
  expect(kv.send("XCLAIM", "k", "g", "d", "x", "1-1")).toEqual(
    kv.error("ERR Invalid min-idle-time argument for XCLAIM"),
  );
  expect(kv.send("XCLAIM", "k", "g", "d", 0, "1-1", "FOO")).toEqual(
    kv.error("ERR Unrecognized XCLAIM option 'FOO'"),
  );
  expect(kv.send("XCLAIM", "text", "g", "d", 0, "1-1")).toEqual(
    kv.error("WRONGTYPE Operation against a key holding the wrong kind of value"),
  );
});
