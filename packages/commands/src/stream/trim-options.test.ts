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
