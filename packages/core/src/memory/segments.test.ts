import { afterEach, describe, expect, test, vi } from "vitest";
import { Arena, ArenaFullError } from "./arena.ts";

const MEBIBYTE = 2 ** 20;

afterEach(() => vi.unstubAllGlobals());

/** From now on the system has no memory for pieces that `refuses` says so of. Returns who was asked for what. */
function refuseMemory(refuses: (bytes: number, asked: number) => boolean): number[] {
  const asked: number[] = [];
  const Plentiful = ArrayBuffer;
  class Scarce extends Plentiful {
    constructor(bytes: number, options?: { maxByteLength: number }) {
      const addresses = Math.max(bytes, options?.maxByteLength ?? 0);
      asked.push(addresses);
      if (addresses > 0 && refuses(addresses, asked.length))
        throw new RangeError("Array buffer allocation failed");
      super(bytes, options as never);
    }
  }
  vi.stubGlobal("ArrayBuffer", Scarce);
  return asked;
}

/** True: there was room. */
function mayTake(arena: Arena, bytes: number): boolean {
  try {
    arena.alloc(bytes);
    return true;
  } catch (error) {
    expect(error).toBeInstanceOf(ArenaFullError);
    return false;
  }
}

describe("Where the system has no memory", () => {
  test.each([1, 2, 3, 4, 5, 6, 7, 8])(
    "of the pieces from number %i on, the arena is full and whole",
    (first) => {
      const arena = new Arena();
      arena.alloc(10 * MEBIBYTE);
      refuseMemory((_, asked) => asked >= first);
      const isRoom = mayTake(arena, 10 * MEBIBYTE);
      expect(arena.segmentBytes > 16 * MEBIBYTE).toBe(isRoom);
      arena.check();
      vi.unstubAllGlobals();
      let refusals = 0;
      while (!mayTake(arena, 20 * MEBIBYTE)) refusals++;
      expect(refusals).toBeLessThan(300);
      arena.check();
    },
  );

  test("for more numbers of spans, a block that would need one changes nothing", () => {
    const arena = new Arena({ segmentBytes: 128 * MEBIBYTE });
    refuseMemory(() => true);
    let count = 0;
    while (mayTake(arena, 40_000)) count++;
    expect(count).toBeGreaterThan(1000);
    arena.check();
    vi.unstubAllGlobals();
    expect(mayTake(arena, 40_000)).toBe(true);
    arena.check();
  });

  test("beside a segment, it gets a smaller one: somebody else needs the rest", () => {
    const arena = new Arena();
    arena.alloc(15 * MEBIBYTE);
    refuseMemory((bytes) => bytes > 160 * MEBIBYTE);
    expect(mayTake(arena, 2 * MEBIBYTE)).toBe(true);
    expect(arena.segmentBytes).toBeLessThanOrEqual((16 + 32) * MEBIBYTE);
    arena.check();
  });

  test("the runtime is left some, too, while it is asked whether there is any", () => {
    const arena = new Arena();
    arena.alloc(15 * MEBIBYTE);
    const asked: [bytes: number, addresses: number][] = [];
    const Plentiful = ArrayBuffer;
    vi.stubGlobal(
      "ArrayBuffer",
      class extends Plentiful {
        constructor(bytes: number, options?: { maxByteLength: number }) {
          super(bytes, options as never);
          asked.push([bytes / MEBIBYTE, (options?.maxByteLength ?? bytes) / MEBIBYTE]);
        }
      },
    );
    arena.alloc(2 * MEBIBYTE);
    const size = arena.segmentBytes / MEBIBYTE - 16;
    expect(asked.slice(0, 3)).toEqual([
      [0, size + 128],
      [size, size],
      [64, 64],
    ]);
  });

  test("a segment that leaves no memory to others is given back", () => {
    const arena = new Arena();
    arena.alloc(15 * MEBIBYTE);
    let last: ArrayBuffer | undefined;
    const Plentiful = ArrayBuffer;
    vi.stubGlobal(
      "ArrayBuffer",
      class extends Plentiful {
        constructor(bytes: number, options?: { maxByteLength: number }) {
          if (bytes === 64 * MEBIBYTE && last !== undefined) throw new RangeError("none");
          super(bytes, options as never);
          if (bytes > 0) last = this as ArrayBuffer;
        }
      },
    );
    expect(mayTake(arena, 2 * MEBIBYTE)).toBe(false);
    expect(last?.detached).toBe(true);
    expect(arena.segmentBytes).toBe(16 * MEBIBYTE);
    arena.check();
  });

  test("it is not asked for each block", () => {
    const arena = new Arena();
    arena.alloc(15 * MEBIBYTE);
    const asked = refuseMemory(() => true);
    expect(mayTake(arena, 2 * MEBIBYTE)).toBe(false);
    const first = asked.length;
    for (let i = 0; i < 200; i++) expect(mayTake(arena, 2 * MEBIBYTE)).toBe(false);
    expect(asked).toHaveLength(first);
    for (let i = 0; i < 100; i++) expect(mayTake(arena, 2 * MEBIBYTE)).toBe(false);
    expect(asked.length).toBeGreaterThan(first);
  });
});
