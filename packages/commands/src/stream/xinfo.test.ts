import { harness } from "@kv/testing";
import { describe, expect, test } from "vitest";

/** A stream of so many entries, of which the group has read the first `read`. */
function groupBehind(entries: number, read: number) {
  const kv = harness();
  kv.send("XGROUP", "CREATE", "s", "g", "$", "MKSTREAM");
  for (let id = 1; id <= entries; id++) kv.send("XADD", "s", `${id}-0`, "f", "v");
  const readOn = (...count: unknown[]) =>
    kv.send("XREADGROUP", "GROUP", "g", "c", ...(count as string[]), "STREAMS", "s", ">");
  readOn("COUNT", read);
  /** Entries that the group has read, and those that it has yet to read. */
  const progress = () => {
    const [facts] = kv.send("XINFO", "GROUPS", "s") as unknown[][];
    return [9, 11].map((index) => facts?.[index]);
  };
  return { kv, readOn, progress };
}

describe("XINFO tells how far a group is behind", () => {
  test("when what it has not read was trimmed: as many entries as are left", () => {
    const { kv, readOn, progress } = groupBehind(5, 1);
    expect(progress()).toEqual([1, 4]);
    kv.send("XTRIM", "s", "MAXLEN", 2);
    expect(progress()).toEqual([1, 2]);
    readOn("COUNT", 1);
    expect(progress()).toEqual([4, 1]);
    readOn();
    expect(progress()).toEqual([5, 0]);
    kv.send("XADD", "s", "6-0", "f", "v");
    kv.send("XTRIM", "s", "MAXLEN", 0);
    expect(progress()).toEqual([5, 0]);
  });

  test("when one that it has not read was deleted: not before nothing older is there", () => {
    const { kv, readOn, progress } = groupBehind(3, 1);
    kv.send("XDEL", "s", "2-0");
    expect(progress()).toEqual([1, null]);
    kv.send("XDEL", "s", "1-0");
    expect(progress()).toEqual([1, 1]);
    readOn();
    expect(progress()).toEqual([3, 0]);
  });

  test("when all are deleted: not at all", () => {
    const { kv, progress } = groupBehind(3, 1);
    kv.send("XDEL", "s", "1-0", "2-0", "3-0");
    expect(progress()).toEqual([1, 0]);
  });
});
