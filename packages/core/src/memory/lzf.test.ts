import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { latin1Bytes as bytesOfText } from "../testing.ts";
import { compress, decompress, LZF_EXPANSION_MAX, LzfWalk } from "./lzf.ts";

/** Bytes that repeat themselves, near and far. */
const repetitive = fc
  .array(
    fc.oneof(
      fc.uint8Array({ maxLength: 40 }),
      fc
        .tuple(fc.integer({ min: 0, max: 3 }), fc.nat(600))
        .map(([byte, count]) => new Uint8Array(count).fill(byte)),
      fc.constantFrom("the quick brown fox", "abcabcabc", "\0\0\0\0").map(bytesOfText),
    ),
    { maxLength: 60 },
  )
  .map((parts) => Uint8Array.from(parts.flatMap((part) => [...part])));

const viewOf = (bytes: Uint8Array) =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

const compressBytes = (
  source: Uint8Array,
  start: number,
  end: number,
  target: Uint8Array,
  at: number,
  limit: number,
) => compress(viewOf(source), start, end, viewOf(target), at, limit);

const decompressBytes = (
  source: Uint8Array,
  start: number,
  end: number,
  target: Uint8Array,
  length: number,
) => decompress(viewOf(source), start, end, viewOf(target), length);

function roundTrip(bytes: Uint8Array): Uint8Array {
  const packed = new Uint8Array(bytes.length + (bytes.length >> 5) + 16);
  const end = compressBytes(bytes, 0, bytes.length, packed, 3, packed.length);
  expect(end).toBeGreaterThanOrEqual(3);
  const unpacked = new Uint8Array(bytes.length);
  expect(decompressBytes(packed, 3, end, unpacked, bytes.length)).toBe(true);
  return unpacked;
}

describe("LZF", () => {
  test("gives back what was compressed", () => {
    fc.assert(
      fc.property(repetitive, (bytes) => {
        expect(roundTrip(bytes)).toEqual(bytes);
      }),
    );
  });

  test("finds repetitions up to 8 KiB back, and none further", () => {
    for (const distance of [8191, 8192, 8193, 9000]) {
      const bytes = new Uint8Array(distance + 300);
      for (let i = 0; i < distance; i++) bytes[i] = (i * i * 31 + i) >> 3;
      bytes.copyWithin(distance, 0, 300);
      expect(roundTrip(bytes)).toEqual(bytes);
    }
  });

  test("writes nothing before its place, and nothing from the limit on", () => {
    fc.assert(
      fc.property(repetitive, fc.nat(40), (bytes, less) => {
        const limit = Math.max(3, bytes.length + 3 - less);
        const out = new Uint8Array(limit + 8).fill(0xaa);
        const end = compressBytes(bytes, 0, bytes.length, out, 3, limit);
        expect(out.subarray(0, 3)).toEqual(new Uint8Array(3).fill(0xaa));
        expect(out.subarray(limit)).toEqual(new Uint8Array(8).fill(0xaa));
        if (end === -1) return;
        const back = new Uint8Array(bytes.length);
        expect(decompressBytes(out, 3, end, back, bytes.length)).toBe(true);
        expect(back).toEqual(bytes);
      }),
      { numRuns: 1000 },
    );
  });

  test("reads nothing outside its range", () => {
    fc.assert(
      fc.property(repetitive, fc.uint8Array({ maxLength: 9 }), (bytes, beside) => {
        const at = beside.length;
        const [alone, among] = [bytes, Uint8Array.from([...beside, ...bytes, ...beside])];
        const [one, other] = [new Uint8Array(9000), new Uint8Array(9000)];
        const end = compressBytes(alone, 0, alone.length, one, 0, 9000);
        expect(compressBytes(among, at, at + bytes.length, other, 0, 9000)).toBe(end);
        if (end !== -1) expect(other.subarray(0, end)).toEqual(one.subarray(0, end));
      }),
    );
  });

  test("says so when the result would be too long", () => {
    const bytes = Uint8Array.from({ length: 64 }, (_, i) => i * 37);
    expect(compressBytes(bytes, 0, 64, new Uint8Array(100), 0, 60)).toBe(-1);
  });

  test("repeated data shrinks to about a hundredth, which is the most there is", () => {
    const bytes = new Uint8Array(100_000);
    const packed = new Uint8Array(100_000);
    const end = compressBytes(bytes, 0, bytes.length, packed, 0, packed.length);
    expect(end).toBeLessThan(1200);
    expect(bytes.length).toBeLessThanOrEqual(end * LZF_EXPANSION_MAX);
  });

  test("decodes the example in its header", () => {
    const out = new Uint8Array(8);
    expect(decompressBytes(Uint8Array.of(0, 0x61, 0xa0, 0), 0, 4, out, 8)).toBe(true);
    expect(out).toEqual(bytesOfText("aaaaaaaa"));
  });

  test("whatever the bytes say, nothing beyond the given length is touched", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), fc.nat(300), (bytes, length) => {
        const out = new Uint8Array(length + 8).fill(0xaa);
        decompressBytes(bytes, 0, bytes.length, out, length);
        expect(out.subarray(length)).toEqual(new Uint8Array(8).fill(0xaa));
      }),
      { numRuns: 2000 },
    );
  });

  test("a walk tells the same as decompressing, however the bytes are cut", () => {
    const verdict = (bytes: Uint8Array, length: number, step: number): boolean => {
      const walk = new LzfWalk(length);
      for (let at = 0, end = 0; at < bytes.length && !walk.isBroken; ) {
        end = Math.min(Math.max(end, at) + step, bytes.length);
        at = walk.go(bytes, at, end, end === bytes.length);
      }
      return walk.isComplete;
    };
    const mutated = fc
      .tuple(repetitive, fc.nat(), fc.nat(255), fc.integer({ min: -1, max: 1 }))
      .map(([bytes, place, byte, more]) => {
        const packed = new Uint8Array(bytes.length + (bytes.length >> 5) + 16);
        const end = compressBytes(bytes, 0, bytes.length, packed, 0, packed.length);
        if (byte < 128) packed[place % Math.max(end, 1)] ^= byte;
        return { packed: packed.subarray(0, end), length: Math.max(0, bytes.length + more) };
      });
    fc.assert(
      fc.property(mutated, fc.integer({ min: 1, max: 50 }), ({ packed, length }, step) => {
        const good = decompressBytes(packed, 0, packed.length, new Uint8Array(length), length);
        expect(verdict(packed, length, step)).toBe(good);
      }),
      { numRuns: 1000 },
    );
  });

  test("stops a copy that would go past the given length", () => {
    const out = new Uint8Array(12).fill(0xaa);
    expect(decompressBytes(Uint8Array.of(2, 1, 2, 3, 0x60, 0), 0, 6, out, 4)).toBe(false);
    expect(out.subarray(4)).toEqual(new Uint8Array(8).fill(0xaa));
  });

  test.each([
    { why: "a literal run past the end", bytes: [5, 1, 2] },
    { why: "a copy from before the beginning", bytes: [0, 1, 0x20, 5] },
    { why: "a copy without its offset", bytes: [0, 1, 0x20] },
    { why: "a long copy without its length", bytes: [0, 1, 0xe0] },
    { why: "too little", bytes: [0, 1] },
    { why: "too much", bytes: [3, 1, 2, 3, 4] },
  ])("refuses $why", ({ bytes }) => {
    const packed = Uint8Array.from(bytes);
    expect(decompressBytes(packed, 0, packed.length, new Uint8Array(3), 3)).toBe(false);
  });
});
