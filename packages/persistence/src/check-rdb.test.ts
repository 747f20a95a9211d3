/** What no redis-check-rdb of ours to compare with knows: the rest is in redis-interop.test.ts. */
import { describe, expect, test } from "vitest";
import { RdbCheck } from "./check-rdb.ts";
import { bytesOfText } from "./keyspace-contents.ts";
import { ziplistOf } from "./rdb/old-forms.ts";

/** The verdict on a file of one key "k", with its value given as bytes and texts. */
function verdict(type: number, ...value: (number | string)[]): string[] {
  const pieces = ["REDIS0012", 0xfe, 0, type, 1, "k", ...value, 0xff, 0, 0, 0, 0, 0, 0, 0, 0];
  const bytes = Uint8Array.from(
    pieces.flatMap((piece) => (typeof piece === "number" ? [piece] : [...bytesOfText(piece)])),
  );
  const lines: string[] = [];
  const check = new RdbCheck("f", 0, (line) => lines.push(line));
  for (let at = 0; at < bytes.length; at++) check.feed(bytes, at, at + 1);
  const isGood = check.finish();
  expect(isGood).toBe(lines.some((line) => line.includes("RDB looks OK!")));
  return isGood ? ["good"] : lines.filter((line) => line.startsWith("[offset")).slice(-1);
}

const id = "0123456789abcdef";
/** The listpack of "a" and "b". */
const pair = Uint8Array.of(13, 0, 0, 0, 2, 0, 0x81, 0x61, 2, 0x81, 0x62, 2, 0xff);
const packed = (bytes: Uint8Array) => [bytes.length, ...bytes];
/** A block of a stream: one entry, of the field "a" and the value "v". */
const block = packed(
  Uint8Array.of(
    ...[29, 0, 0, 0, 10, 0], // Bytes and elements.
    ...[1, 1, 0, 1, 1, 1, 0x81, 0x61, 2, 0, 1], // One entry, none deleted, one field: "a".
    ...[2, 1, 0, 1, 0, 1, 0x81, 0x76, 2, 4, 1], // As many fields, an ID no higher than the block's: "v".
    0xff,
  ),
);
/** The ID as a header has it: two lengths of 64 bits. */
const lastId = [0x81, id.slice(0, 8), 0x81, id.slice(8)];
/** No groups follow. */
const header = (entries: number, ...last: (number | string)[]) => [entries, ...last, 0];

