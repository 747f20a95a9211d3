import { describe, expect, test } from "vitest";
import { keyAt, keyCountAt, keyRange, keysOf, type RequestWords } from "./key-spec.ts";

function request(...words: string[]): RequestWords {
  return {
    argc: words.length,
    length: (index) => (words[index] as string).length,
    is: (index, word) => words[index]?.toUpperCase() === word,
    text: (index) => words[index] as string,
  };
}

describe("the keys of a request", () => {
  test("are told in runs, so that a hundred million are no list", () => {
    const huge = { ...request(), argc: 200_000_001 };
    const flags = ["RO"] as const;
    expect(keysOf([keyRange(1, -1, 1, ...flags)], huge)).toEqual([
      { index: 1, count: 200_000_000, step: 1, flags },
    ]);
    expect(keysOf([keyRange(1, -1, 2, ...flags)], huge)).toEqual([
      { index: 1, count: 100_000_000, step: 2, flags },
    ]);
  });

  test.each([
    { why: "one", specs: [keyAt(1, "RO")], words: ["GET", "k"], runs: [[1, 1, 1]] },
    { why: "all", specs: [keyRange(1, -1, 1, "RO")], words: ["DEL", "a", "b"], runs: [[1, 2, 1]] },
    {
      why: "every other",
      specs: [keyRange(1, -1, 2, "OW")],
      words: ["MSET", "a", "1", "b", "2"],
      runs: [[1, 2, 2]],
    },
    {
      why: "counted",
      specs: [keyCountAt(1, "RO")],
      words: ["X", "2", "a", "b", "c"],
      runs: [[2, 2, 1]],
    },
    { why: "none counted", specs: [keyCountAt(1, "RO")], words: ["X", "0"], runs: [[2, 0, 1]] },
    {
      why: "more counted than there are",
      specs: [keyCountAt(1, "RO")],
      words: ["X", "3", "a"],
      runs: null,
    },
    { why: "no count", specs: [keyCountAt(1, "RO")], words: ["X", "1x", "a"], runs: null },
    {
      why: "too long a count",
      specs: [keyCountAt(1, "RO")],
      words: ["X", "1".repeat(10), "a"],
      runs: null,
    },
  ])("$why", ({ specs, words, runs }) => {
    const found = keysOf(specs, request(...words));
    expect(found?.map(({ index, count, step }) => [index, count, step]) ?? null).toEqual(runs);
  });

  test("behind a keyword are found whatever its case", () => {
    const spec = {
      ...keyAt(1, "RO"),
      begin: { type: "keyword", keyword: "STREAMS", startFrom: 1 } as const,
    };
    expect(keysOf([spec], request("XREAD", "COUNT", "1", "streams", "s", "0"))?.[0]?.index).toBe(4);
    expect(keysOf([spec], request("XREAD", "COUNT", "1"))).toEqual([]);
  });
});
