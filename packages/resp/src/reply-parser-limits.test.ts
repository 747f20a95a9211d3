/** What ReplyParser promises about limits, memory and time, and whose bytes are whose. */

import { afterEach, describe, expect, test, vi } from "vitest";
import { LargeLatin1 } from "./large-bulk.ts";
import { ReplyError, ReplySyntaxError } from "./reply.ts";
import type { ReplyParserOptions } from "./reply-options.ts";
import { runReplyParserBenchmark } from "./reply-parser.bench.ts";
import { ReplyParser } from "./reply-parser.ts";
import { latin1, latin1Bytes } from "./text.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

/** Feeds `wire` in pieces of `step` bytes; gives the last reply, or the message of the refusal. */
function outcome(wire: string, options: ReplyParserOptions, step: number): unknown {
  const parser = new ReplyParser(options);
  let last: unknown;
  try {
    for (let at = 0; at < wire.length; at += step) {
      parser.feed(latin1Bytes(wire.slice(at, at + step)));
      for (let reply = parser.next(); reply !== undefined; reply = parser.next()) last = reply;
    }
  } catch (error) {
    if (!(error instanceof ReplySyntaxError)) throw error;
    return error.message;
  }
  return last;
}

describe("limits", () => {
  const value = "v".repeat(40_000);
  test.each<[string, ReplyParserOptions, string, string, string]>([
    [
      "a line",
      { lineLengthMax: 40 },
      `+${"x".repeat(39)}\r\n`,
      `+${"x".repeat(40)}\r\n`,
      "line over the limit",
    ],
    [
      "a bulk",
      { bulkLengthMax: 5 },
      "$5\r\nabcde\r\n",
      "$6\r\nabcdef\r\n",
      "bulk length over the limit",
    ],
    [
      "a large bulk",
      { bulkLengthMax: 40_000 },
      `$40000\r\n${value}\r\n`,
      `$40001\r\n${value}`,
      "bulk length over the limit",
    ],
    [
      "an error as bulk",
      { bulkLengthMax: 3 },
      "!3\r\nERR\r\n",
      "!4\r\nERRO\r\n",
      "bulk length over the limit",
    ],
    [
      "nested arrays",
      { depthMax: 2 },
      "*1\r\n*1\r\n:1\r\n",
      "*1\r\n*1\r\n*1\r\n:1\r\n",
      "nested too deep",
    ],
    [
      "nested maps",
      { depthMax: 1 },
      "%1\r\n:1\r\n:2\r\n",
      "%1\r\n:1\r\n~1\r\n:1\r\n",
      "nested too deep",
    ],
    ["an empty array inside", { depthMax: 1 }, "*1\r\n:1\r\n", "*1\r\n*0\r\n", "nested too deep"],
    ["a count", {}, "*0\r\n", "*4294967296\r\n", "invalid length"],
  ])("of %s hold to the byte, however it is cut", (_, options, within, beyond, refusal) => {
    for (const step of [1, 7, 1 << 30]) {
      for (const keepChunks of [false, true]) {
        expect(outcome(within, { ...options, keepChunks }, step)).not.toBe(refusal);
        expect(outcome(within, { ...options, keepChunks }, step)).toBeDefined();
        expect(outcome(beyond, { ...options, keepChunks }, step)).toBe(refusal);
      }
    }
  });

  test("what was refused is refused from then on, whatever follows", () => {
    const parser = new ReplyParser();
    parser.feed(latin1Bytes(":1\r\n?\r\n"));
    expect(parser.next()).toBe(1);
    expect(() => parser.next()).toThrow("unknown type byte 63");
    expect(() => parser.next()).toThrow("unknown type byte 63");
    parser.feed(latin1Bytes("+OK\r\n"));
    expect(() => parser.next()).toThrow(ReplySyntaxError);
  });

  test("a bulk that is too long for a string is refused by next(), not by feed()", () => {
    vi.spyOn(LargeLatin1.prototype, "add").mockImplementation(() => {
      throw new RangeError("Invalid string length");
    });
    const parser = new ReplyParser({ strings: "latin1" });
    parser.feed(latin1Bytes("$100000\r\n"));
    expect(parser.next()).toBeUndefined();
    parser.feed(new Uint8Array(50_000));
    expect(() => parser.next()).toThrow("a bulk is longer than text can be");
    const whole = new ReplyParser({ strings: "latin1" });
    whole.feed(latin1Bytes(`$${20 << 20}\r\n`));
    whole.feed(new Uint8Array((20 << 20) + 2));
    expect(() => whole.next()).toThrow("a bulk is longer than text can be");
    expect(() => whole.next()).toThrow("a bulk is longer than text can be");
  });
});

