import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Arena, ArenaFullError } from "../../memory/arena.ts";
import { Encoding } from "../../table/entry.ts";
import { kindOfEntry } from "../kind-table.ts";
import { copyValue, entryMemory, freeEntry } from "../value.ts";
import { createSet, type SetLimits, setEncodingFor } from "./new-set.ts";
import { SetChange } from "./set-change.ts";
import { SetValue } from "./set-value.ts";

const encoder = new TextEncoder();
const LIMITS = { intsetEntriesMax: 512, listpackEntriesMax: 128, listpackValueBytesMax: 64 };
const SMALL = { intsetEntriesMax: 6, listpackEntriesMax: 4, listpackValueBytesMax: 8 };

/** A member in the middle of other bytes, as arguments are. */
function given(text: string) {
  const bytes = encoder.encode(`0${text}0`);
  return { bytes, view: new DataView(bytes.buffer), start: 1, end: bytes.length - 1 };
}

function set(limits: SetLimits = LIMITS, encoding: number = Encoding.INTSET, options = {}) {
  const arena = new Arena({ segmentBytes: 2 ** 20, ...options });
  const entry = createSet(arena, 7, encoding, 0, encoder.encode("key"), 0, 3);
  const value = new SetValue(arena, 7).attach(entry);
  return {
    arena,
    entry,
    value,
    get encoding() {
      return kindOfEntry(arena, entry).encodingName;
    },
    add(text: string) {
      const { bytes, view, start, end } = given(text);
      return value.add(bytes, view, start, end, limits);
    },
    has(text: string) {
      const { bytes, view, start, end } = given(text);
      return value.has(bytes, view, start, end);
    },
    delete(text: string) {
      const { bytes, view, start, end } = given(text);
      return value.delete(bytes, view, start, end);
    },
    shown() {
      const { bytes, start, end } = value.member;
      return new TextDecoder().decode(bytes.subarray(start, end));
    },
    all() {
      const out: string[] = [];
      for (value.rewind(); value.next(); ) out.push(this.shown());
      return out;
    },
  };
}

function random32(seed: number) {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return state ^ (state >>> 15);
  };
}

const anyMember = fc.constantFrom(
  ...["a", "b", "c", "", "01", "-0", "1", "2", "3", "12", "-7", "70000", "9007199254740993"],
  ...["f".repeat(9), "9223372036854775807", "9223372036854775808"],
);

describe("a set", () => {
  test("agrees with a Set through all its encodings", () => {
    const change = fc.record({ text: anyMember, adds: fc.boolean() });
    const seen = new Set<string>();
    fc.assert(
      fc.property(fc.array(change, { maxLength: 40 }), (changes) => {
        const s = set(SMALL);
        const model = new Set<string>();
        for (const { text, adds } of changes) {
          if (adds) expect(s.add(text)).toBe(!model.has(text));
          else expect(s.delete(text)).toBe(model.has(text));
          if (adds) model.add(text);
          else model.delete(text);
          expect(s.has(text)).toBe(adds);
          expect(s.value.length).toBe(model.size);
          s.value.check();
          seen.add(s.encoding);
        }
        expect(s.all().sort()).toEqual([...model].sort());
        freeEntry(s.arena, s.entry);
        expect(s.arena.blockCount).toBe(0);
      }),
    );
    expect([...seen].sort()).toEqual(["hashtable", "intset", "listpack"]);
  });

  test.each([
    ["an integer", true, 512, Encoding.INTSET],
    ["an integer among many", true, 513, Encoding.HASHTABLE],
    ["a text", false, 128, Encoding.LISTPACK],
    ["a text among many", false, 129, Encoding.HASHTABLE],
  ])("begins with %s", (_name, isInteger, count, encoding) => {
    expect(setEncodingFor(isInteger, count, LIMITS)).toBe(encoding);
  });

  test("of integers is a table when there are too many, and a listpack with the first text", () => {
    const many = set(SMALL);
    for (let i = 0; i < 6; i++) many.add(`${i}`);
    expect(many.encoding).toBe("intset");
    many.add("5");
    expect(many.encoding).toBe("intset");
    many.add("6");
    expect(many.encoding).toBe("hashtable");
    const few = set(SMALL);
    for (const text of ["1", "2", "x"]) few.add(text);
    expect(few.encoding).toBe("listpack");
    expect(few.all()).toEqual(["1", "2", "x"]);
    // Four integers have no room for a text in a listpack of four.
    const full = set(SMALL);
    for (const text of ["1", "2", "3", "4", "x"]) full.add(text);
    expect(full.encoding).toBe("hashtable");
    // Nor has a listpack room for digits that are longer than its members may be.
    const wide = set(SMALL);
    for (const text of ["-70000000000", "x"]) wide.add(text);
    expect(wide.encoding).toBe("hashtable");
  });

  test("that is to take many becomes a table before", () => {
    const s = set(SMALL);
    s.add("1");
    s.value.expect(6, SMALL);
    expect(s.encoding).toBe("intset");
    s.value.expect(7, SMALL);
    expect(s.encoding).toBe("hashtable");
    const listpack = set(SMALL, Encoding.LISTPACK);
    listpack.value.expect(5, SMALL);
    expect(listpack.encoding).toBe("hashtable");
  });

  test("that turns out to hold integers becomes an intset", () => {
    const s = set(LIMITS, Encoding.LISTPACK);
    for (let i = 200; i > 0; i--) s.add(`${i}`);
    expect(s.encoding).toBe("hashtable");
    s.value.preferIntset(LIMITS);
    expect(s.encoding).toBe("intset");
    s.value.check();
    expect(s.all().slice(0, 3)).toEqual(["1", "2", "3"]);
  });

  test.each([
    ["intset", (i: number) => `${i}`, 60],
    ["listpack", (i: number) => `m${i}`, 60],
    ["hashtable", (i: number) => `m${i}`, 300],
  ])(
    "as %s gives each random member equally often, and gives up the one that is shown",
    (name, member, count) => {
      const s = set();
      for (let i = 0; i < count; i++) s.add(member(i));
      expect(s.encoding).toBe(name);
      const next32 = random32(1);
      const times = new Map<string, number>();
      const draws = count * 100;
      for (let i = 0; i < draws; i++) {
        s.value.random(next32);
        times.set(s.shown(), (times.get(s.shown()) ?? 0) + 1);
      }
      expect(times.size).toBe(count);
      // A hundred draws each: none is five standard deviations off.
      for (const [, drawn] of times) expect(Math.abs(drawn - 100)).toBeLessThan(50);
      for (let left = count; left > 0; left--) {
        s.value.random(next32);
        const gone = s.shown();
        s.value.deleteShown();
        expect(s.has(gone)).toBe(false);
        expect(s.value.length).toBe(left - 1);
        if (left % 50 === 0) s.value.check();
      }
    },
  );

  test("is measured and copied whole", () => {
    for (const limits of [LIMITS, SMALL]) {
      const s = set(limits);
      for (let i = 0; i < 50; i++) s.add(`member ${i}`);
      const before = s.arena.usedBytes;
      expect(entryMemory(s.arena, s.entry, 0)).toBe(before);
      copyValue(s.arena, s.entry);
      expect(s.arena.usedBytes).toBeGreaterThan(before * 1.5);
    }
  });
});

