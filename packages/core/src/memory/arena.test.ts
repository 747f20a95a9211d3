import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { InvariantError } from "../assert.ts";
import {
  Arena,
  ArenaFullError,
  NONE,
  type Ref,
  roundedBytes,
  SEGMENT_SHIFT,
  SMALL_BYTES_MAX,
  UNIT_MASK,
} from "./arena.ts";

function fillBlock(arena: Arena, ref: Ref, bytes: number, value: number): void {
  const at = (ref & UNIT_MASK) << 3;
  (arena.bytes[ref >>> SEGMENT_SHIFT] as Uint8Array).fill(value, at, at + bytes);
}

function blockIs(arena: Arena, ref: Ref, bytes: number, value: number): boolean {
  const at = (ref & UNIT_MASK) << 3;
  return (arena.bytes[ref >>> SEGMENT_SHIFT] as Uint8Array)
    .subarray(at, at + bytes)
    .every((byte) => byte === value);
}

describe("Arena", () => {
  test("copy() takes what it is asked for and touches nothing beside it", () => {
    const arena = new Arena({ segmentBytes: 2 ** 20 });
    const from = arena.alloc(2000);
    const to = arena.alloc(2000);
    const of = (ref: Ref) => {
      const at = (ref & UNIT_MASK) << 3;
      return (arena.bytes[ref >>> SEGMENT_SHIFT] as Uint8Array).subarray(at, at + 2000);
    };
    const offset = fc.integer({ min: 0, max: 600 });
    fc.assert(
      fc.property(offset, offset, fc.integer({ min: 0, max: 1300 }), (at, fromAt, length) => {
        of(from).forEach((_, i, bytes) => {
          bytes[i] = i * 7;
        });
        of(to).fill(250);
        const expected = of(to).slice();
        expected.set(of(from).subarray(fromAt, fromAt + length), at);
        arena.copy(to, at, from, fromAt, length);
        expect(of(to)).toEqual(expected);
      }),
    );
  });

  test("blocks never overlap and every byte is accounted for", () => {
    const size = fc.oneof(
      fc.integer({ min: 1, max: 200 }),
      fc.integer({ min: 1, max: 20_000 }),
      fc.integer({ min: 16_000, max: 200_000 }),
    );
    const step = fc.record({ size, drop: fc.integer({ min: 0, max: 400 }), move: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 150 }), (steps) => {
        const arena = new Arena({ segmentBytes: 2 ** 20 });
        const live: { ref: Ref; size: number; mark: number }[] = [];
        let mark = 0;
        for (const { size, drop, move } of steps) {
          const ref = arena.alloc(size);
          expect(ref).not.toBe(NONE);
          expect(arena.blockBytes(ref)).toBe(roundedBytes(size));
          expect(arena.blockBytes(ref)).toBeGreaterThanOrEqual(size);
          mark = (mark + 1) & 255;
          fillBlock(arena, ref, size, mark);
          live.push({ ref, size, mark });
          const victim = live[drop];
          if (victim === undefined) continue;
          expect(blockIs(arena, victim.ref, victim.size, victim.mark)).toBe(true);
          if (move) {
            const keep = Math.min(victim.size, size);
            victim.ref = arena.resize(victim.ref, size, keep);
            expect(blockIs(arena, victim.ref, keep, victim.mark)).toBe(true);
            victim.size = keep;
          } else {
            arena.free(victim.ref);
            live.splice(drop, 1);
          }
        }
        arena.check();
        for (const { ref, size, mark } of live) expect(blockIs(arena, ref, size, mark)).toBe(true);
        for (const { ref } of live) arena.free(ref);
        arena.check();
        expect(arena.usedBytes).toBe(0);
        expect(arena.blockCount).toBe(0);
      }),
    );
  });

  test("copies the right bytes, whichever buffers take turns", () => {
    const arena = new Arena({ segmentBytes: 2 ** 20 });
    const sources = [1, 2, 3, 2 ** 18 + 1].map((n) =>
      Uint8Array.from({ length: Math.max(n, 4096) }, (_, i) => (i * n) & 255),
    );
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(3), fc.nat(300), fc.nat(250)), { maxLength: 30 }),
        (copies) => {
          for (const [which, start, length] of copies) {
            const source = sources[which];
            const ref = arena.alloc(length + 1);
            arena.write(ref, 1, source, start, start + length);
            const at = ((ref & UNIT_MASK) << 3) + 1;
            const written = arena.bytes[ref >>> SEGMENT_SHIFT].subarray(at, at + length);
            expect(written).toEqual(source.subarray(start, start + length));
            arena.free(ref);
          }
        },
      ),
    );
  });

  test("one workload's memory serves the next, whatever its sizes", () => {
    const arena = new Arena({ segmentBytes: 2 ** 20, limitBytes: 2 ** 20 });
    for (const size of [48, 64, 4000, 100, 17_000]) {
      const refs: Ref[] = [];
      while (refs.length * roundedBytes(size) < 750_000) refs.push(arena.alloc(size));
      for (const ref of refs) arena.free(ref);
      arena.check();
    }
  });

  test("an empty segment is given back and its number used again", () => {
    const arena = new Arena({ segmentBytes: 2 ** 20 });
    const large = arena.alloc(5 * 2 ** 20);
    expect(arena.segmentBytes).toBe(6 * 2 ** 20);
    arena.free(large);
    expect(arena.segmentBytes).toBe(2 ** 20);
    const next = arena.alloc(3 * 2 ** 20);
    expect(next >>> SEGMENT_SHIFT).toBe(1);
    arena.check();
    // A large block that came and went does not make all later segments large.
    for (let i = 0; i < 3; i++) arena.free(arena.alloc(40 * 2 ** 20));
    arena.free(next);
    arena.alloc(2 ** 20);
    expect(arena.segmentBytes).toBeLessThan(50 * 2 ** 20);
  });

  test("knows which pages were ever touched, of the segments that are still there", () => {
    const arena = new Arena({ segmentBytes: 2 ** 20 });
    const refs = [1, 2, 3].map(() => arena.alloc(100_000));
    const most = arena.pageBytes + 4096; // The first page is never used.
    for (const ref of refs) arena.free(ref);
    arena.alloc(100_000);
    expect(arena.touchedBytes).toBe(most);
    expect(arena.pageBytes).toBeLessThan(most);
    const large = arena.alloc(2 ** 21);
    expect(arena.touchedBytes).toBe(most + 2 ** 21);
    arena.free(large);
    expect(arena.touchedBytes).toBe(most);
  });

  test("tells once of each piece that is filled, before what is told of is touched", () => {
    const told: { buffer: ArrayBuffer; from: number; to: number }[] = [];
    const advise = (buffer: ArrayBuffer, from: number, to: number) => {
      const isUntouched = Buffer.from(buffer, from, to - from).every((byte) => byte === 0);
      expect(isUntouched).toBe(true);
      told.push({ buffer, from, to });
    };
    const arena = new Arena({ segmentBytes: 4 * 2 ** 20, advise });
    const fill = (bytes: number) => {
      for (let done = 0; done < bytes; done += 1024) {
        const ref = arena.alloc(1024);
        const at = (ref & UNIT_MASK) * 8;
        arena.bytes[ref >>> SEGMENT_SHIFT]?.fill(1, at, at + 1024);
      }
    };
    fill(2 ** 20 - 2 ** 18);
    expect(told).toEqual([]);
    fill(2 ** 21);
    expect(told).toHaveLength(1);
    expect(told[0]?.buffer).toBe(arena.bytes[0]?.buffer);
    expect(told[0]?.from).toBeGreaterThan(2 ** 20 - 2 ** 18);
    expect(told[0]?.from).toBeLessThanOrEqual(2 ** 20);
    expect(told[0]?.to).toBe(4 * 2 ** 20);
    // A block that is larger than all that may be in use before.
    arena.alloc(3 * 2 ** 20);
    const second = arena.bytes[1]?.buffer;
    expect(told.slice(1)).toEqual([{ buffer: second, from: 0, to: 12 * 2 ** 20 }]);
  });

  test("tells of the next piece of a segment when one is full, and of a large block's own segment at once", () => {
    const mebibyte = 2 ** 20;
    const told: [from: number, to: number][] = [];
    const advise = (_: ArrayBuffer, from: number, to: number) =>
      told.push([from / mebibyte, to / mebibyte]);
    const arena = new Arena({ segmentBytes: 200 * mebibyte, advise });
    for (let i = 0; i < 60; i++) arena.alloc(mebibyte);
    expect(told).toEqual([
      [0, 32],
      [32, 64],
    ]);
    arena.alloc(20 * mebibyte);
    // Its segment goes with it, and is another one the second time.
    arena.free(arena.alloc(100 * mebibyte));
    arena.alloc(100 * mebibyte);
    expect(told.slice(2)).toEqual([
      [64, 96],
      [0, 100],
      [0, 100],
    ]);
  });

  test("a block can become smaller even where there is no room for the smaller one", () => {
    const arena = new Arena({ segmentBytes: 2 ** 16, limitBytes: 2 ** 16 });
    const ref = arena.alloc(60_000);
    expect(arena.resize(ref, 1000, 1000)).toBe(ref);
    expect(() => arena.resize(ref, 70_000, 1000)).toThrow(ArenaFullError);
    arena.free(ref);
    expect(arena.usedBytes).toBe(0);
    arena.check();
  });

  test("says so when it is full, and stays whole", () => {
    const arena = new Arena({ segmentBytes: 2 ** 20, limitBytes: 2 ** 20 });
    expect(() => arena.alloc(2 ** 21)).toThrow(ArenaFullError);
    expect(() => arena.alloc(2 ** 31)).toThrow(ArenaFullError);
    arena.check();
  });

  test.each([2 ** 29, 2 ** 30, 2 ** 31, 2 ** 32, 2 ** 33, 2 ** 53, 2 ** 63, Infinity])(
    "a size of about %d is no small one, whatever its lower 32 bits are",
    (about) => {
      const arena = new Arena({ segmentBytes: 2 ** 16, limitBytes: 2 ** 20 });
      const ref = arena.alloc(100);
      const { usedBytes } = arena;
      for (const bytes of [about - 4096, about - 8, about - 1, about, about + 1, about + 2000]) {
        expect(roundedBytes(bytes)).toBeGreaterThanOrEqual(bytes);
        expect(() => arena.alloc(bytes)).toThrow(ArenaFullError);
        expect(() => arena.allocZeroed(bytes)).toThrow(ArenaFullError);
        expect(() => arena.resize(ref, bytes, 100)).toThrow(ArenaFullError);
      }
      arena.check();
      expect(arena.usedBytes).toBe(usedBytes);
    },
  );

  test.each([-1, -7, -8, -100, -(2 ** 31), -(2 ** 32), Number.NaN])(
    "a size of %d is a mistake of ours",
    (bytes) => {
      const arena = new Arena({ segmentBytes: 2 ** 16 });
      expect(() => arena.alloc(bytes)).toThrow(InvariantError);
      arena.check();
    },
  );

  test("the memory of a segment that is dropped is gone at once, for old views too", () => {
    const arena = new Arena({ segmentBytes: 2 ** 16 });
    const ref = arena.alloc(2 ** 20);
    const segment = ref >>> SEGMENT_SHIFT;
    const bytes = arena.bytes[segment] as Uint8Array<ArrayBuffer>;
    const words = arena.words[segment] as Int32Array;
    fillBlock(arena, ref, 100, 7);
    expect(bytes[(ref & UNIT_MASK) << 3]).toBe(7);
    arena.free(ref);
    expect([bytes.buffer.detached, bytes.length, words.length]).toEqual([true, 0, 0]);
    expect(bytes[0]).toBe(undefined);
    bytes[0] = 9;
    expect(bytes[0]).toBe(undefined);
    // Refs that are void by now, as a look ahead may have them, are nothing to fall over.
    arena.touch(Int32Array.of(ref, ref + 1), 2);
  });

  test("what stays ready for the next block does not keep a segment", () => {
    const arena = new Arena({ segmentBytes: 2 ** 16 });
    const sizes = [8, 24, 100, 500, 1000, 3000, 9000, 16_000];
    for (let round = 0; round < 3; round++) {
      const refs = Array.from({ length: 4000 }, (_, i) => arena.alloc(sizes[i % 8] as number));
      expect(arena.segmentBytes).toBeGreaterThan(10 * 2 ** 20);
      // In another order each time.
      refs.sort((a, b) => Math.imul(a, round * 2 + 1) - Math.imul(b, round * 2 + 1));
      for (const [index, ref] of refs.entries()) {
        arena.free(ref);
        if (index % 500 === 0) arena.check();
      }
      arena.check();
      expect(arena.segmentBytes).toBe(2 ** 16);
    }
  });

  test("a very large block has a segment to itself, and takes it along when it goes", () => {
    const arena = new Arena({ segmentBytes: 2 ** 20 });
    const size = 33 * 2 ** 20 + 5;
    const smallRefs = [arena.alloc(2 ** 20), arena.alloc(100)];
    const before = arena.segmentBytes;
    const refs: Ref[] = [];
    for (let count = 1; count <= 4; count++) {
      refs.push(arena.alloc(size));
      expect(arena.segmentBytes).toBe(before + count * roundedBytes(size));
    }
    // Segments are few: a fifth one finds its place among other blocks.
    refs.push(arena.alloc(size));
    smallRefs.push(arena.alloc(100));
    arena.check();
    for (const ref of refs) arena.free(ref);
    for (const ref of smallRefs) arena.free(ref);
    arena.check();
    expect(arena.segmentBytes).toBe(2 ** 20);
  });

  test("takes a smaller segment where the limit does not allow a larger one", () => {
    const arena = new Arena({ segmentBytes: 2 ** 20, limitBytes: 2 ** 21 });
    arena.alloc(900_000);
    arena.alloc(1_000_000);
    expect(arena.segmentBytes).toBe(2 ** 21);
    expect(() => arena.alloc(100_000)).not.toThrow();
    expect(() => arena.alloc(100_000)).toThrow(ArenaFullError);
    arena.check();
  });

  test("keeps its word when it says that there is room for so many blocks", () => {
    let kept = 0;
    const sizes = fc.array(fc.integer({ min: 1, max: SMALL_BYTES_MAX }), {
      minLength: 1,
      maxLength: 30,
    });
    fc.assert(
      fc.property(sizes, sizes, fc.nat(40), (before, wanted, large) => {
        const arena = new Arena({ segmentBytes: 2 ** 22, limitBytes: 2 ** 22 });
        const refs = before.map((bytes) => arena.alloc(bytes));
        arena.alloc(1 + large * 50_000);
        for (const [index, ref] of refs.entries()) if (index % 3 === 0) arena.free(ref);
        if (!arena.hasRoomFor(wanted.length)) return;
        kept++;
        for (const bytes of wanted) expect(() => arena.alloc(bytes)).not.toThrow();
        arena.check();
      }),
    );
    expect(kept).toBeGreaterThan(20);
  });
});
