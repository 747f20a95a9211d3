import { latin1Bytes } from "@kv/resp";
import { harness } from "@kv/testing";
import { describe, expect, test } from "vitest";

describe("trimming", () => {
  test("goes on as what was done: so many are left, or those from an ID on", () => {
    const kv = harness({ config: { "stream-node-max-entries": 2 } });
    for (let id = 1; id <= 5; id++) kv.send("XADD", "s", `${id}-0`, "f", "v");
    kv.propagated.length = 0;
    expect(kv.send("XTRIM", "s", "MAXLEN", "~", 2)).toBe(2);
    expect(kv.send("XTRIM", "s", "MINID", "~", 5)).toBe(2);
    expect(kv.propagated).toEqual([
      ["XTRIM", "s", "MAXLEN", "=", "3"],
      ["XTRIM", "s", "MINID", "=", "5-0"],
    ]);
  });

  test("with XADD leaves the words of the request, but for what was not given as it came out", () => {
    const kv = harness({ config: { "stream-node-max-entries": 1 } });
    kv.send("XADD", "s", "1", "f", "v");
    kv.propagated.length = 0;
    kv.send("XADD", "s", "maxlen", "~", 0, "LIMIT", 1, "3", "f", "v");
    kv.send("XADD", "s", "minid", "~", 0, "4-*", "f", "v");
    expect(kv.propagated).toEqual([
      ["XADD", "s", "maxlen", "=", "1", "LIMIT", "1", "3", "f", "v"],
      ["XADD", "s", "minid", "=", "3-0", "4-0", "f", "v"],
    ]);
  });

  test("that leaves nothing leaves nothing with those who follow either", () => {
    const kv = harness({ config: { "stream-node-max-entries": 1 } });
    kv.send("XADD", "s", "1-0", "f", "v");
    kv.propagated.length = 0;
    expect(kv.send("XTRIM", "s", "MINID", "~", 5)).toBe(1);
    const least = "18446744073709551615-18446744073709551615";
    expect(kv.propagated).toEqual([["XTRIM", "s", "MINID", "=", least]]);
    expect(kv.send("XLEN", "s")).toBe(0);
  });
});

test("a block with nothing but deleted entries travels, and takes more", () => {
  const kv = harness();
  for (const id of ["1-0", "2-0", "3-0"]) kv.send("XADD", "s", id, "f", "v");
  kv.send("XDEL", "s", "3-0");
  expect(kv.send("XTRIM", "s", "MINID", "3-0")).toBe(2);
  expect(kv.send("RESTORE", "t", 0, latin1Bytes(kv.send("DUMP", "s") as string))).toBe("OK");
  for (const key of ["s", "t"]) {
    expect(kv.send("XINFO", "STREAM", key)).toEqual(
      expect.arrayContaining(["length", 0, "radix-tree-keys", 1]),
    );
    kv.send("XADD", key, "4-0", "f", "v");
    expect(kv.send("XRANGE", key, "-", "+")).toEqual([["4-0", ["f", "v"]]]);
    expect(kv.send("XTRIM", key, "MAXLEN", 0)).toBe(1);
  }
});

/** Five entries, two a block: 1-0 acknowledged, 2-0 and 4-0 pending, 3-0 acknowledged, 5-0 unread. */
function read(group = "g") {
  const kv = harness({ config: { "stream-node-max-entries": 2 } });
  for (let id = 1; id <= 5; id++) kv.send("XADD", "s", `${id}-0`, "f", "v");
  kv.send("XGROUP", "CREATE", "s", group, 0);
  kv.send("XREADGROUP", "GROUP", group, "c", "COUNT", 4, "STREAMS", "s", ">");
  kv.send("XACK", "s", group, "1-0", "3-0");
  kv.propagated.length = 0;
  kv.events.length = 0;
  const ids = () => (kv.send("XRANGE", "s", "-", "+") as [string][]).map(([id]) => id);
  const pending = () =>
    (kv.send("XPENDING", "s", group, "-", "+", 9) as [string][]).map(([id]) => id);
  return { kv, ids, pending };
}

describe("what a group has to do with trimmed entries", () => {
  test.each([[], ["KEEPREF"]])("stays pending %s", (...policy: string[]) => {
    const { kv, ids, pending } = read();
    expect(kv.send("XTRIM", "s", "MAXLEN", 1, ...policy)).toBe(4);
    expect([ids(), pending()]).toEqual([["5-0"], ["2-0", "4-0"]]);
  });

  test("is forgotten with DELREF, of what goes and of nothing else", () => {
    const { kv, ids, pending } = read();
    expect(kv.send("XTRIM", "s", "MAXLEN", 2, "DELREF")).toBe(3);
    expect([ids(), pending()]).toEqual([["4-0", "5-0"], ["4-0"]]);
    expect(kv.propagated).toEqual([["XTRIM", "s", "MAXLEN", "2", "DELREF"]]);
    expect(kv.send("XTRIM", "s", "DELREF", "MINID", "9")).toBe(2);
    expect([ids(), pending()]).toEqual([[], []]);
  });

  test("keeps them with ACKED, and lets those behind go", () => {
    const { kv, ids, pending } = read();
    expect(kv.send("XTRIM", "s", "MAXLEN", 4, "ACKED")).toBe(1);
    expect(ids()).toEqual(["2-0", "3-0", "4-0", "5-0"]);
    expect(kv.send("XTRIM", "s", "MINID", "9", "ACKED")).toBe(1);
    expect(kv.send("XTRIM", "s", "MAXLEN", 0, "ACKED")).toBe(0);
    expect([ids(), pending()]).toEqual([
      ["2-0", "4-0", "5-0"],
      ["2-0", "4-0"],
    ]);
    expect(kv.events).toEqual(["xtrim s", "xtrim s"]);
  });

  test("goes on as the length that was left, where whole blocks are looked at", () => {
    const { kv, ids } = read();
    expect(kv.send("XTRIM", "s", "MINID", "~", "4-0", "ACKED")).toBe(1);
    expect(ids()).toEqual(["2-0", "3-0", "4-0", "5-0"]);
    expect(kv.propagated).toEqual([["XTRIM", "s", "MAXLEN", "=", "4", "ACKED"]]);
  });

  test("matters to XADD as well, ahead of the threshold or behind", () => {
    const { kv, ids, pending } = read();
    expect(kv.send("XADD", "s", "ACKED", "MAXLEN", "=", 1, "6-0", "f", "v")).toBe("6-0");
    expect(ids()).toEqual(["2-0", "4-0", "5-0", "6-0"]);
    kv.send("XADD", "s", "NOMKSTREAM", "MAXLEN", 1, "DELREF", "7-0", "f", "v");
    expect([ids(), pending()]).toEqual([["7-0"], []]);
  });

  test("is said once", () => {
    const { kv } = read();
    const syntax = kv.error("ERR syntax error");
    expect(kv.send("XTRIM", "s", "MAXLEN", 1, "ACKED", "ACKED")).toEqual(syntax);
    expect(kv.send("XADD", "s", "KEEPREF", "DELREF", "*", "f", "v")).toEqual(syntax);
    expect(kv.send("XLEN", "s")).toBe(5);
  });
});
