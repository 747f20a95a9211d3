import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { quoteArg, splitArgs } from "./split-args.ts";

const byteString = fc.uint8Array({ maxLength: 20 }).map((bytes) => String.fromCharCode(...bytes));

describe("splitArgs", () => {
  test.each([
    { line: "", words: [] },
    { line: "   ", words: [] },
    { line: " port  6379 ", words: ["port", "6379"] },
    { line: "save ''", words: ["save", ""] },
    { line: 'save ""', words: ["save", ""] },
    { line: `a"b c"`, words: ["ab c"] },
    { line: `a 'it\\'s' b`, words: ["a", "it's", "b"] },
    { line: `'a\\nb'`, words: ["a\\nb"] },
    { line: `"\\" file seq \\n\\n.aof \\""`, words: ['" file seq \n\n.aof "'] },
    { line: `"\\x00\\xfF\\t\\a\\b\\q\\xg1"`, words: ["\0\xff\t\x07\bqxg1"] },
    { line: "__proto__ constructor", words: ["__proto__", "constructor"] },
  ])("reads $line", ({ line, words }) => {
    expect(splitArgs(line)).toEqual(words);
  });

  test.each(['"open', "'open", '"a"b', "'a'b", 'x "', '"ends in backslash\\'])(
    "refuses %s",
    (line) => {
      expect(splitArgs(line)).toBe(undefined);
    },
  );

  test("reads back whatever quoteArg wrote", () => {
    fc.assert(
      fc.property(fc.array(byteString, { maxLength: 4 }), (words) => {
        expect(splitArgs(words.map(quoteArg).join(" "))).toEqual(words);
      }),
    );
  });

  test("never fails on any bytes, and what it reads can be written and read again", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(..."\"'\\x0fn ab\t\0") }), (line) => {
        const words = splitArgs(line);
        if (words === undefined) return;
        expect(splitArgs(words.map(quoteArg).join(" "))).toEqual(words);
      }),
    );
  });
});

test("quoteArg escapes what does not print", () => {
  expect(quoteArg('a "b" \\ \n\x07\xff')).toBe('"a \\"b\\" \\\\ \\n\\a\\xff"');
});
