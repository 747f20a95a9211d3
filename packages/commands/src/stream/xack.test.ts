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

test("XACK takes out of what is pending what is there, and goes on to those who follow", () => {
  const kv = server();
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
  const kv = server();
  expect(kv.send("XACK", "k", "g", "1-1", "x")).toEqual(
    kv.error("ERR Invalid stream ID specified as stream command argument"),
  );
  expect(kv.send("XACK", "text", "g", "1-1")).toEqual(
    kv.error("WRONGTYPE Operation against a key holding the wrong kind of value"),
  );
  expect(kv.send("XPENDING", "k", "g")).toEqual([2, "1-1", "2-2", [["c", "2"]]]);
});
