import { harness } from "@kv/testing";
import { describe, expect, test } from "vitest";

/** Three entries: the first acknowledged by both groups, the second pending in one, the third unread. */
function server() {
  const kv = harness();
  for (const id of ["1-1", "2-2", "3-3"]) kv.send("XADD", "k", id, "f", "v");
  for (const group of ["g", "h"]) {
    kv.send("XGROUP", "CREATE", "k", group, 0);
    kv.send("XREADGROUP", "GROUP", group, "c", "COUNT", 2, "STREAMS", "k", ">");
    kv.send("XACK", "k", group, "1-1");
  }
  kv.send("XACK", "k", "h", "2-2");
  return kv;
}

const pending = (kv: ReturnType<typeof server>, group: string) =>
  (kv.send("XPENDING", "k", group) as unknown[])[0];

describe("XDELEX", () => {
  test("leaves what is pending as it is, unless told otherwise", () => {
    const kv = server();
    expect(kv.send("XDELEX", "k", "IDS", 3, "2-2", "2-2", "9-9")).toEqual([1, -1, -1]);
    expect(pending(kv, "g")).toBe(1);
  });

  test("DELREF takes it out of all groups, though the entry is gone", () => {
    const kv = server();
    kv.send("XDEL", "k", "2-2");
    expect(kv.send("XDELEX", "k", "DELREF", "IDS", 2, "2-2", "1-1")).toEqual([-1, 1]);
    expect(pending(kv, "g")).toBe(0);
  });

  test("ACKED keeps what a group has yet to read or to acknowledge", () => {
    const kv = server();
    const words = ["IDS", 4, "1-1", "2-2", "3-3", "4-4"];
    expect(kv.send("XDELEX", "k", ...words, "ACKED")).toEqual([1, 2, 2, -1]);
    expect(kv.send("XLEN", "k")).toBe(2);
  });

  test.each([
    { words: ["k", "IDS", 0, "1-1"], error: "ERR Number of IDs must be a positive integer" },
    { words: ["k", "IDS", "x", "1-1"], error: "ERR Number of IDs must be a positive integer" },
    {
      words: ["k", "IDS", 2, "1-1"],
      error: "ERR The `numids` parameter must match the number of arguments",
    },
    {
      words: ["k", "IDS", 1, "1-1", "2-2"],
      error: "ERR The `numids` parameter must match the number of arguments",
    },
    { words: ["k", "ACKED", "KEEPREF", "IDS", 1, "1-1"], error: "ERR syntax error" },
    { words: ["k", "FOO", "IDS", 1, "1-1"], error: "ERR syntax error" },
    {
      words: ["k", "IDS", 1, "x"],
      error: "ERR Invalid stream ID specified as stream command argument",
    },
  ])("refuses $words", ({ words, error }) => {
    expect(server().send("XDELEX", ...words)).toHaveProperty("reply", error);
  });

  test("of no stream has nothing to delete", () => {
    expect(server().send("XDELEX", "none", "IDS", 1, "1-1")).toEqual([-1]);
  });
});

describe("XACKDEL", () => {
  test("acknowledges and deletes what is pending in the group", () => {
    const kv = server();
    expect(kv.send("XACKDEL", "k", "g", "IDS", 3, "2-2", "2-2", "1-1")).toEqual([1, -1, -1]);
    expect([pending(kv, "g"), kv.send("XLEN", "k")]).toEqual([0, 2]);
  });

  test("ACKED acknowledges, but keeps what another group needs", () => {
    const kv = server();
    kv.send("XGROUP", "CREATE", "k", "i", 0);
    expect(kv.send("XACKDEL", "k", "g", "ACKED", "IDS", 1, "2-2")).toEqual([2]);
    expect([pending(kv, "g"), kv.send("XLEN", "k")]).toEqual([0, 3]);
    expect(kv.send("XACKDEL", "k", "none", "IDS", 1, "2-2")).toEqual([-1]);
  });
});
