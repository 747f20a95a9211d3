import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { splitBigInt, toBigInt } from "../../int64.ts";
import { Arena, ArenaFullError } from "../../memory/arena.ts";
import { byteIndex, bytesOf } from "../../table/entry.ts";
import {
  checkIntset,
  createIntset,
  intsetAt,
  intsetBytes,
  intsetCount,
  intsetDelete,
  intsetFind,
  intsetFromBytes,
  intsetInsert,
  validateIntset,
} from "./intset.ts";

function words(value: bigint) {
  const out = { hi: 0, lo: 0 };
  splitBigInt(value, out);
  return out;
}

function intset(options = {}) {
  const arena = new Arena({ segmentBytes: 2 ** 20, ...options });
  let ref = createIntset(arena);
  return {
    arena,
    add(value: bigint) {
      const { hi, lo } = words(value);
      const at = intsetFind(arena, ref, hi, lo);
      if (at >= 0) return false;
      ref = intsetInsert(arena, ref, -1 - at, hi, lo);
      return true;
    },
    remove(value: bigint) {
      const { hi, lo } = words(value);
      const at = intsetFind(arena, ref, hi, lo);
      if (at >= 0) ref = intsetDelete(arena, ref, at);
      return at >= 0;
    },
    has(value: bigint) {
      const { hi, lo } = words(value);
      return intsetFind(arena, ref, hi, lo) >= 0;
    },
    all() {
      const out = { hi: 0, lo: 0 };
      return Array.from({ length: intsetCount(arena, ref) }, (_, index) => {
        intsetAt(arena, ref, index, out);
        return toBigInt(out.hi, out.lo);
      });
    },
    bytes() {
      const start = byteIndex(ref);
      return bytesOf(arena, ref).slice(start, start + intsetBytes(arena, ref));
    },
    check: () => checkIntset(arena, ref),
  };
}

/** The ends of each width, and neighbours that meet. */
const edges = [15n, 31n, 63n].flatMap((bits) => {
  const end = 2n ** bits;
  return [-end - 1n, -end, -end + 1n, end - 2n, end - 1n, end];
});
const anyInteger = fc.oneof(
  fc.bigInt({ min: -8n, max: 8n }),
  fc.constantFrom(...edges.filter((value) => BigInt.asIntN(64, value) === value)),
);

describe("an intset", () => {
  test("has the bytes that its head draws", () => {
    const set = intset();
    for (const value of [300n, -5n, 1n]) set.add(value);
    expect([...set.bytes()]).toEqual([...[2, 0, 0, 0, 3, 0, 0, 0], ...[0xfb, 0xff, 1, 0, 0x2c, 1]]);
  });

  test("becomes wider with its widest integer, and never narrower", () => {
    const set = intset();
    set.add(1n);
    expect(set.bytes()[0]).toBe(2);
    set.add(-40_000n);
    expect(set.bytes()[0]).toBe(4);
    set.add(2n ** 40n);
    expect(set.bytes()[0]).toBe(8);
    set.remove(2n ** 40n);
    expect(set.bytes()[0]).toBe(8);
    expect(set.all()).toEqual([-40_000n, 1n]);
  });

  test("agrees with a Set, whatever comes and goes", () => {
    const change = fc.record({ value: anyInteger, adds: fc.boolean() });
    fc.assert(
      fc.property(fc.array(change, { maxLength: 60 }), (changes) => {
        const set = intset();
        const model = new Set<bigint>();
        for (const { value, adds } of changes) {
          if (adds) {
            expect(set.add(value)).toBe(!model.has(value));
            model.add(value);
          } else expect(set.remove(value)).toBe(model.delete(value));
          expect(set.has(value)).toBe(adds);
          set.check();
        }
        expect(set.all()).toEqual([...model].sort((one, other) => (one < other ? -1 : 1)));
        expect(set.arena.blockCount).toBe(1);
      }),
    );
  });

  test("is what it was when there is no room for one more", () => {
    const set = intset({ segmentBytes: 65536, limitBytes: 65536 });
    let value = 0n;
    try {
      for (;;) {
        set.add(value * 3n);
        value++;
      }
    } catch (full) {
      expect(full).toBeInstanceOf(ArenaFullError);
    }
    expect(set.all()).toHaveLength(Number(value));
    expect(() => set.add(2n ** 40n)).toThrow(ArenaFullError);
    set.check();
    expect(set.has(value * 3n)).toBe(false);
  });
});

describe("foreign bytes", () => {
  const valid = (bytes: number[]) => {
    const array = Uint8Array.from([9, ...bytes, 9]);
    return validateIntset(new DataView(array.buffer), 1, array.length - 1);
  };
  const head = (width: number, count: number) => [width, 0, 0, 0, count, 0, 0, 0];

  test.each([
    ["two integers", [...head(2, 2), 1, 0, 2, 0], true],
    ["negative ones first", [...head(2, 2), 0xff, 0xff, 0, 0], true],
    ["eight bytes wide", [...head(8, 1), 1, 2, 3, 4, 5, 6, 7, 8], true],
    ["nothing at all", [], false],
    ["half a head", [2, 0, 0, 0, 1, 0], false],
    ["no integer", head(2, 0), false],
    ["a width that there is not", [...head(3, 1), 1, 0, 0], false],
    ["one twice", [...head(2, 2), 1, 0, 1, 0], false],
    ["not in order", [...head(2, 2), 2, 0, 1, 0], false],
    ["too few bytes", [...head(2, 2), 1, 0, 2], false],
    ["too many bytes", [...head(2, 1), 1, 0, 2, 0], false],
    ["as many as wrap round", [2, 0, 0, 0, 0, 0, 0, 0x80], false],
  ])("%s", (_name, bytes, isValid) => {
    expect(valid(bytes)).toBe(isValid);
  });

  test("are taken as they are", () => {
    const set = intset();
    for (const value of [-1n, 70_000n, 2n ** 33n]) set.add(value);
    const bytes = set.bytes();
    const { arena } = set;
    const copy = intsetFromBytes(arena, bytes, 0, bytes.length);
    checkIntset(arena, copy);
    expect(intsetCount(arena, copy)).toBe(3);
  });
});
