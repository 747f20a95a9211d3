import { harness } from "@kv/testing";
import { describe, expect, test } from "vitest";

describe("FUNCTION of a server without functions", () => {
  test("has nothing to list and nothing to remove", () => {
    const kv = harness({ hasScripts: false });
    expect(kv.send("FUNCTION", "LIST")).toEqual([]);
    expect(kv.send("FUNCTION", "LIST", "WITHCODE", "LIBRARYNAME", "m*")).toEqual([]);
    for (const mode of [[], ["SYNC"], ["async"]])
      expect(kv.send("FUNCTION", "FLUSH", ...mode)).toBe("OK");
    expect(kv.propagated).toEqual([]);
  });

  test.each([
    {
      words: ["LOAD", "#!lua name=m"],
      error: "ERR Functions are not supported by this server.",
    },
    { words: ["FLUSH", "NOW"], error: "ERR FUNCTION FLUSH only supports SYNC|ASYNC option" },
    {
      words: ["FLUSH", "SYNC", "x"],
      error: "ERR unknown subcommand or wrong number of arguments for 'FLUSH'. Try FUNCTION HELP.",
    },
    { words: ["LIST", "x"], error: "ERR Unknown argument x" },
    { words: ["LIST", "LIBRARYNAME"], error: "ERR library name argument was not given" },
    { words: ["LIST", "WITHCODE", "WITHCODE"], error: "ERR Unknown argument WITHCODE" },
  ])("refuses $words", ({ words, error }) => {
    expect(harness({ hasScripts: false }).send("FUNCTION", ...words)).toMatchObject({
      reply: error,
    });
  });
});
