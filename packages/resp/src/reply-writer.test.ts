import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ReplyWriter } from "./reply-writer.ts";
import { latin1, latin1Bytes, utf8Bytes } from "./text.ts";

/** The bytes that `write` appends in RESP2 and in RESP3, to a buffer too small for them. */
function both(write: (reply: ReplyWriter) => void): [string, string] {
  const texts = [false, true].map((resp3) => {
    const reply = new ReplyWriter(1);
    reply.resp3 = resp3;
    reply.simple("before");
    const mark = reply.mark();
    write(reply);
    expect(latin1(reply.bytes, 0, mark)).toBe("+before\r\n");
    return latin1(reply.bytes, mark, reply.length);
  });
  return [texts[0], texts[1]];
}

const same = (text: string): [string, string] => [text, text];

describe("a reply in RESP2 and in RESP3", () => {
  test.each<[string, (reply: ReplyWriter) => void, [string, string]]>([
    ["ok", (r) => r.ok(), same("+OK\r\n")],
    ["pong", (r) => r.pong(), same("+PONG\r\n")],
    ["queued", (r) => r.queued(), same("+QUEUED\r\n")],
    ["simple", (r) => r.simple("a b"), same("+a b\r\n")],
    ["error", (r) => r.error("ERR no"), same("-ERR no\r\n")],
    ["forged", (r) => r.error("\nERR a\r\n-b\xff\r\n"), same("-ERR a  -b\xff\r\n")],
    ["wide error", (r) => r.error("ERR €\n!"), same("-ERR \xe2\x82\xac !\r\n")],
    ["digit", (r) => r.integer(7), same(":7\r\n")],
    ["integer", (r) => r.integer(-1234567), same(":-1234567\r\n")],
    ["zero", (r) => r.integer(-0), same(":0\r\n")],
    ["big integer", (r) => r.integerBig(2n ** 63n - 1n), same(":9223372036854775807\r\n")],
    ["integer64", (r) => r.integer64(-1, -5), same(":-5\r\n")],
    ["integer64 max", (r) => r.integer64(0x7fffffff, -1), same(":9223372036854775807\r\n")],
    ["integer64 min", (r) => r.integer64(-0x80000000, 0), same(":-9223372036854775808\r\n")],
    ["integer64 2^32", (r) => r.integer64(1, 1), same(":4294967297\r\n")],
    ["bulk integer", (r) => r.bulkInteger(-120), same("$4\r\n-120\r\n")],
    ["bulk int64", (r) => r.bulkIntegerBig(-(2n ** 63n)), same("$20\r\n-9223372036854775808\r\n")],
    [
      "text",
      (r) => r.bulkText("é€😀\ud800"),
      same("$12\r\n\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\xef\xbf\xbd\r\n"),
    ],
    ["latin1", (r) => r.bulkLatin1("\0\xff"), same("$2\r\n\0\xff\r\n")],
    ["null", (r) => r.null(), ["$-1\r\n", "_\r\n"]],
    ["null array", (r) => r.nullArray(), ["*-1\r\n", "_\r\n"]],
    ["empty array", (r) => r.emptyArray(), same("*0\r\n")],
    ["array", (r) => r.array(12), same("*12\r\n")],
    ["map", (r) => r.map(6), ["*12\r\n", "%6\r\n"]],
    ["set", (r) => r.set(3), ["*3\r\n", "~3\r\n"]],
    ["push", (r) => r.push(3), ["*3\r\n", ">3\r\n"]],
    ["true", (r) => r.boolean(true), [":1\r\n", "#t\r\n"]],
    ["false", (r) => r.boolean(false), [":0\r\n", "#f\r\n"]],
    ["double", (r) => r.double(1.5), ["$3\r\n1.5\r\n", ",1.5\r\n"]],
    ["whole double", (r) => r.double(300), ["$3\r\n300\r\n", ",300\r\n"]],
    ["negative zero", (r) => r.double(-0), ["$2\r\n-0\r\n", ",-0\r\n"]],
    ["infinity", (r) => r.double(-Infinity), ["$4\r\n-inf\r\n", ",-inf\r\n"]],
    ["not a number", (r) => r.double(Number.NaN), ["$3\r\nnan\r\n", ",nan\r\n"]],
    ["big number", (r) => r.bigNumber("123"), ["$3\r\n123\r\n", "(123\r\n"]],
    ["verbatim", (r) => r.verbatim("txt", "\xe9"), ["$1\r\n\xe9\r\n", "=5\r\ntxt:\xe9\r\n"]],
    ["raw", (r) => r.rawBytes(latin1Bytes("x+OK\r\ny"), 1, 6), same("+OK\r\n")],
  ])("%s", (_name, write, texts) => {
    expect(both(write)).toEqual(texts);
  });

  test("an attribute is for RESP3", () => {
    const reply = new ReplyWriter();
    expect(() => reply.attribute(1)).toThrow("RESP2");
    reply.resp3 = true;
    reply.attribute(1);
    expect(latin1(reply.bytes, 0, reply.length)).toBe("|1\r\n");
  });
});

