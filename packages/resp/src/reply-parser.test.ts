import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  AttributedReply,
  PushReply,
  type Reply,
  ReplyError,
  ReplySyntaxError,
  VerbatimReply,
} from "./reply.ts";
import type { ReplyParserOptions } from "./reply-options.ts";
import { ReplyParser } from "./reply-parser.ts";
import { ReplyWriter } from "./reply-writer.ts";
import { encodeRequest, RequestWriter } from "./request-writer.ts";
import { latin1, latin1Bytes } from "./text.ts";

/** All whole replies in `bytes`, which come in pieces of `step` bytes. */
function parse(bytes: string | Uint8Array, options?: ReplyParserOptions, step = 1e9): Reply[] {
  const all = typeof bytes === "string" ? latin1Bytes(bytes) : bytes;
  const parser = new ReplyParser(options);
  const replies: Reply[] = [];
  for (let at = 0; at < all.length; at += step) {
    parser.feed(all.subarray(at, at + step));
    for (let reply = parser.next(); reply !== undefined; reply = parser.next()) {
      replies.push(reply);
    }
  }
  return replies;
}

describe("replies of a server", () => {
  test.each<[string, Reply]>([
    ["+OK\r\n", "OK"],
    ["+\r\n", ""],
    [":-12\r\n", -12],
    [":9223372036854775807\r\n", 9223372036854775807n],
    ["$0\r\n\r\n", ""],
    ["$5\r\na\r\nbc\r\n", "a\r\nbc"],
    ["$-1\r\n", null],
    ["*-1\r\n", null],
    ["_\r\n", null],
    ["*0\r\n", []],
    ["*2\r\n*1\r\n:1\r\n*0\r\n", [[1], []]],
    ["#t\r\n", true],
    ["#f\r\n", false],
    [",1.5e+20\r\n", 1.5e20],
    [",inf\r\n", Number.POSITIVE_INFINITY],
    [",-inf\r\n", Number.NEGATIVE_INFINITY],
    [",nan\r\n", Number.NaN],
    ["(123456789012345678901234567890\r\n", 123456789012345678901234567890n],
    ["=7\r\ntxt:a b\r\n", new VerbatimReply("txt", "a b")],
    ["-ERR no\r\n", new ReplyError("ERR no")],
    ["!7\r\nERR\r\nno\r\n", new ReplyError("ERR\r\nno")],
    ["%1\r\n+a\r\n*1\r\n:1\r\n", new Map<Reply, Reply>([["a", [1]]])],
    ["%0\r\n", new Map()],
    ["~2\r\n:1\r\n:1\r\n", new Set([1])],
    [">2\r\n+message\r\n+x\r\n", new PushReply(["message", "x"])],
    ["|1\r\n+ttl\r\n:5\r\n$1\r\nv\r\n", new AttributedReply(new Map([["ttl", 5]]), "v")],
    ["*1\r\n|0\r\n*0\r\n", [new AttributedReply(new Map(), [])]],
  ])("%j", (bytes, value) => {
    for (const step of [1, 2, 3, 1000]) {
      expect(parse(bytes + bytes, {}, step)).toEqual([value, value]);
      expect(parse(bytes.slice(0, -1), {}, step)).toEqual([]);
    }
  });

  test("strings are bytes, latin1 or UTF-8, as asked for", () => {
    const bytes = "$2\r\n\xc3\xa9\r\n";
    expect(parse(bytes)).toEqual(["é"]);
    expect(parse(bytes, { strings: "latin1" })).toEqual(["\xc3\xa9"]);
    expect(parse(bytes, { strings: "bytes" })).toEqual([new Uint8Array([0xc3, 0xa9])]);
  });

  test("bytes of another realm are bytes", () => {
    const parser = new ReplyParser();
    parser.feed(runInNewContext("Uint8Array.of(43, 79, 75, 13, 10)") as Uint8Array);
    expect(parser.next()).toBe("OK");
  });

  test.each([
    ["a text", "+OK\r\n", "a string"],
    ["an array", [43], "Array"],
    ["other bytes", new DataView(new ArrayBuffer(1)), "DataView"],
    ["nothing", undefined, "undefined"],
  ])("%s is refused at once: it would never be a reply", (_what, chunk, name) => {
    const parser = new ReplyParser();
    expect(() => parser.feed(chunk as never)).toThrow(
      new TypeError(`a chunk must be a Uint8Array, not ${name}`),
    );
    parser.feed(latin1Bytes("+OK\r\n"));
    expect(parser.next()).toBe("OK");
  });

  test("strings are nothing else", () => {
    expect(() => new ReplyParser({ strings: "utf-8" as never })).toThrow(
      new TypeError('strings must be "utf8", "latin1" or "bytes", not utf-8'),
    );
  });

  test("an error has a code", () => {
    expect((parse("-WRONGTYPE Operation\r\n")[0] as ReplyError).code).toBe("WRONGTYPE");
    expect((parse("-OOM\r\n")[0] as ReplyError).code).toBe("OOM");
  });

  test.each([
    ...[
      "hello\r\n",
      "\r\n",
      ":1a\r\n",
      ":\r\n",
      "$x\r\n",
      "$-2\r\n",
      "%-1\r\n",
      "!-1\r\n",
      "#x\r\n",
    ],
    ...[
      "$1\r\nab\r\n",
      "+a\rb\r\n",
      ",1x\r\n",
      ",\r\n",
      "(1.5\r\n",
      "=2\r\nab\r\n",
      "_x\r\n",
      "*?\r\n",
    ],
    ...[`+${"x".repeat(70_000)}`, "$600000000\r\n", "*99999999999\r\n", "*1\r\n".repeat(200)],
  ])("is refused: %#", (bytes) => {
    expect(() => parse(bytes)).toThrow(ReplySyntaxError);
    expect(() => parse(bytes, {}, 1)).toThrow(ReplySyntaxError);
  });

  test("the buffer may be moved and replaced while a line or a bulk is unfinished", () => {
    const values = Array.from({ length: 3000 }, (_, i) => "v".repeat((i * 37) % 300) + i);
    const bytes = values
      .map((value, i) => (i % 2 === 0 ? `+${value}\r\n` : `$${value.length}\r\n${value}\r\n`))
      .join("");
    for (const step of [1, 333, 4096, 50_000]) expect(parse(bytes, {}, step)).toEqual(values);
  });

  test("depth is limited by us, not by the stack", () => {
    const deep = `${"*1\r\n".repeat(100_000)}:1\r\n`;
    expect(() => parse(deep)).toThrow("nested too deep");
    expect(parse(deep, { depthMax: 200_000 })).toHaveLength(1);
  });

  test("mutated bytes give replies or a ReplySyntaxError, and nothing else", () => {
    const base =
      "*3\r\n$3\r\nabc\r\n%1\r\n+k\r\n,1.5\r\n~1\r\n#t\r\n|1\r\n+a\r\n:1\r\n=5\r\ntxt:x\r\n(99\r\n-E\r\n";
    const mutation = fc.tuple(fc.nat(base.length - 1), fc.nat(255));
    fc.assert(
      fc.property(fc.array(mutation, { minLength: 1, maxLength: 5 }), (changes) => {
        const bytes = latin1Bytes(base);
        for (const [at, value] of changes) bytes[at] = value;
        const outcomes = [1000, 1, 7].map((step) => {
          try {
            return { replies: parse(bytes, {}, step) };
          } catch (error) {
            if (!(error instanceof ReplySyntaxError)) throw error;
            return { refused: error.message };
          }
        });
        expect(outcomes[1]).toEqual(outcomes[0]);
        expect(outcomes[2]).toEqual(outcomes[0]);
      }),
      { numRuns: 2000 },
    );
  });
});

