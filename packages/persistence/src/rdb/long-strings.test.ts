/** Files that make much of little: strings of which nobody looks at more than the beginning. */
import { Keyspace } from "@kv/core";
import { describe, expect, test } from "vitest";
import { RdbCheck } from "../check-rdb.ts";
import { bytesOfText, LIMITS } from "../keyspace-contents.ts";
import { Distinct } from "./distinct.ts";
import { RdbLoader } from "./load.ts";

type Piece = string | number | Uint8Array;

function file(...pieces: Piece[]): Uint8Array {
  const parts = ["REDIS0011", ...pieces, 0xff, 0, 0, 0, 0, 0, 0, 0, 0].map((piece) =>
    typeof piece === "number"
      ? Uint8Array.of(piece)
      : typeof piece === "string"
        ? Buffer.from(piece, "latin1")
        : piece,
  );
  return Uint8Array.from(Buffer.concat(parts));
}

const big = (length: number) => [0x80, length >>> 24, length >>> 16, length >>> 8, length];

/** `length` times the letter, as a string of the file: as it is, or compressed as far as can be. */
function plain(letter: string, length: number): Piece[] {
  return [...big(length), letter.repeat(length)];
}
function compressed(letter: string, copies: number): Piece[] {
  const bytes = new Uint8Array(2 + 3 * copies).fill(0xff);
  bytes.set([0, letter.charCodeAt(0)]);
  for (let i = 0; i < copies; i++) bytes.set([0xe0, 255, 0], 2 + 3 * i);
  return [0xc3, ...big(bytes.length), ...big(1 + 264 * copies), bytes];
}

interface Outcome {
  log: string[];
  loader: RdbLoader;
  lines: string[];
  isGood: boolean;
  heldBytes: number;
}

/** Checks a file that comes in small chunks, and loads it unless that is of no matter. */
function read(bytes: Uint8Array, chunkBytes = 65536, loads = true): Outcome {
  const keyspace = new Keyspace({ random32: () => 1, arena: { segmentBytes: 2 ** 20 } });
  const log: string[] = [];
  const lines: string[] = [];
  const options = { limits: LIMITS, log: (_: string, line: string) => log.push(line) };
  const loader = new RdbLoader(keyspace, options);
  const check = new RdbCheck("f", 0, (line) => lines.push(line));
  const before = process.memoryUsage().arrayBuffers;
  let heldBytes = 0;
  for (let at = 0; at < bytes.length; at += chunkBytes) {
    const end = Math.min(at + chunkBytes, bytes.length);
    if (loads) loader.feed(bytes, at, end);
    check.feed(bytes, at, end);
    heldBytes = Math.max(heldBytes, process.memoryUsage().arrayBuffers - before);
  }
  loader.finish();
  return { log, loader, lines, isGood: check.finish(), heldBytes };
}

const longest = (lines: readonly string[]) => Math.max(...lines.map((line) => line.length));

describe("a file with long strings", () => {
  const values = [
    {
      what: "as they are",
      value: plain("v", 4_000_000),
      shown: `${"v".repeat(128)}... (3999872 more`,
    },
    { what: "compressed", value: compressed("v", 30_000), shown: "... (7920001 more bytes)" },
  ];
  test.each(values)("as facts, $what, is loaded without keeping them", ({ value, shown }) => {
    const { loader, log, lines, isGood, heldBytes } = read(
      file(0xfa, 5, "%note", ...value, 0xfa, 9, "redis-ver", ...value, 0xfa, ...value, 1, "x"),
    );
    expect(loader.error).toBe(undefined);
    expect(isGood).toBe(true);
    expect([...loader.facts]).toEqual([]);
    expect(log[0]).toContain(`RDB '%note': ${shown}`);
    expect(lines[1]).toContain(`AUX FIELD %note = '${shown}`);
    expect(longest([...log, ...lines])).toBeLessThan(250);
    expect(heldBytes).toBeLessThan(2 ** 20);
  });

  test.each(values)("as functions, $what, is checked without keeping them", ({ value }) => {
    const { loader, isGood, heldBytes } = read(file(0xf5, ...value));
    expect(loader.error).toMatchObject({ isDamage: false });
    expect(isGood).toBe(true);
    expect(heldBytes).toBeLessThan(2 ** 20);
  });

  test.each(values)("in the value of a module, $what, is checked without keeping them", (given) => {
    const { loader, isGood, heldBytes } = read(file(7, 1, "k", 9, 5, ...given.value, 0));
    expect(loader.error?.reason).toContain("Keys of type 7 (module-value) cannot be loaded");
    expect(isGood).toBe(true);
    expect(heldBytes).toBeLessThan(2 ** 20);
  });

  test.each(values)("in lists and sets, $what, is checked without keeping them", ({ value }) => {
    const bytes = file(1, 1, "l", 2, ...value, 1, "x", 2, 1, "s", 2, ...value, ...value);
    const { isGood, heldBytes } = read(bytes, 65536, false);
    expect(isGood).toBe(true); // So long members are not compared.
    expect(heldBytes).toBeLessThan(4 * 2 ** 20);
  });

  test("names keys in no more than the bound, with escapes", () => {
    const name = `\n\x1b[2J\\${"k".repeat(100_000)}`;
    const key = [...big(name.length), name];
    const { log, lines } = read(file(4, ...key, 0, 4, ...key, 2, 1, "f", 1, "v", 1, "f", 1, "w"));
    const shown = `\\n\\x1b[2J\\\\${"k".repeat(122)}... (99878 more bytes)`;
    expect(log).toContain(`rdbLoadObject skipping empty key: ${shown}`);
    expect(lines).toContain(`[additional info] Reading key '${shown}'`);
  });

  test("a lie about compressed bytes is found before there is room for what they promise", () => {
    const lie = compressed("v", 30_000);
    lie[10] = (lie[10] as number) ^ 1; // The lowest byte of the length.
    const { loader, heldBytes } = read(file(0, 1, "k", ...lie), 2 ** 20);
    expect(loader.error?.reason).toBe("Invalid LZF compressed string");
    expect(heldBytes).toBeLessThan(2 ** 20);
  });

  test("has no more lines in the log than a few, however many facts", () => {
    const facts = Array.from({ length: 5000 }, (_, i) => [0xfa, 4, `%${100 + (i % 900)}`, 1, "x"]);
    const { loader, log } = read(file(...facts.flat()));
    expect(log.length).toBeLessThan(40);
    expect(loader.facts.size).toBe(64);
  });
});

describe("Distinct", () => {
  const add = (seen: Distinct, text: string) => {
    const bytes = bytesOfText(text);
    return seen.add(bytes, new DataView(bytes.buffer), 0, bytes.length);
  };

  test("finds what comes twice, in one collection", () => {
    const seen = new Distinct();
    for (let i = 0; i < 5000; i++) expect(add(seen, `member${i}`)).toBe(true);
    expect(add(seen, "member17")).toBe(false);
    expect(add(seen, "")).toBe(true);
    expect(add(seen, "")).toBe(false);
    seen.clear();
    expect(add(seen, "member17")).toBe(true);
  });

  test("keeps no more than it may: what comes later is not compared", () => {
    const seen = new Distinct(2 ** 20);
    for (let i = 0; i < 100_000; i++) add(seen, `member${i}`);
    expect(seen.arena.pageBytes).toBeLessThan(1.2 * 2 ** 20);
    expect(seen.remembers(10)).toBe(false);
    expect(add(seen, "member17")).toBe(true);
    seen.clear();
    expect(seen.remembers(10)).toBe(true);
    expect(seen.remembers(100_000)).toBe(false);
  });
});