describe("bulk strings", () => {
  test("of every length and at every offset are copied exactly", () => {
    const source = new Uint8Array(1400).map((_, i) => (i * 167) % 251);
    const view = new DataView(source.buffer);
    const reply = new ReplyWriter(64);
    for (let length = 0; length <= 600; length++) {
      for (const start of [0, 3, 1400 - length]) {
        const expected = `$${length}\r\n${latin1(source, start, start + length)}\r\n`;
        for (const write of ["first", "again", "view"]) {
          if (write === "first") reply.reset();
          const mark = reply.mark();
          if (write === "view") reply.bulkFrom(source, view, start, start + length);
          else reply.bulk(source, start, start + length);
          expect(latin1(reply.bytes, mark, reply.length) === expected, `${write} ${length}`).toBe(
            true,
          );
        }
      }
    }
  });

  test("text in UTF-8 is what TextEncoder makes of it", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        expect(utf8Bytes(text)).toEqual(new TextEncoder().encode(text));
      }),
    );
  });
});

describe("aggregates counted at the end", () => {
  test.each([0, 1, 9, 10, 99, 100, 12345])("%d elements", (count) => {
    const [resp2, resp3] = both((reply) => {
      const outer = reply.deferArray();
      const inner = reply.deferLength();
      for (let i = 0; i < count; i++) reply.integer(i);
      reply.closeMap(inner, count / 2);
      reply.ok();
      reply.closeArray(outer, 2);
    });
    const items = Array.from({ length: count }, (_, i) => `:${i}\r\n`).join("");
    expect(resp2).toBe(`*2\r\n*${count}\r\n${items}+OK\r\n`);
    if (count % 2 === 0) expect(resp3).toBe(`*2\r\n%${count / 2}\r\n${items}+OK\r\n`);
  });

  test("sets and pushes too", () => {
    const close = (reply: ReplyWriter) => {
      const set = reply.deferLength();
      reply.ok();
      reply.closeSet(set, 1);
      const push = reply.deferLength();
      for (let i = 0; i < 10; i++) reply.ok();
      reply.closePush(push, 10);
    };
    const oks = "+OK\r\n".repeat(10);
    expect(both(close)).toEqual([`*1\r\n+OK\r\n*10\r\n${oks}`, `~1\r\n+OK\r\n>10\r\n${oks}`]);
  });
});

describe("the buffer", () => {
  test("rewind() takes back half a reply", () => {
    const reply = new ReplyWriter();
    reply.ok();
    const mark = reply.mark();
    reply.array(2);
    reply.integer(1);
    reply.rewind(mark);
    reply.error("ERR no");
    expect(latin1(reply.bytes, 0, reply.length)).toBe("+OK\r\n-ERR no\r\n");
  });

  test("takeBuffer() gives the replies away for good", () => {
    const reply = new ReplyWriter();
    reply.ok();
    const taken = reply.takeBuffer();
    reply.error("ERR no");
    expect(latin1(taken)).toBe("+OK\r\n");
    expect(latin1(reply.bytes, 0, reply.length)).toBe("-ERR no\r\n");
  });

  test("replaceBuffer() writes into part of a larger buffer", () => {
    const reply = new ReplyWriter();
    const shared = new Uint8Array(200).fill(1);
    reply.replaceBuffer(shared.subarray(50, 150));
    reply.ok();
    expect(latin1(shared, 50, 55)).toBe("+OK\r\n");
    expect(shared[49]).toBe(1);
  });

  test("grows with its content and is given back by reset()", () => {
    const reply = new ReplyWriter(64);
    const value = new Uint8Array(100_000).fill(120);
    reply.ok();
    reply.bulk(value, 0, value.length);
    expect(reply.length).toBe(5 + 9 + value.length + 2);
    expect(latin1(reply.bytes, 0, 17)).toBe("+OK\r\n$100000\r\nxxx");
    reply.reset();
    expect(reply.length).toBe(0);
    expect(reply.bytes.length).toBe(64);
  });
});

test("reset() lets go of the memory that replies were copied from", () => {
  const writer = new ReplyWriter();
  const source = new Uint8Array(64);
  for (let i = 0; i < 3; i++) writer.bulk(source, 0, 64);
  writer.reset();
  const kept = Object.values(writer).filter(
    (value) => ArrayBuffer.isView(value) && value.buffer === source.buffer,
  );
  expect(kept).toEqual([]);
});
