import { Keyspace } from "@kv/core";
import { describe, expect, test } from "vitest";
import { bytesOfText, type Contents, contentsOf, LIMITS } from "../keyspace-contents.ts";
import { RdbLoader, type RdbLoadOptions } from "./load.ts";

/** A file from pieces: text as its bytes, numbers as single bytes; no checksum. */
function file(version: string, ...pieces: (string | number)[]): Uint8Array {
  return rawFile(`REDIS${version}`, ...pieces, 0xff, 0, 0, 0, 0, 0, 0, 0, 0);
}

function rawFile(...pieces: (string | number)[]): Uint8Array {
  return Uint8Array.from(
    pieces.flatMap((piece) => (typeof piece === "number" ? [piece] : [...bytesOfText(piece)])),
  );
}

interface Loaded {
  loader: RdbLoader;
  contents: Contents;
  log: string[];
  keyspace: Keyspace;
}

function load(bytes: Uint8Array, options: Partial<RdbLoadOptions> = {}): Loaded {
  const keyspace = new Keyspace({ random32: () => 1, arena: { segmentBytes: 2 ** 20 } });
  const log: string[] = [];
  const loader = new RdbLoader(keyspace, {
    limits: LIMITS,
    log: (_level, message) => log.push(message),
    ...options,
  });
  // One byte after the other: nothing may depend on where chunks end.
  for (let at = 0; at < bytes.length; at++) loader.feed(bytes, at, at + 1);
  loader.finish();
  keyspace.check();
  return { loader, contents: contentsOf(keyspace), log, keyspace };
}

const value = ({ contents }: Loaded, key: string) => contents.get(key)?.value;