describe("a table that is prepared", () => {
  test("takes members in the order of their hashes without taking them for chosen ones", () => {
    const s = set(SMALL, Encoding.HASHTABLE, { segmentBytes: 2 ** 24 });
    for (let i = 0; i < 40_000; i++) s.add(`member ${i}`);
    const twin = set(SMALL, Encoding.HASHTABLE, { segmentBytes: 2 ** 24 });
    twin.value.reserve(s.value.length);
    const { member } = s.value;
    for (s.value.rewind(); s.value.next(); )
      twin.value.addNew(member.bytes, member.view, member.start, member.end, SMALL);
    twin.value.check();
    expect(twin.value.length).toBe(40_000);
    expect(twin.value.dict.generation).toBe(0);
    expect(twin.value.dict.seed).toBe(s.value.dict.seed);
    expect(twin.value.dict.tableBytes()).toBeLessThan(s.value.dict.tableBytes() * 1.5);
  });
});

describe("several members added as one change", () => {
  const changed = (before: string[], added: string[], limits: SetLimits, blocks: number) => {
    const s = set(limits);
    for (const text of before) s.add(text);
    const change = new SetChange(s.arena);
    const alloc = s.arena.alloc.bind(s.arena);
    let left = blocks;
    s.arena.alloc = (bytes) => {
      if (left-- === 0) throw new ArenaFullError("refused");
      return alloc(bytes);
    };
    const { blockCount } = s.arena;
    let isFull = false;
    try {
      change.begin(s.value);
      try {
        for (const text of added) {
          const { bytes, view, start, end } = given(text);
          change.add(bytes, view, start, end, limits);
        }
        change.commit();
      } catch (full) {
        change.rollBack();
        throw full;
      }
    } catch {
      isFull = true;
    }
    s.arena.alloc = alloc;
    s.value.check();
    return { s, isFull, blockCount };
  };

  test.each([
    ["an intset", ["1", "2"], ["3", "70000", "2"]],
    ["an intset that becomes a listpack", ["1", "2"], ["x", "3", "1"]],
    ["an intset that becomes a table", ["1", "2"], ["x".repeat(9), "3"]],
    ["a listpack", ["a", "b"], ["c", "a", "d"]],
    ["a listpack that becomes a table", ["a", "b"], ["c", "d", "e", "f"]],
    ["a table", ["a", "b", "c", "d", "e"], ["f", "a", "g", "h", "i", "j", "k", "l", "m"]],
  ])("%s: all of them, or none whichever block is refused", (_name, before, added) => {
    const all = [...new Set([...before, ...added])].sort();
    let refusals = 0;
    for (let blocks = 0; ; blocks++) {
      const { s, isFull, blockCount } = changed(before, added, SMALL, blocks);
      expect(s.all().sort()).toEqual(isFull ? [...before].sort() : all);
      if (!isFull) break;
      refusals++;
      if (s.encoding !== "hashtable") expect(s.arena.blockCount).toBe(blockCount);
    }
    expect(refusals).toBeGreaterThan(1);
  });
});
