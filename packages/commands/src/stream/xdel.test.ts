import { harness } from "@kv/testing";
import { expect, test } from "vitest";

/** Three entries, of which consumer c of group g has read two. */
function server() {
  const kv = harness();
  for (const id of ["1-1", "2-2", "3-3"]) kv.send("XADD", "k", id, "f", id);
  kv.send("XGROUP", "CREATE", "k", "g", 0);
  kv.send("XREADGROUP", "GROUP", "g", "c", "COUNT", 2, "STREAMS", "k", ">");
  kv.send("SET", "text", "v");
  kv.propagated.length = 0;
  kv.events.length = 0;
  return kv;
}

test("XDEL deletes what is there, each entry a change", () => {
  const kv = server();
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
  const kv = server();
  expect(kv.send("XDEL", "k", "1-1", "-")).toEqual(
    kv.error("ERR Invalid stream ID specified as stream command argument"),
  );
  expect(kv.send("XDEL", "text", "1-1")).toEqual(
    kv.error("WRONGTYPE Operation against a key holding the wrong kind of value"),
  );
  expect(kv.send("XLEN", "k")).toBe(3);
});
