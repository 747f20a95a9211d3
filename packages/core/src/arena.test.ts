import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  Arena,
  ArenaFullError,
  NONE,
  type Ref,
  roundedBytes,
  SEGMENT_SHIFT,
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
});