describe("a check follows", () => {
  test.each([
    { what: "a list", type: 1, value: [2, 1, "a", 0xc0, 5] },
    {
      what: "a sorted set with scores as text",
      type: 3,
      value: [3, 1, "a", 3, "1.5", 1, "b", 254, 1, "c", 255],
    },
    { what: "a sorted set with scores as bits", type: 5, value: [1, 1, "a", "12345678"] },
    {
      what: "a value of a module",
      type: 7,
      value: [9, 1, 5, 2, 6, 3, "ffff", 4, "dddddddd", 5, 2, "st", 0],
    },
    { what: "an intset", type: 11, value: [12, 2, 0, 0, 0, 2, 0, 0, 0, 1, 0, 2, 0] },
    { what: "a list as ziplist", type: 10, value: packed(ziplistOf(["a", "b"])) },
    { what: "a quicklist", type: 18, value: [2, 1, 1, "x", 2, ...packed(pair)] },
    {
      what: "a stream",
      type: 15,
      value: [
        1,
        16,
        id,
        ...block,
        1,
        ...lastId,
        1,
        1,
        "g",
        0,
        0,
        1,
        id,
        "12345678",
        1,
        1,
        1,
        "c",
        "12345678",
        1,
        id,
      ],
    },
    {
      what: "a stream with counters",
      type: 19,
      value: [0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, "g", 0, 0, 7, 0, 1, 1, "c", "12345678", 0],
    },
    {
      what: "a stream with active times",
      type: 21,
      value: [
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        1,
        1,
        "g",
        0,
        0,
        7,
        0,
        1,
        1,
        "c",
        "12345678",
        "12345678",
        0,
      ],
    },
    {
      what: "a hash whose fields expire",
      type: 24,
      value: ["12345", 0, 0, 0, 1, 5, 1, "f", 1, "v"],
    },
  ])("$what to its end", ({ type, value }) => {
    expect(verdict(type, ...value)).toEqual(["good"]);
  });

  test.each([
    { what: "List ziplist", type: 10, value: [3, "abc"] },
    { what: "Ziplist", type: 14, value: [1, 3, "abc"] },
    { what: "Listpack", type: 18, value: [1, 2, 3, "abc"] },
    { what: "Quicklist", type: 18, value: [1, 3, 3, "abc"] },
    { what: "Zset ziplist", type: 12, value: [3, "abc"] },
    { what: "Hash ziplist", type: 13, value: [3, "abc"] },
    { what: "Zipmap", type: 9, value: [3, "abc"] },
    { what: "Intset", type: 11, value: [9, 2, 0, 0, 0, 1, 0, 0, 0, 1] },
    { what: "Set listpack", type: 20, value: [3, "abc"] },
    { what: "Zset listpack", type: 17, value: [3, "abc"] },
    { what: "Hash listpack", type: 16, value: [3, "abc"] },
    // Their scores are no numbers.
    { what: "Zset listpack", type: 17, value: packed(pair) },
    { what: "Zset ziplist", type: 12, value: packed(ziplistOf(["a", "b"])) },
  ])("and refuses a malformed one: $what", ({ what, type, value }) => {
    expect(verdict(type, ...value)[0]).toContain(`${what} integrity check failed.`);
  });

  test.each([
    {
      says: "Stream listpack integrity check failed",
      value: [1, 16, id, 3, "abc", ...header(0, 0, 0)],
    },
    { says: "not the size of a stream ID", value: [1, 2, "ab", ...block, ...header(1, ...lastId)] },
    {
      says: "not in the order of their IDs",
      value: [2, 16, id, ...block, 16, id, ...block, ...header(2, ...lastId)],
    },
    { says: "Stream length inconsistent", value: [1, 16, id, ...block, ...header(2, ...lastId)] },
    { says: "Stream last ID is not the highest", value: [1, 16, id, ...block, ...header(1, 5, 0)] },
  ])("and refuses a stream that is none: $says", ({ says, value }) => {
    expect(verdict(15, ...value)[0]).toContain(says);
  });

  test("and refuses scores that are no numbers", () => {
    expect(verdict(3, 1, 1, "a", 253)[0]).toContain("Zset with NAN score detected");
    expect(verdict(5, 1, 1, "a", 0, 0, 0, 0, 0, 0, 0xf8, 0x7f)[0]).toContain("NAN score");
  });

  test("and refuses hashes whose fields would expire in no time there is", () => {
    for (const type of [24, 25])
      expect(verdict(type, "12345678", 1, 5, 1, "f", 1, "v")[0]).toContain(
        "Invalid earliest expiry",
      );
  });

  const twice = [13, 0, 0, 0, 2, 0, 0x81, "f", 2, 0x81, "f", 2, 0xff];
  test.each([
    { what: "a hash", type: 4, value: [2, 1, "f", 1, "v", 1, "f", 1, "w"], says: "hash fields" },
    { what: "a set", type: 2, value: [2, 1, "f", 1, "f"], says: "set members" },
    {
      what: "a sorted set",
      type: 5,
      value: [2, 1, "f", "12345678", 1, "f", "12345678"],
      says: "zset",
    },
    { what: "a set as listpack", type: 20, value: [13, ...twice], says: "Set listpack" },
    {
      what: "a hash as listpack",
      type: 16,
      value: [19, 19, 0, 0, 0, 4, 0, 0x81, "f", 2, 0x81, "v", 2, 0x81, "f", 2, 0x81, "w", 2, 0xff],
      says: "Hash listpack",
    },
    {
      what: "a hash as ziplist",
      type: 13,
      value: packed(ziplistOf(["f", "v", "f", "w"])),
      says: "Hash ziplist",
    },
    {
      what: "a hash as zipmap",
      type: 9,
      value: [12, 2, 1, "f", 1, 0, "v", 1, "f", 1, 0, "w", 0xff],
      says: "Hash zipmap with dup elements",
    },
  ])("and refuses one that names a field twice: $what", ({ type, value, says }) => {
    expect(verdict(type, ...value)[0]).toContain(says);
  });

  test("and refuses what it cannot follow", () => {
    expect(verdict(6, 1)[0]).toContain("Modules of pre-release versions cannot be read");
    expect(verdict(7, 9, 6)[0]).toContain("Unknown opcode 6 in the value of a module");
  });
});
