/** ReplyParser against a plain reader of whole replies, and against redis-parser, however bytes are cut. */

import fc from "fast-check";
import RedisParser from "redis-parser";
import { describe, expect, test } from "vitest";
import { LargeUtf8 } from "./large-bulk.ts";
import { AttributedReply, PushReply, type Reply, ReplyError, VerbatimReply } from "./reply.ts";
import type { ReplyParserOptions } from "./reply-options.ts";
import { ReplyParser } from "./reply-parser.ts";
import { latin1Bytes } from "./text.ts";

type Strings = NonNullable<ReplyParserOptions["strings"]>;

/** Bytes, one for each character, that are not UTF-8 more often than not. */
const bytesText = fc.string({
  unit: fc
    .oneof(
      { weight: 4, arbitrary: fc.integer({ min: 0, max: 127 }) },
      fc.constantFrom(0x80, 0xa0, 0xbf, 0xc3, 0xe2, 0xed, 0xf0, 0xf4, 0xff),
    )
    .map((c) => String.fromCharCode(c)),
  maxLength: 40,
});
/** Words about as long as what is read without a decoder, and Unicode. */
const word = fc.oneof(
  fc.string({ minLength: 10, maxLength: 20 }),
  fc.string({ unit: "binary", maxLength: 12 }),
);
const utf8Text = word.map((text) => Buffer.from(text).toString("latin1"));
const content = fc.oneof(bytesText, utf8Text);
const line = content.map((text) => text.replaceAll(/[\r\n]/g, " "));

const bulk = (type: string) => content.map((text) => `${type}${text.length}\r\n${text}\r\n`);
const lines = (type: string, value: fc.Arbitrary<unknown>) =>
  value.map((each) => `${type}${each}\r\n`);
const int64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
/** As many integers of one digit as of sixteen, around each width that is read differently. */
const integer = fc.oneof(
  fc.integer({ min: -12, max: 12 }),
  fc
    .tuple(fc.nat(18), fc.boolean(), fc.integer({ min: -1, max: 1 }))
    .map(([width, negative, off]) => {
      const n = 10n ** BigInt(width) + BigInt(off);
      return negative ? -n : n;
    }),
  int64,
);

function parts(type: string, width: number, reply: fc.Arbitrary<string>, maxLength: number) {
  return fc
    .array(fc.tuple(...Array.from({ length: width }, () => reply)), { maxLength })
    .map((items) => `${type}${items.length}\r\n${items.flat().join("")}`);
}

/** What a server of RESP2 may send, in bytes. */
const { reply: resp2 } = fc.letrec<{ reply: string }>((tie) => ({
  reply: fc.oneof(
    { maxDepth: 4 },
    bulk("$"),
    lines("+", line),
    lines(
      "-",
      line.map((text) => `ERR ${text}`),
    ),
    lines(":", integer),
    fc.constantFrom("$-1\r\n", "*-1\r\n", "+OK\r\n", "$0\r\n\r\n", "*0\r\n"),
    parts("*", 1, tie("reply"), 20),
    bulk("$"),
  ),
}));

/** What a server of RESP3 may send. */
const { reply: resp3 } = fc.letrec<{ reply: string }>((tie) => ({
  reply: fc.oneof(
    { maxDepth: 4 },
    resp2,
    bulk("!"),
    content.map((text) => `=${text.length + 4}\r\ntxt:${text}\r\n`),
    fc.constantFrom("_\r\n", "#t\r\n", "#f\r\n", ",inf\r\n", ",-inf\r\n", ",nan\r\n"),
    lines(",", fc.double({ noNaN: true, noDefaultInfinity: true })),
    lines("(", fc.bigInt()),
    lines(":+", fc.nat()),
    parts("*", 1, tie("reply"), 20),
    parts("%", 2, tie("reply"), 10),
    parts("~", 1, tie("reply"), 20),
    parts(">", 1, tie("reply"), 4),
    fc
      .tuple(parts("|", 2, tie("reply"), 2), tie("reply"))
      .map(([attributes, value]) => attributes + value),
  ),
}));

const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** The same replies, read as plainly as they can be: all at once, by recursion. */
function plainly(wire: string, strings: Strings): Reply[] {
  let at = 0;
  const text = (from: string, as: Strings = strings): Reply => {
    if (as === "latin1") return from;
    return as === "bytes" ? latin1Bytes(from) : decoder.decode(latin1Bytes(from));
  };
  const message = (from: string) => text(from, strings === "utf8" ? "utf8" : "latin1") as string;
  const take = (count: number) => {
    at += count + 2;
    return wire.slice(at - count - 2, at - 2);
  };
  const many = (count: number) => Array.from({ length: count }, () => read());
  const pairs = (flat: Reply[]) =>
    new Map(Array.from({ length: flat.length / 2 }, (_, i) => [flat[i * 2], flat[i * 2 + 1]]));

  function read(): Reply {
    const first = take(wire.indexOf("\r\n", at) - at);
    const rest = first.slice(1);
    const count = Number(rest);
    switch (first[0]) {
      case "+":
        return text(rest);
      case "-":
        return new ReplyError(message(rest));
      case ":":
        return Number.isSafeInteger(count) ? count : BigInt(rest);
      case "$":
        return count < 0 ? null : text(take(count));
      case "!":
        return new ReplyError(message(take(count)));
      case "=": {
        const whole = take(count);
        return new VerbatimReply(whole.slice(0, 3), text(whole.slice(4), "utf8") as string);
      }
      case "_":
        return null;
      case "#":
        return rest === "t";
      case ",":
        return rest.endsWith("inf") ? Number(rest.replace("inf", "Infinity")) : count;
      case "(":
        return BigInt(rest);
      case "*":
        return count < 0 ? null : many(count);
      case "%":
        return pairs(many(count * 2));
      case "~":
        return new Set(many(count));
      case ">":
        return new PushReply(many(count));
      default: {
        const attributes = pairs(many(count * 2));
        return new AttributedReply(attributes, read());
      }
    }
  }

  const replies: Reply[] = [];
  while (at < wire.length) replies.push(read());
  return replies;
}