describe("writer to parser", () => {
  const text = fc.string({
    unit: fc.integer({ min: 0, max: 255 }).map((c) => String.fromCharCode(c)),
  });
  const { reply: anyReply } = fc.letrec<{ reply: Reply }>((tie) => ({
    reply: fc.oneof(
      { maxDepth: 4 },
      text,
      fc.maxSafeInteger(),
      fc.bigInt({ min: 2n ** 53n, max: 2n ** 63n - 1n }),
      fc.double().map((x) => x + 0),
      fc.boolean(),
      fc.constant(null),
      fc.stringMatching(/^[A-Z]+ [a-z ]*[a-z]$/).map((message) => new ReplyError(message)),
      fc.array(tie("reply"), { maxLength: 12 }),
      fc.array(fc.tuple(text, tie("reply")), { maxLength: 4 }).map((pairs) => new Map(pairs)),
      fc.array(text, { maxLength: 12 }).map((members) => new Set<Reply>(members)),
      fc.array(tie("reply"), { minLength: 1, maxLength: 3 }).map((parts) => new PushReply(parts)),
    ),
  }));

  function write(out: ReplyWriter, value: Reply): void {
    if (value === null) out.null();
    else if (typeof value === "string") out.bulkLatin1(value);
    else if (typeof value === "boolean") out.boolean(value);
    else if (typeof value === "bigint") out.integerBig(value);
    else if (typeof value === "number") {
      if (Number.isSafeInteger(value) && !Object.is(value, -0)) out.integer(value);
      else out.double(value);
    } else if (value instanceof ReplyError) out.error(value.message);
    else if (Array.isArray(value)) {
      out.array(value.length);
      for (const part of value) write(out, part);
    } else if (value instanceof Map) {
      const handle = out.deferLength();
      for (const [key, part] of value) {
        write(out, key);
        write(out, part);
      }
      out.closeMap(handle, value.size);
    } else if (value instanceof Set) {
      out.set(value.size);
      for (const part of value) write(out, part);
    } else if (value instanceof PushReply) {
      out.push(value.push.length);
      for (const part of value.push) write(out, part);
    }
  }

  test("any reply comes back, however it is cut", () => {
    fc.assert(
      fc.property(
        fc.array(anyReply, { maxLength: 4 }),
        fc.integer({ min: 1, max: 50 }),
        (replies, step) => {
          const out = new ReplyWriter(64);
          out.resp3 = true;
          for (const reply of replies) write(out, reply);
          const bytes = out.takeBuffer();
          expect(parse(bytes, { strings: "latin1", depthMax: 64 }, step)).toEqual(replies);
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe("requests of a client", () => {
  test("are arrays of bulk strings", () => {
    const bytes = encodeRequest(["SET", "é", new Uint8Array([0, 255]), 12, -1.5, 2n ** 63n - 1n]);
    expect(latin1(bytes)).toBe(
      "*6\r\n$3\r\nSET\r\n$2\r\n\xc3\xa9\r\n$2\r\n\0\xff\r\n$2\r\n12\r\n$4\r\n-1.5\r\n$19\r\n9223372036854775807\r\n",
    );
  });

  test.each([
    [undefined, "undefined"],
    [null, "null"],
    [true, "a boolean"],
    [{ length: 1 }, "Object"],
    [new Date(0), "Date"],
    [new Uint16Array(1), "Uint16Array"],
    [() => 1, "a function"],
  ])("with an argument that is none, %j, leave nothing", (argument, name) => {
    const writer = new RequestWriter();
    writer.write(["PING"]);
    expect(() => writer.write(["SET", "k", argument as never])).toThrow(
      new TypeError(
        `argument 2 of a request must be a text, bytes, a number or a bigint, not ${name}`,
      ),
    );
    expect(latin1(writer.take())).toBe("*1\r\n$4\r\nPING\r\n");
  });

  test("collect until they are taken", () => {
    const writer = new RequestWriter();
    writer.write(["PING"]);
    writer.write(["PING"]);
    const taken = writer.take();
    expect(writer.length).toBe(0);
    writer.write(["QUIT"]);
    expect(latin1(taken)).toBe("*1\r\n$4\r\nPING\r\n".repeat(2));
    expect(latin1(writer.take())).toBe("*1\r\n$4\r\nQUIT\r\n");
  });
});