describe("an RDB file", () => {
  test("of the example in format.ts holds what that says", () => {
    const loaded = load(
      rawFile(
        "REDIS0010",
        0xfe,
        0,
        0xfb,
        2,
        0,
        0,
        1,
        "a",
        0xc0,
        1,
        0x10,
        1,
        "h",
        13,
        13,
        0,
        0,
        0,
        2,
        0,
        0x81,
        "f",
        2,
        0x81,
        "v",
        2,
        0xff,
        0xff,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
      ),
    );
    expect(loaded.loader.error).toBe(undefined);
    expect(value(loaded, "0:a")).toBe("1");
    expect(value(loaded, "0:h")).toEqual([["f", "v"]]);
  });

  test.each([
    { form: "6 bits of length", bytes: [3, "abc"], text: "abc" },
    { form: "14 bits of length", bytes: [0x40, 3, "abc"], text: "abc" },
    { form: "32 bits of length", bytes: [0x80, 0, 0, 0, 3, "abc"], text: "abc" },
    { form: "64 bits of length", bytes: [0x81, 0, 0, 0, 0, 0, 0, 0, 3, "abc"], text: "abc" },
    { form: "8-bit integer", bytes: [0xc0, 0xfe], text: "-2" },
    { form: "16-bit integer", bytes: [0xc1, 0x00, 0x80], text: "-32768" },
    { form: "32-bit integer", bytes: [0xc2, 0xff, 0xff, 0xff, 0x7f], text: "2147483647" },
    { form: "LZF", bytes: [0xc3, 4, 8, 0, "a", 0xa0, 0], text: "aaaaaaaa" },
  ])("stores strings as $form", ({ bytes, text }) => {
    expect(value(load(file("0006", 0xfe, 0, 0, 1, "k", ...bytes)), "0:k")).toBe(text);
  });

  test("before version 5 ends without a checksum", () => {
    const loaded = load(rawFile("REDIS0003", 0xfe, 0, 0, 1, "k", 1, "v", 0xff));
    expect(loaded.loader.isDone).toBe(true);
    expect(value(loaded, "0:k")).toBe("v");
  });

  test("without a checksum says so", () => {
    const words = "RDB file was saved with checksum disabled: no check performed.";
    expect(load(file("0010")).log).toEqual([words]);
  });

  test("has expiries in milliseconds, and in seconds if it is old", () => {
    const { contents } = load(
      file(
        "0009",
        0xfe,
        0,
        0xfc,
        0,
        2,
        0,
        0,
        0,
        1,
        0,
        0,
        0,
        1,
        "a",
        1,
        "v",
        0xfd,
        0,
        1,
        0,
        0,
        0,
        1,
        "b",
        1,
        "v",
        0,
        1,
        "c",
        1,
        "v",
      ),
    );
    expect(contents.get("0:a")?.expiryMs).toBe(2 ** 40 + 512);
    expect(contents.get("0:b")?.expiryMs).toBe(256_000);
    expect(contents.get("0:c")?.expiryMs).toBe(-1);
  });

  test("leaves out what has expired when it is told the time, and only then", () => {
    const bytes = file(
      "0009",
      0xfd,
      1,
      0,
      0,
      0,
      0,
      1,
      "a",
      1,
      "v",
      0xfd,
      3,
      0,
      0,
      0,
      4,
      1,
      "h",
      1,
      1,
      "f",
      1,
      "v",
    );
    const primary = load(bytes, { nowMs: 2000 });
    expect([...primary.contents.keys()]).toEqual(["0:h"]);
    expect([primary.loader.loadedCount, primary.loader.expiredCount]).toEqual([1, 1]);
    expect(load(bytes, { nowMs: 4000 }).loader.expiredCount).toBe(2);
    expect(load(bytes).loader.loadedCount).toBe(2);
  });

  test("tells how long keys were idle, and how frequent", () => {
    const seen: number[][] = [];
    load(
      file(
        "0010",
        0xf8,
        0x40,
        100,
        0,
        1,
        "a",
        1,
        "v",
        0xf9,
        200,
        0,
        1,
        "b",
        1,
        "v",
        0,
        1,
        "c",
        1,
        "v",
      ),
      { idleBits: (...told) => seen.push(told) },
    );
    expect(seen).toEqual([
      [-1, -1],
      [100, -1],
      [-1, 200],
    ]);
  });

  test("tells facts about itself, known or not", () => {
    const { loader } = load(file("0010", 0xfa, 9, "redis-ver", 5, "7.2.5", 0xfa, 1, "x", 0xc0, 5));
    expect([...loader.facts]).toEqual([
      ["redis-ver", "7.2.5"],
      ["x", "5"],
    ]);
  });

  test("says what it tells about its making, and is loaded although it has slots", () => {
    const facts = [
      ...[0xfa, 9, "redis-ver", 5, "7.2.5", 0xfa, 5, "ctime", 3, "990"],
      ...[0xfa, 8, "used-mem", 7, "1500000", 0xfa, 5, "%note", 2, "hi", 0xfa, 1, "x", 1, "y"],
    ];
    const slot = [0xf4, 0x40, 9, 1, 0];
    const loaded = load(file("0012", ...facts, ...slot, 0, 1, "k", 1, "v"), { nowMs: 1000_999 });
    expect(loaded.loader.error).toBe(undefined);
    expect(value(loaded, "0:k")).toBe("v");
    expect(loaded.log.slice(0, 4)).toEqual([
      "Loading RDB produced by version 7.2.5",
      "RDB age 10 seconds",
      "RDB memory usage when created 1.43 Mb",
      "RDB '%note': hi",
    ]);
  });

  test.each([
    { what: "functions", pieces: [0xf5, 6, "#!lua "], says: /contains functions/ },
    {
      what: "data of a module",
      pieces: [0xf7, 0x81, 0x8e, 0x10, 0x44, 0x2d, 0x0f, 0x3f, 0x2c, 0x00, 2, 2, 2, 5, 1, "a", 0],
      says: /no matching module '[\w-]{9}'/,
    },
  ])("is refused when it has $what, which the next save would lose", ({ pieces, says }) => {
    const { loader } = load(file("0012", ...pieces, 0, 1, "k", 1, "v"));
    expect(loader.error?.message).toMatch(says);
    expect(loader.error?.isDamage).toBe(false);
  });

  test("skips keys without elements, naming the first ten", () => {
    const keys = Array.from({ length: 12 }, (_, i) => [4, 1, String.fromCharCode(97 + i), 0]);
    const loaded = load(file("0010", ...keys.flat(), 16, 1, "z", 7, 7, 0, 0, 0, 0, 0, 255));
    expect(loaded.contents.size).toBe(0);
    expect(loaded.loader.emptyCount).toBe(13);
    expect(loaded.log[0]).toBe("rdbLoadObject skipping empty key: a");
    expect(loaded.log.filter((line) => line.includes("empty key")).length).toBe(10);
  });

  test.each([
    {
      why: "another signature",
      bytes: rawFile("RODIS0010"),
      offset: 9,
      message: "Wrong signature trying to load DB from file",
    },
    {
      why: "version 0",
      bytes: rawFile("REDIS0000"),
      offset: 9,
      message: "Can't handle RDB format version 0",
    },
    {
      why: "a version of the future",
      bytes: rawFile("REDIS0013"),
      offset: 9,
      message: "Can't handle RDB format version 13",
    },
    {
      why: "nothing in it",
      bytes: rawFile(),
      offset: 0,
      message:
        "Internal error in RDB reading offset 0, function at rdb/reader -> Unexpected EOF reading RDB file",
    },
    {
      why: "a wrong checksum",
      bytes: rawFile("REDIS0010", 0xff, 1, 2, 3, 4, 5, 6, 7, 8),
      offset: 18,
      message: expect.stringMatching(
        /^Wrong RDB checksum expected: \(807060504030201\) but got \([0-9a-f]+\)\. Aborting now\.$/,
      ),
    },
    {
      why: "an unknown type",
      bytes: file("0010", 119),
      offset: 10,
      message:
        "Internal error in RDB reading offset 10, function at rdb/reader -> Invalid object type: 119",
    },
    {
      why: "a key that comes twice",
      bytes: file("0010", 0, 1, "k", 1, "v", 0, 1, "k", 1, "w"),
      offset: 19,
      message: expect.stringContaining("-> RDB has duplicated key in DB 0"),
    },
    {
      why: "a hash that comes twice",
      bytes: file("0010", 0, 1, "k", 1, "v", 4, 1, "k", 1, 1, "f", 1, "w"),
      offset: 22,
      message: expect.stringContaining("-> RDB has duplicated key in DB 0"),
    },
    {
      why: "a field that comes twice",
      bytes: file("0010", 4, 1, "h", 2, 1, "f", 1, "v", 1, "f", 1, "w"),
      offset: 21,
      message: expect.stringContaining("-> Duplicate hash fields detected"),
    },
    {
      why: "a malformed listpack",
      bytes: file("0010", 16, 1, "h", 7, 8, 0, 0, 0, 0, 0, 255),
      offset: 20,
      message: expect.stringContaining("-> Hash listpack integrity check failed."),
    },
    {
      why: "a database too many",
      bytes: file("0010", 0xfe, 16),
      offset: 11,
      message:
        "FATAL: Data file was created with a Redis server configured to handle more than 16 databases. Exiting",
    },
    {
      why: "functions of a pre-release",
      bytes: file("0010", 246),
      offset: 10,
      message: expect.stringContaining("-> Prerelease function format not supported."),
    },
    {
      why: "an unknown string encoding",
      bytes: file("0010", 0, 1, "k", 0xc4),
      offset: 13,
      message: expect.stringContaining("-> Unknown RDB string encoding type 4"),
    },
    {
      why: "an unknown length encoding",
      bytes: file("0010", 0, 1, "k", 0x82),
      offset: 13,
      message: expect.stringContaining("-> Unknown length encoding 130 in a length"),
    },
    {
      why: "LZF that lies about its length",
      bytes: file("0010", 0, 1, "k", 0xc3, 1, 0x80, 0, 1, 0, 0, 0),
      offset: 19,
      message: expect.stringContaining("-> Invalid LZF compressed string"),
    },
    {
      why: "a string that would be too long",
      bytes: file("0010", 0, 1, "k", 0x80, 0x7f, 255, 255, 255),
      offset: 17,
      message: expect.stringContaining("-> A string of 2147483647 bytes is too long"),
    },
  ])("with $why is refused", ({ bytes, offset, message }) => {
    const { loader } = load(bytes);
    expect(loader.error).toMatchObject({ offset, message });
    expect(loader.finish()).toBe(loader.error);
  });

  test("cannot make the reader take memory that it does not have", () => {
    const before = process.memoryUsage().arrayBuffers;
    const { loader, keyspace } = load(
      file("0010", 0, 1, "k", 0x80, 0x3f, 0, 0, 0, "a gigabyte is promised, a few bytes come"),
    );
    expect(loader.error?.message).toContain("Unexpected EOF");
    expect(keyspace.arena.segmentBytes).toBeLessThanOrEqual(2 ** 20);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(8 * 2 ** 20);
    expect(
      load(file("0010", 4, 1, "h", 0x81, 127, 0, 0, 0, 0, 0, 0, 0)).loader.error,
    ).toBeDefined();
  });

  test("that breaks off leaves nothing behind but the keys before", () => {
    const keyspace = new Keyspace({ random32: () => 1, arena: { segmentBytes: 2 ** 20 } });
    const blocks = keyspace.arena.blockCount;
    const loader = new RdbLoader(keyspace, { limits: LIMITS });
    const bytes = rawFile("REDIS0010", 4, 1, "h", 9, 1, "f", 1, "v", 1, "g");
    loader.feed(bytes, 0, bytes.length);
    expect(keyspace.arena.blockCount).toBeGreaterThan(blocks);
    expect(loader.finish()).toBeDefined();
    expect(keyspace.arena.blockCount).toBe(blocks);
  });

  test("too large for the arena is an error like any other", () => {
    const keyspace = new Keyspace({
      random32: () => 1,
      arena: { segmentBytes: 2 ** 20, limitBytes: 2 ** 20 },
    });
    const loader = new RdbLoader(keyspace, { limits: LIMITS });
    const megabyte = "x".repeat(2 ** 20);
    const bytes = file("0010", 4, 1, "h", 2, 1, "f", 1, "v", 1, "g", 0x80, 0, 16, 0, 0, megabyte);
    loader.feed(bytes, 0, bytes.length);
    expect(loader.finish()?.message).toContain("OOM loading DB");
    expect(loader.error?.isDamage).toBe(false);
    keyspace.check();
    expect(keyspace.keyCount).toBe(0);
  });

  test("may have strings of many megabytes, in small chunks", () => {
    const size = 3_000_000;
    const bytes = file(
      "0010",
      0,
      1,
      "k",
      0x80,
      0,
      0x2d,
      0xc6,
      0xc0,
      "x".repeat(size),
      0,
      1,
      "l",
      1,
      "v",
    );
    const keyspace = new Keyspace({ random32: () => 1 });
    const loader = new RdbLoader(keyspace, { limits: LIMITS });
    for (let at = 0; at < bytes.length; at += 60_000) {
      loader.feed(bytes, at, Math.min(at + 60_000, bytes.length));
    }
    expect(loader.finish()).toBe(undefined);
    expect(contentsOf(keyspace).get("0:k")?.value.length).toBe(size);
    expect(contentsOf(keyspace).get("0:l")?.value).toBe("v");
  });
});
