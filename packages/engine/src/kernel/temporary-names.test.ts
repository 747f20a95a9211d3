import { describe, expect, test } from "vitest";
import { arrivingName, ownerOf, savingName, sendingName } from "./temporary-names.ts";

describe("a temporary name", () => {
  test.each([
    savingName(12, 3),
    sendingName(12, 3),
    `temp-${sendingName(12, 3)}`,
    arrivingName(1_700_000_000_999, 12, 3),
    `${arrivingName(1_700_000_000_999, 12, 3)}.part`,
  ])("%s tells its process", (name) => {
    expect(ownerOf(name)).toBe(12);
  });

  test.each([
    ...["dump.rdb", "temp-12.rdb", "temp-12-3.rdb.old", "mytemp-12-3.rdb", "temp--1-3.rdb"],
    ...["sync-0-3.rdb", "temp-rewriteaof-bg-12.aof", "temp-1700000000.12.rdb", "temp-a-3.rdb"],
  ])("%s is none: whoever has made it looks after it", (name) => {
    expect(ownerOf(name)).toBe(undefined);
  });
});
