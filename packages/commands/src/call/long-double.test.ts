import { hasRedisServer, requestText, ServerProcess, splitReplies } from "@kv/testing";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { addLongDoubles, formatLongDouble, parseLongDouble } from "./long-double.ts";

const parse = (text: string) => {
  const bytes = new TextEncoder().encode(text);
  return parseLongDouble(bytes, 0, bytes.length);
};

/** What INCRBYFLOAT answers; null for either of its refusals. */
function sum(a: string, b: string): string | null {
  const x = parse(a);
  const y = parse(b);
  const result = x !== null && y !== null ? addLongDoubles(x, y) : null;
  return result === null ? null : formatLongDouble(result);
}

describe("long doubles", () => {
  test("hold 64 bits: integers beyond that are rounded, to even when halfway", () => {
    expect(sum("18446744073709551615", "0")).toBe("18446744073709551615");
    expect(sum("18446744073709551617", "0")).toBe("18446744073709551616");
    expect(sum("18446744073709551618", "0")).toBe("18446744073709551618");
    expect(sum("18446744073709551619", "0")).toBe("18446744073709551620");
    expect(sum("18446744073709551617.0000000001", "0")).toBe("18446744073709551618");
    expect(sum("18446744073709551616", "1")).toBe("18446744073709551616");
  });

  test("print 17 digits behind the point, without zeros at the end", () => {
    expect(sum("0.1", "0.2")).toBe("0.3");
    expect(sum("1e-17", "0")).toBe("0.00000000000000001");
    expect(sum("4e-18", "0")).toBe("0");
    expect(sum("-4e-18", "0")).toBe("0");
    expect(sum("100", "-200")).toBe("-100");
  });

  test("reach from 2^-16445 to 2^16384", () => {
    expect(sum("1.18973149535723176502e4932", "0")).toHaveLength(4933);
    expect(sum("1.18973149535723176509e4932", "0")).toBe(null);
    expect(sum("1e4932", "1e4932")).toBe(null);
    expect(parse("3.6451995318824746025e-4951")?.exponent).toBe(-16445);
    expect(parse("1.8e-4951")).toBe(null);
  });

  test("are read from decimal and hexadecimal text", () => {
    for (const text of ["10", "+10", "1e1", "10.", "010", "0xA", "0x1.4p3", "0xA0P-4", "100E-1"])
      expect({ text, sum: sum(text, ".5") }).toEqual({ text, sum: "10.5" });
    for (const text of ["", " 1", "1 ", "1e", "e1", ".", "-", "0x", "0x.p1", "1_0", "nan", "1\0"])
      expect({ text, parsed: parse(text) }).toEqual({ text, parsed: null });
  });

  test("hostile texts take no time", () => {
    const startMs = performance.now();
    for (const text of ["1e999999999999", "1e-999999999999", "0x1p999999999", "9".repeat(5119)])
      sum(text, `-${text}`);
    expect(parse("9".repeat(5120))).toBe(null);
    expect(performance.now() - startMs).toBeLessThan(1000);
  });

  test.runIf(hasRedisServer())("redis-server gets the same sums", async () => {
    const digits = (maxLength: number) =>
      fc.string({ unit: fc.constantFrom(..."0123456789"), minLength: 1, maxLength });
    const hex = fc.string({ unit: fc.constantFrom(..."0189af"), minLength: 1, maxLength: 20 });
    const sign = fc.constantFrom("", "", "-");
    const number = fc.oneof(
      fc.tuple(sign, digits(6), digits(20)).map(([s, a, b]) => `${s}${a}.${b}`),
      fc.tuple(sign, digits(22)).map(([s, a]) => s + a),
      fc
        .tuple(sign, digits(20), fc.integer({ min: -40, max: 40 }))
        .map(([s, a, e]) => `${s}.${a}e${e}`),
      fc
        .tuple(sign, digits(20), fc.integer({ min: -4970, max: 4940 }))
        .map(([s, a, e]) => `${s}${a}e${e}`),
      fc
        .tuple(sign, hex, hex, fc.integer({ min: -90, max: 90 }))
        .map(([s, a, b, e]) => `${s}0x${a}.${b}p${e}`),
      // Halfway between two long doubles.
      fc
        .tuple(sign, fc.bigInt(2n ** 63n, 2n ** 64n - 1n), fc.constantFrom("", ".0", ".01"))
        .map(([s, n, rest]) => `${s}${n * 2n + 1n}${rest}`),
    );
    const pairs = fc.sample(fc.tuple(number, number), { numRuns: 5000, seed: 11 });
    const redis = await ServerProcess.start();
    try {
      const client = await redis.connect();
      const requests = pairs.flatMap(([a, b]) => [
        ["SET", "k", a],
        ["INCRBYFLOAT", "k", b],
      ]);
      client.write(requests.map(requestText).join(""));
      const replies = splitReplies(await client.replies(requests.length));
      let sums = 0;
      pairs.forEach(([a, b], index) => {
        const reply = replies[index * 2 + 1];
        const theirs = reply.startsWith("-") ? null : reply.split("\r\n")[1];
        expect({ a, b, sum: sum(a, b) }).toEqual({ a, b, sum: theirs });
        if (theirs !== null) sums++;
      });
      expect(sums).toBeGreaterThan(4000);
    } finally {
      await redis.stop();
    }
  });
});
