import { halfReadStream } from "@kv/testing";
import { expect, test } from "vitest";

test("XDEL deletes what is there, each entry a change", () => {
  const kv = halfReadStream();
  const changes = () =>
    Number(/changes_since_last_save:(\d+)/.exec(kv.send("INFO", "persistence") as string)?.[1]);
  const before = changes();
  expect(kv.send("XDEL", "k", "1-1", "3-3", "3-3", "4")).toBe(2);
  expect(changes() - before).toBe(2);
  expect(kv.events).toEqual(["xdel k"]);
  expect(kv.send("XRANGE", "k", "-", "+")).toEqual([["2-2", ["f", "2-2"]]]);
  expect(kv.send("XDEL", "k", "1-1")).toBe(0);
  expect(kv.send("XDEL", "none", "1-1")).toBe(0);
  expect(kv.events).toEqual(["xdel k"]);
});

test("XDEL deletes nothing when one ID is none", () => {
  const kv = halfReadStream();
  expect(kv.send("XDEL", "k", "1-1", "-")).toEqual(
    kv.error("ERR Invalid stream ID specified as stream command argument"),
  );
  expect(kv.send("XDEL", "text", "1-1")).toEqual(
    kv.error("WRONGTYPE Operation against a key holding the wrong kind of value"),
  );
  expect(kv.send("XLEN", "k")).toBe(3);
});