describe("memory", () => {
  const held = () => {
    const { arrayBuffers, heapUsed } = process.memoryUsage();
    return arrayBuffers + heapUsed;
  };

  test("an announced count or length allocates nothing", () => {
    const before = held();
    const parsers = Array.from({ length: 400 }, (_, i) => {
      const parser = new ReplyParser({ strings: i % 2 === 0 ? "utf8" : "bytes" });
      // Open inside one another, and each has room for four billion values.
      parser.feed(latin1Bytes("*4294967295\r\n".repeat(100)));
      expect(parser.next()).toBeUndefined();
      parser.feed(latin1Bytes("$500000000\r\nabc"));
      expect(parser.next()).toBeUndefined();
      return parser;
    });
    expect(parsers.at(-1)!.pendingBytes).toBe(3);
    // 1.3 KB came for each; the rest is the first buffer, and an object or two for each array.
    expect((held() - before) / parsers.length).toBeLessThan(100_000);
  });

  test("a bulk that comes in small pieces holds about as much as has come", () => {
    for (const strings of ["utf8", "latin1", "bytes"] as const) {
      const parser = new ReplyParser({ strings });
      const length = 20_000_000;
      parser.feed(latin1Bytes(`$${length}\r\n`));
      const piece = new Uint8Array(100).fill(120);
      const before = held();
      for (let i = 0; i < 40_000; i++) {
        parser.feed(piece);
        expect(parser.next()).toBeUndefined();
      }
      expect(parser.pendingBytes).toBe(4_000_000);
      expect(held() - before, strings).toBeLessThan(30_000_000);
    }
  });

  test("replies that come a byte at a time take linear time", () => {
    const wire = latin1Bytes(`*100000\r\n${":123456\r\n".repeat(100_000)}`);
    for (const keepChunks of [false, true]) {
      const parser = new ReplyParser({ keepChunks });
      for (let at = 0; at < wire.length - 1; at++) {
        parser.feed(wire.subarray(at, at + 1));
        if (parser.next() !== undefined) throw new Error("too early");
      }
      parser.feed(wire.subarray(wire.length - 1));
      expect(parser.next()).toHaveLength(100_000);
    }
  });
});

describe("chunks and replies", () => {
  test("are independent of each other by default", () => {
    const parser = new ReplyParser({ strings: "bytes" });
    const chunk = latin1Bytes("$3\r\nabc\r\n");
    parser.feed(chunk);
    chunk.fill(0);
    const reply = parser.next() as Uint8Array;
    parser.feed(latin1Bytes("$3\r\nxyz\r\n"));
    parser.next();
    expect(reply).toEqual(latin1Bytes("abc"));
    expect(reply.buffer.byteLength).toBe(3);
  });

  test("share memory where the parser may keep chunks, and no byte of it changes", () => {
    const parser = new ReplyParser({ strings: "bytes", keepChunks: true });
    const replies: Uint8Array[] = [];
    const chunks = ["$3\r\nab", "c\r\n$3\r\nd", "ef\r\n$3\r\nghi\r\n", "$3\r\njkl\r\n"].map(
      latin1Bytes,
    );
    for (const chunk of chunks) {
      parser.feed(chunk);
      for (let reply = parser.next(); reply !== undefined; reply = parser.next()) {
        replies.push(reply as Uint8Array);
      }
    }
    expect(replies).toEqual(["abc", "def", "ghi", "jkl"].map(latin1Bytes));
    expect(replies[3].buffer).toBe(chunks[3].buffer);
  });

  test("stay as they were while what is cut is put together behind them", () => {
    const values = Array.from({ length: 400 }, (_, i) => `${i}`.repeat(90));
    const wire = latin1Bytes(values.map((value) => `$${value.length}\r\n${value}\r\n`).join(""));
    for (const step of [7, 700, 5000]) {
      const parser = new ReplyParser({ strings: "bytes", keepChunks: true });
      const replies: Uint8Array[] = [];
      for (let at = 0; at < wire.length; at += step) {
        parser.feed(wire.slice(at, at + step));
        for (let reply = parser.next(); reply !== undefined; reply = parser.next()) {
          replies.push(reply as Uint8Array);
        }
      }
      // As text: what differs between lists of so many bytes takes minutes to print.
      expect(replies.map((reply) => latin1(reply)).join()).toBe(values.join());
    }
  });

  test("are no Buffers where chunks are", () => {
    for (const keepChunks of [false, true]) {
      const parser = new ReplyParser({ strings: "bytes", keepChunks });
      for (const size of [3, 100, 100_000]) {
        parser.feed(Buffer.from(`$${size}\r\n${"x".repeat(size)}\r\n`));
        const reply = parser.next() as Uint8Array;
        expect([reply.constructor, reply.length]).toEqual([Uint8Array, size]);
      }
    }
  });
});

test("an error of the server records no callers, and leaves the limit of others alone", () => {
  const limit = Error.stackTraceLimit;
  const error = new ReplyError("ERR no");
  expect(Error.stackTraceLimit).toBe(limit);
  expect(error.stack).not.toContain("\n    at ");
  expect(new Error("other").stack).toContain("\n    at ");
});

test("the benchmark runs, in its small size", () => {
  const rows = runReplyParserBenchmark({ rounds: 1, roundUs: 1 });
  expect(rows.map((row) => row.name)).toContain("1 MiB in 16 KiB chunks");
  for (const { oursNs, keptNs, theirsNs } of rows) {
    expect(Math.min(oursNs, keptNs, theirsNs)).toBeGreaterThan(0);
  }
});
