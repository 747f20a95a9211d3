import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ReplyWriter } from "./reply-writer.ts";
import { latin1 } from "./text.ts";

const MIB = 2 ** 20;

/** All replies as text, whatever parts they lie in; the writer is empty afterwards. */
function taken(reply: ReplyWriter): string {
  const whole = latin1(reply.toBytes());
  const texts = reply.takeParts().map((part) => latin1(part));
  texts.push(latin1(reply.bytes, 0, reply.length));
  reply.reset();
  expect(texts.join("") === whole).toBe(true);
  return whole;
}

function bulkOf(length: number, fill: string): string {
  return `$${length}\r\n${fill.repeat(length)}\r\n`;
}

describe("replies beyond a megabyte", () => {
  test("are parts that were never copied, in order", () => {
    const reply = new ReplyWriter();
    const value = new Uint8Array(700_000).fill(97);
    let expected = "";
    for (let i = 0; i < 10; i++) {
      reply.bulk(value, 0, value.length);
      reply.integer(i);
      expected += `${bulkOf(700_000, "a")}:${i}\r\n`;
    }
    expect(reply.total).toBe(expected.length);
    expect(reply.heldBytes).toBeLessThan(2.2 * expected.length);
    expect(taken(reply)).toBe(expected);
    expect(reply.total).toBe(0);
    expect(reply.heldBytes).toBeLessThanOrEqual(MIB);
  });

  test("a mark is good in whatever part it is", () => {
    const reply = new ReplyWriter();
    const value = new Uint8Array(300_000).fill(97);
    const marks: number[] = [];
    for (let i = 0; i < 20; i++) {
      marks.push(reply.mark());
      reply.bulk(value, 0, value.length);
    }
    for (let i = 19; i >= 3; i -= 4) {
      reply.rewind(marks[i]);
      expect(reply.total).toBe(marks[i]);
    }
    reply.simple("end");
    expect(taken(reply)).toBe(`${bulkOf(300_000, "a").repeat(3)}+end\r\n`);
  });

  test("an array counted at the end has its header in an early part", () => {
    const reply = new ReplyWriter();
    reply.simple("before");
    const outer = reply.deferArray();
    const value = new Uint8Array(200_000).fill(97);
    const inner: string[] = [];
    for (let i = 0; i < 12; i++) {
      const handle = reply.deferArray();
      for (let j = 0; j < i; j++) reply.bulk(value, 0, value.length);
      reply.closeArray(handle, i);
      inner.push(`*${i}\r\n${bulkOf(200_000, "a").repeat(i)}`);
    }
    reply.closeArray(outer, 12);
    expect(taken(reply)).toBe(`+before\r\n*12\r\n${inner.join("")}`);
  });

  test("any sequence of writes, marks and late headers reads as if there were one buffer", () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant("bulk"), size: fc.nat(600_000) }),
      fc.record({ kind: fc.constant("open"), size: fc.constant(0) }),
      fc.record({ kind: fc.constant("close"), size: fc.nat(5000) }),
      fc.record({ kind: fc.constant("rewind"), size: fc.nat(100) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const reply = new ReplyWriter(1024);
        let model = "";
        let open: { handle: number; at: number }[] = [];
        const marks: { mark: number; at: number; depth: number }[] = [];
        for (const { kind, size } of steps) {
          if (kind === "bulk") {
            marks.push({ mark: reply.mark(), at: model.length, depth: open.length });
            const fill = String.fromCharCode(97 + (size % 26));
            const value = new Uint8Array(size).fill(97 + (size % 26));
            reply.bulk(value, 0, size);
            model += bulkOf(size, fill);
          } else if (kind === "open") {
            open.push({ handle: reply.deferArray(), at: model.length });
            model += "*0\r\n";
          } else if (kind === "close") {
            const last = open.pop();
            if (last === undefined) continue;
            reply.closeArray(last.handle, size);
            const header = `*${size}\r\n`;
            model = model.slice(0, last.at) + header + model.slice(last.at + 4);
            // What lies behind the header has moved.
            marks.splice(0, marks.length, ...marks.filter(({ at }) => at <= last.at));
          } else {
            const target = marks[size % Math.max(1, marks.length)];
            if (target === undefined) continue;
            reply.rewind(target.mark);
            model = model.slice(0, target.at);
            open = open.filter(({ at }) => at < target.at);
            marks.splice(0, marks.length, ...marks.filter(({ at }) => at <= target.at));
          }
          expect(reply.total).toBe(model.length);
        }
        expect(taken(reply) === model).toBe(true);
      }),
      { numRuns: 40 },
    );
  });
});

describe("replies that may not gather", () => {
  function limited(limitBytes: number): ReplyWriter {
    const reply = new ReplyWriter(1024);
    reply.allows = (totalBytes) => totalBytes <= limitBytes;
    return reply;
  }

  test("are dropped, and so is what follows; memory stays what it was", () => {
    const reply = limited(3 * MIB);
    const value = new Uint8Array(MIB).fill(97);
    for (let i = 0; i < 1000; i++) reply.bulk(value, 0, value.length);
    expect(reply.isOverflowed).toBe(true);
    expect(reply.heldBytes).toBeLessThan(2 * MIB);
    for (let i = 0; i < 100_000; i++) reply.integer(i);
    expect(reply.heldBytes).toBeLessThan(2 * MIB);
    expect(reply.takeParts()).toEqual([]);
  });

  test("what the command still does with them does no harm", () => {
    const reply = limited(2 * MIB);
    const mark = reply.mark();
    const handle = reply.deferArray();
    const value = new Uint8Array(MIB).fill(97);
    for (let i = 0; i < 5; i++) reply.bulk(value, 0, value.length);
    reply.closeArray(handle, 12_345);
    reply.rewind(mark);
    reply.error("ERR no");
    expect(reply.isOverflowed).toBe(true);
    reply.reset();
    expect(reply.isOverflowed).toBe(false);
    reply.ok();
    expect(taken(reply)).toBe("+OK\r\n");
  });

  test("may be announced, and are dropped before any of them is written", () => {
    const reply = limited(3 * MIB);
    reply.ok();
    expect(reply.announce(2 * MIB)).toBe(true);
    expect(reply.announce(4 * MIB)).toBe(false);
    expect(reply.isOverflowed).toBe(true);
    expect(reply.announce(1)).toBe(false);
    expect(reply.total).toBe(0);
  });

  test("leave no larger buffer behind", () => {
    const reply = limited(4096);
    const before = reply.heldBytes;
    for (let i = 0; i < 1000; i++) reply.integer(12_345_678);
    expect(reply.heldBytes).toBeGreaterThan(before);
    reply.reset();
    expect(reply.heldBytes).toBe(before);
  });

  test("one value that no memory can be had for costs its client only", () => {
    const reply = new ReplyWriter(1024);
    reply.ok();
    expect(reply.ensure(2 ** 50)).toBe(false);
    expect(reply.isOverflowed).toBe(true);
  });
});
