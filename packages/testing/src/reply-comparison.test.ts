import { describe, expect, test } from "vitest";
import { repliesAgree } from "./reply-comparison.ts";

describe("repliesAgree", () => {
  test("replies are compared byte by byte", () => {
    expect(repliesAgree(["GET", "k"], "$1\r\nv\r\n", "$1\r\nv\r\n")).toBe(true);
    expect(repliesAgree(["GET", "k"], "$1\r\nv\r\n", "$1\r\nw\r\n")).toBe(false);
    expect(repliesAgree(["GET", "k"], "$-1\r\n", "_\r\n")).toBe(false);
  });

  test("clocks may be a little apart, but nothing else passes for a clock", () => {
    expect(repliesAgree(["PTTL", "k"], ":5000\r\n", ":4990\r\n")).toBe(true);
    expect(repliesAgree(["pttl", "k"], ":5000\r\n", ":2990\r\n")).toBe(false);
    expect(repliesAgree(["TTL", "k"], ":5000\r\n", ":4990\r\n")).toBe(false);
    expect(repliesAgree(["TTL", "k"], ":-1\r\n", ":-2\r\n")).toBe(false);
    expect(repliesAgree(["STRLEN", "k"], ":5000\r\n", ":4999\r\n")).toBe(false);
  });

  test("members have no order; fields stay with their values", () => {
    const ab = "*2\r\n+a\r\n+b\r\n";
    const ba = "*2\r\n+b\r\n+a\r\n";
    expect(repliesAgree(["SMEMBERS", "s"], ab, ba)).toBe(true);
    expect(repliesAgree(["LRANGE", "l", 0, -1], ab, ba)).toBe(false);
    expect(repliesAgree(["HGETALL", "h"], ab, ba)).toBe(false);
    const pairs = "*4\r\n+a\r\n+1\r\n+b\r\n+2\r\n";
    expect(repliesAgree(["HGETALL", "h"], pairs, "*4\r\n+b\r\n+2\r\n+a\r\n+1\r\n")).toBe(true);
    expect(repliesAgree(["HGETALL", "h"], pairs, "*4\r\n+b\r\n+1\r\n+a\r\n+2\r\n")).toBe(false);
    const map = "%2\r\n+a\r\n+1\r\n+b\r\n+2\r\n";
    expect(repliesAgree(["HGETALL", "h"], map, "%2\r\n+b\r\n+2\r\n+a\r\n+1\r\n")).toBe(true);
  });

  test("what a mask hits is not compared, the rest is", () => {
    const mask = /id=\d+/g;
    expect(repliesAgree(["X"], "+id=1 a\r\n", "+id=22 a\r\n", { mask })).toBe(true);
    expect(repliesAgree(["X"], "+id=1 a\r\n", "+id=22 b\r\n", { mask })).toBe(false);
  });

  test("a set may be a listpack where the older server has a hash table, when that is said", () => {
    const words = ["OBJECT", "ENCODING", "s"];
    const [table, pack] = ["$9\r\nhashtable\r\n", "$8\r\nlistpack\r\n"];
    expect(repliesAgree(words, table, pack)).toBe(false);
    expect(repliesAgree(words, table, pack, { setsMayBeListpacks: true })).toBe(true);
    expect(repliesAgree(words, pack, table, { setsMayBeListpacks: true })).toBe(false);
  });

  test("a list may be a listpack where the older server always has a quicklist", () => {
    const words = ["OBJECT", "ENCODING", "l"];
    const [nodes, pack] = ["$9\r\nquicklist\r\n", "$8\r\nlistpack\r\n"];
    expect(repliesAgree(words, nodes, pack)).toBe(true);
    expect(repliesAgree(words, pack, nodes)).toBe(false);
    expect(repliesAgree(["OBJECT", "FREQ", "l"], nodes, pack)).toBe(false);
  });

  test("scores may have more digits than it takes, and no other value", () => {
    const score = (text: string) => `$${text.length}\r\n${text}\r\n`;
    const theirs = score("0.10000000000000001");
    expect(repliesAgree(["ZSCORE", "k", "m"], theirs, score("0.1"))).toBe(true);
    expect(repliesAgree(["ZSCORE", "k", "m"], theirs, score("0.2"))).toBe(false);
    expect(repliesAgree(["ZSCORE", "k", "m"], score("1"), score("01"))).toBe(false);
    expect(repliesAgree(["HGET", "k", "m"], theirs, score("0.1"))).toBe(false);
  });

  test("a transaction may differ in the digits of scores and in the name of a command at once", () => {
    const reply = (score: string, name: string, sign: string) =>
      `*2\r\n$${score.length}\r\n${score}\r\n-ERR Unbalanced ${name} list of streams: ` +
      `for each stream key an ID or '${sign}' must be specified.\r\n`;
    const theirs = reply("1.8446744073709552e+19", "XREAD", "$");
    const ours = (score: string) => reply(score, "'xreadgroup'", ">");
    expect(repliesAgree(["EXEC"], theirs, ours("18446744073709552000"))).toBe(true);
    expect(repliesAgree(["EXEC"], theirs, ours("18446744073709554000"))).toBe(false);
  });

  test("an error is one line, whatever it quotes", () => {
    const words = ["FUNCTION", "LOAD", "..."];
    expect(repliesAgree(words, "-ERR near '\n)'\r\n", "-ERR near ' )'\r\n")).toBe(true);
    expect(repliesAgree(words, "$3\r\na\nb\r\n", "$3\r\na b\r\n")).toBe(false);
  });

  test("the last digit of a fraction that a script has calculated is the machine's, a whole number's is not", () => {
    const words = ["EVAL", "return ...", 0];
    const power = (digits: string) => `$${digits.length}\r\n${digits}\r\n`;
    expect(
      repliesAgree(words, power("6.1003321137047565e+17"), power("6.1003321137047578e+17")),
    ).toBe(true);
    expect(
      repliesAgree(words, power("6.1003321137047565e+17"), power("6.1003321137057578e+17")),
    ).toBe(false);
    expect(repliesAgree(words, ":9007199254740989\r\n", ":9007199254740988\r\n")).toBe(false);
    expect(
      repliesAgree(["GET", "k"], power("1.0000000000000001"), power("1.0000000000000002")),
    ).toBe(false);
  });
});
