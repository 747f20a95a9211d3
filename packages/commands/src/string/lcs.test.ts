import { harness } from "@kv/testing";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { errors } from "../call/errors.ts";

/** Length of the longest common subsequence, by the whole table. */
function lengthOf(a: string, b: string): number {
  const table = Array.from({ length: a.length + 1 }, () => new Array(b.length + 1).fill(0));
  for (let i = 1; i <= a.length; i++)
    for (let j = 1; j <= b.length; j++)
      table[i][j] =
        a[i - 1] === b[j - 1]
          ? table[i - 1][j - 1] + 1
          : Math.max(table[i - 1][j], table[i][j - 1]);
  return table[a.length][b.length];
}

function isSubsequence(part: string, whole: string): boolean {
  let at = 0;
  for (const byte of whole) if (byte === part[at]) at++;
  return at === part.length;
}

describe("LCS", () => {
  test("returns the subsequence, its length, or the ranges that match", () => {
    const kv = harness();
    kv.send("MSET", "a", "ohmytext", "b", "mynewtext");
    expect(kv.send("LCS", "a", "b")).toBe("mytext");
    expect(kv.send("LCS", "a", "b", "LEN")).toBe(6);
    const long = [
      [4, 7],
      [5, 8],
    ];
    const short = [
      [2, 3],
      [0, 1],
    ];
    expect(kv.send("LCS", "a", "b", "IDX")).toEqual(["matches", [long, short], "len", 6]);
    expect(kv.send("LCS", "a", "b", "IDX", "MINMATCHLEN", 4)).toEqual([
      "matches",
      [long],
      "len",
      6,
    ]);
    expect(kv.send("LCS", "a", "b", "IDX", "WITHMATCHLEN")).toEqual([
      "matches",
      [
        [...long, 4],
        [...short, 2],
      ],
      "len",
      6,
    ]);
  });

  test("IDX answers with a map in RESP3", () => {
    const kv = harness({ resp: 3 });
    expect(kv.send("LCS", "a", "b", "IDX")).toEqual(
      new Map<string, unknown>([
        ["matches", []],
        ["len", 0],
      ]),
    );
  });

  test("is as long as possible, part of both, and tells where it lies", () => {
    const text = fc.string({ unit: fc.constantFrom("a", "b", "c"), maxLength: 40 });
    const kv = harness();
    fc.assert(
      fc.property(text, text, (a, b) => {
        kv.send("MSET", "a", a, "b", b);
        const found = kv.send("LCS", "a", "b") as string;
        expect(found.length).toBe(lengthOf(a, b));
        expect(isSubsequence(found, a) && isSubsequence(found, b)).toBe(true);
        const [, matches] = kv.send("LCS", "a", "b", "IDX") as [string, [number, number][][]];
        const from = (text: string, side: number) =>
          matches
            .map((match) => text.slice(match[side][0], match[side][1] + 1))
            .reverse()
            .join("");
        expect([from(a, 0), from(b, 1)]).toEqual([found, found]);
      }),
      { numRuns: 300 },
    );
  });

  test("refuses strings whose table would be too large, before making it", () => {
    const kv = harness();
    kv.send("SETRANGE", "a", 19999, "x");
    kv.send("SETRANGE", "b", 9999, "x");
    expect(kv.send("LCS", "a", "b", "LEN")).toEqual(
      kv.error("ERR Insufficient memory, transient memory for LCS exceeds proto-max-bulk-len"),
    );
  });

  test("refuses what it does not know", () => {
    const kv = harness();
    expect(kv.send("LCS", "a", "b", "MINMATCHLEN")).toBe(errors.syntax);
    expect(kv.send("LCS", "a", "b", "IDX", "LEN")).toEqual(
      kv.error("ERR If you want both the length and indexes, please just use IDX."),
    );
    kv.send("HSET", "h", "f", "v");
    expect(kv.send("LCS", "a", "h", "FOO")).toEqual(
      kv.error("ERR The specified keys must contain string values"),
    );
  });
});