/** All replies of chunks that end after each number of bytes in `steps`, over and over. */
function inSteps(
  bytes: Uint8Array,
  steps: readonly number[],
  options: ReplyParserOptions,
): Reply[] {
  const parser = new ReplyParser(options);
  const replies: Reply[] = [];
  for (let at = 0, i = 0; at < bytes.length; at += steps[i++ % steps.length]) {
    const chunk = bytes.slice(at, at + steps[i % steps.length]);
    parser.feed(chunk);
    // A chunk that was copied is the caller's again.
    if (options.keepChunks !== true) chunk.fill(0xee);
    for (let reply = parser.next(); reply !== undefined; reply = parser.next()) {
      replies.push(reply);
    }
  }
  expect(parser.pendingBytes).toBe(0);
  return replies;
}

const steps = fc.oneof(
  fc.constant([1]),
  fc.constant([1 << 30]),
  fc.array(fc.integer({ min: 1, max: 30 }), { minLength: 1, maxLength: 8 }),
);
const strings = fc.constantFrom<Strings>("utf8", "latin1", "bytes");

describe("any replies", () => {
  test("are what a plain reader makes of them, however they are cut", () => {
    fc.assert(
      fc.property(
        fc.array(resp3, { minLength: 1, maxLength: 6 }),
        steps,
        strings,
        fc.boolean(),
        (replies, each, as, keepChunks) => {
          const wire = replies.join("");
          const options = { strings: as, keepChunks };
          expect(inSteps(latin1Bytes(wire), each, options)).toEqual(plainly(wire, as));
        },
      ),
      { numRuns: 600 },
    );
  });

  test("may be cut in two at every byte", () => {
    fc.assert(
      fc.property(resp3, resp2, strings, fc.boolean(), (one, other, as, keepChunks) => {
        const wire = one + other;
        const bytes = latin1Bytes(wire);
        const expected = plainly(wire, as);
        for (let cut = 1; cut < bytes.length; cut++) {
          const found = inSteps(bytes, [cut, bytes.length], { strings: as, keepChunks });
          expect(found).toEqual(expected);
        }
      }),
      { numRuns: 30 },
    );
  });

  test("of RESP2 are what redis-parser reads, as text and as bytes", () => {
    const safe = fc.array(
      resp2.filter((wire) => !/:-?\d{16}/.test(wire)),
      { minLength: 1, maxLength: 6 },
    );
    fc.assert(
      fc.property(safe, fc.boolean(), steps, (replies, returnBuffers, each) => {
        const bytes = latin1Bytes(replies.join(""));
        const expected: unknown[] = [];
        const hear = (reply: unknown) => expected.push(reply);
        const parser = new RedisParser({ returnReply: hear, returnError: hear, returnBuffers });
        parser.execute(Buffer.from(bytes));
        const found = inSteps(bytes, each, { strings: returnBuffers ? "bytes" : "utf8" });
        // Messages of errors are UTF-8 to redis-parser even where strings are bytes.
        const plain = (reply: unknown): unknown => {
          if (reply instanceof Error) return returnBuffers ? "error" : reply.message;
          if (Array.isArray(reply)) return reply.map(plain);
          return reply instanceof Uint8Array ? new Uint8Array(reply) : reply;
        };
        expect(found.map(plain)).toEqual(expected.map(plain));
      }),
      { numRuns: 500 },
    );
  });
});

describe("a bulk string too large for the buffer", () => {
  const piece = fc.oneof(
    fc.constantFrom("\xe2\x82\xac", "\xf0\x9f\x98\x80", "\xc3\xa9", "plain"),
    bytesText,
  );

  test("reads the same by pieces as in one, characters cut and bytes that are no text included", () => {
    fc.assert(
      fc.property(
        fc.array(piece, { minLength: 1, maxLength: 12 }),
        fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 6 }),
        (pieces, sizes) => {
          const bytes = latin1Bytes(pieces.join(""));
          const large = new LargeUtf8();
          for (let at = 0, i = 0; at < bytes.length; i++) {
            const end = Math.min(bytes.length, at + sizes[i % sizes.length]);
            large.add(bytes, at, end);
            at = end;
          }
          expect(large.length).toBe(bytes.length);
          expect(large.finish()).toBe(decoder.decode(bytes));
        },
      ),
      { numRuns: 5000 },
    );
  });

  test("comes out whole, alone and between others, for every size of chunk", () => {
    const body = "0123456789abcd\xc3\xa9\xf0\x9f\x98\x80\xff".repeat(5000);
    const large = `$${body.length}\r\n${body}\r\n`;
    const wire = `:1\r\n${large}*3\r\n+a\r\n${large}$2\r\nbc\r\n+OK\r\n`;
    const bytes = latin1Bytes(wire);
    for (const as of ["utf8", "latin1", "bytes"] as const) {
      const expected = plainly(wire, as);
      for (const step of [100, 4095, 4096, 4099, 16_384, 65_536, body.length + 9, 1 << 30]) {
        for (const keepChunks of [false, true]) {
          const found = inSteps(bytes, [step], { strings: as, keepChunks });
          expect(found, `${as} in pieces of ${step}`).toEqual(expected);
        }
      }
    }
  });
});
