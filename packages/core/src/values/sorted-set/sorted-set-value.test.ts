import { describe, expect, test } from "vitest";
import { Arena, ArenaFullError, NONE } from "../../memory/arena.ts";
import { append, createListpack, listpackBytes } from "../../memory/listpack.ts";
import { byteIndex, bytesOf } from "../../table/entry.ts";
import { latin1Bytes, withoutRoom } from "../../testing.ts";
import { kindOfEntry } from "../kind-table.ts";
import { entryMemory, freeEntry } from "../value.ts";
import { loadSortedSet, SortedSetScratch } from "./load-sorted-set.ts";
import { SortedSetChange } from "./sorted-set-change.ts";
import { Added, createSortedSet, SortedSetValue } from "./sorted-set-value.ts";

const SMALL = { listpackEntriesMax: 128, listpackValueBytesMax: 64 };
/** Tables from the first member on. */
const LARGE = { listpackEntriesMax: 0, listpackValueBytesMax: 64 };

type Pair = [member: string, score: number];

/** A member in the middle of other bytes, as arguments are. */
function given(text: string) {
  const bytes = latin1Bytes(`0${text}0`);
  return [bytes, new DataView(bytes.buffer), 1, bytes.length - 1] as const;
}

function textOf({ bytes, start, end }: SortedSetValue["member"]): string {
  return String.fromCharCode(...bytes.subarray(start, end));
}

/** A sorted set, spoken to in text, and what it ought to hold. */
class Pairing {
  readonly arena = new Arena({ segmentBytes: 2 ** 22 });
  readonly emptyBytes = this.arena.usedBytes;
  readonly entry = createSortedSet(this.arena, 0, latin1Bytes("key"), 0, 3);
  readonly set = new SortedSetValue(this.arena, 7).attach(this.entry);
  readonly change = new SortedSetChange(this.arena);
  model = new Map<string, number>();
  readonly limits: typeof SMALL;

  constructor(limits = SMALL) {
    this.limits = limits;
  }

  get encoding(): string {
    return kindOfEntry(this.arena, this.entry).encodingName;
  }

  add(member: string, score: number, target: Pick<SortedSetValue, "add"> = this.set): void {
    const before = this.model.get(member);
    const done = target.add(...given(member), score, this.limits);
    const wanted =
      before === undefined ? Added.NEW : before === score ? Added.SAME : Added.RESCORED;
    // Too many for expect().
    if (done !== wanted) throw new Error(`${member} at ${score}: ${done}, not ${wanted}`);
    if (before !== score) this.model.set(member, this.limits === SMALL ? score + 0 : score);
  }

  delete(member: string): void {
    const isGone = this.set.delete(...given(member));
    if (isGone !== this.model.delete(member)) throw new Error(`${member}: ${isGone}`);
  }

  sorted(): Pair[] {
    return [...this.model].sort(([a, x], [b, y]) => x - y || (a < b ? -1 : 1));
  }

  walked(): Pair[] {
    const out: Pair[] = [];
    for (this.set.seek(0); this.set.next(); ) out.push([textOf(this.set.member), this.set.score]);
    return out;
  }

  holds(): void {
    this.set.check();
    const pairs = this.sorted();
    expect(this.walked()).toEqual(pairs);
    const back: Pair[] = [];
    for (this.set.seek(pairs.length - 1); this.set.previous(); )
      back.push([textOf(this.set.member), this.set.score]);
    expect(back).toEqual(pairs.reverse());
  }
}

function random(seed: number) {
  let state = seed;
  return (below: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return ((state ^ (state >>> 15)) >>> 0) % below;
  };
}

const SCORES = [0, -0, 1, 1, 2.5, -7, 1e300, Infinity, -Infinity, 0.1, 123456789, 2 ** 60, 1e-7];
const forms = [
  ["a listpack", SMALL, "listpack"],
  ["a table", LARGE, "skiplist"],
] as const;

describe.each(forms)("a sorted set as %s", (_name, limits, encoding) => {
  test("does what a sorted array of few members and scores does", () => {
    for (let seed = 1; seed <= 6; seed++) {
      const pick = random(seed);
      const all = new Pairing(limits);
      all.add("first", 1);
      for (let i = 0; i < 300; i++) {
        const member = `${"m".repeat(pick(6))}${pick(9) * (pick(2) * 300 - 7)}`;
        if (pick(3) === 0) all.delete(member);
        else all.add(member, SCORES[pick(SCORES.length)] as number);
        if (i % 10 === 0) all.holds();
      }
      all.holds();
      expect(all.encoding, `seed ${seed}`).toBe(encoding);
      const pairs = all.sorted();
      pairs.forEach(([member, score], rank) => {
        expect(all.set.rankOf(...given(member))).toBe(rank);
        expect(all.set.score).toBe(score);
      });
      for (const bound of [...SCORES, 3, -8])
        for (const isIncluded of [false, true]) {
          const below = pairs.filter(
            ([, score]) => score < bound || (isIncluded && score === bound),
          );
          expect(all.set.countByScore(bound, isIncluded)).toBe(below.length);
        }
    }
  });

  test("counts by members where scores are equal", () => {
    const all = new Pairing(limits);
    const pick = random(5);
    for (let i = 0; i < 100; i++) all.add(`${pick(1000)}`, 0);
    all.holds();
    const pairs = all.sorted();
    for (let i = 0; i < 1000; i += 7)
      for (const isIncluded of [false, true]) {
        const [, view, start, end] = given(`${i}`);
        const below = pairs.filter(([text]) => text < `${i}` || (isIncluded && text === `${i}`));
        expect(all.set.countByMember(view, start, end, isIncluded)).toBe(below.length);
      }
  });

  test("loses a range of ranks", () => {
    const pick = random(11);
    const all = new Pairing(limits);
    for (let i = 0; i < 100; i++) all.add(`m${i}`, pick(20));
    while (all.model.size > 1) {
      const rank = pick(all.model.size);
      const count = 1 + pick(Math.min(9, all.model.size - rank));
      if (count === all.model.size) continue;
      for (const [member] of all.sorted().slice(rank, rank + count)) all.model.delete(member);
      all.set.deleteRange(rank, count);
      all.holds();
    }
  });

  test("several members change as one, or not at all", () => {
    for (let seed = 1; seed <= 12; seed++) {
      const pick = random(seed * 77);
      const all = new Pairing(limits);
      for (let i = 0; i < 70; i++) all.add(`m${pick(200)}`, pick(5));
      const before = new Map(all.model);
      const bytes = all.arena.usedBytes;
      const pairs = Array.from({ length: 90 }, (): Pair => [`m${pick(250)}`, pick(6)]);
      const attempt = () => {
        all.change.begin(all.set);
        try {
          for (const [member, score] of pairs) all.add(member, score, all.change);
        } catch (full) {
          all.change.rollBack();
          throw full;
        }
        all.change.commit();
      };
      for (let failing = 1; ; failing += 3) {
        const isHindered = withoutRoom(all.arena, failing, false, () => {
          try {
            attempt();
          } catch (full) {
            expect(full).toBeInstanceOf(ArenaFullError);
            all.model = new Map(before);
          }
        });
        if (!isHindered) break;
        all.set.attach(all.entry);
        all.holds();
        expect(all.encoding).toBe(encoding);
      }
      all.holds();
      expect(all.arena.usedBytes).toBeGreaterThan(bytes);
    }
  });

  test("a single change is whole or has not happened", () => {
    const all = new Pairing(limits);
    const pick = random(3);
    for (let i = 0; i < 200; i++) {
      const member = `m${pick(90)}`;
      const score = pick(40) / 8;
      const before = new Map(all.model);
      withoutRoom(all.arena, 1 + pick(4), false, () => {
        try {
          all.add(member, score);
        } catch (full) {
          expect(full).toBeInstanceOf(ArenaFullError);
          all.model = before;
        }
      });
      all.set.attach(all.entry);
      all.set.check();
      expect(all.walked()).toEqual(all.sorted());
      all.add(member, score);
    }
    all.holds();
  });
});

describe("a large sorted set", () => {
  const orders: Record<string, (i: number) => number> = {
    ascending: (i) => i,
    descending: (i) => -i,
    "in any order": (i) => Math.imul(i, 0x9e3779b1) >>> 8,
    "of one score": () => 1,
  };

  test.each(Object.entries(orders))("grows and shrinks, %s", (name, scoreFor) => {
    const all = new Pairing(LARGE);
    for (let i = 0; i < 8000; i++) all.add(`member:${i}`, scoreFor(i));
    all.holds();
    const bytes = entryMemory(all.arena, all.entry, 0);
    expect(bytes / 8000, name).toBeLessThan(90);
    for (let i = 0; i < 8000; i += 3) all.add(`member:${i}`, scoreFor(i + 50_000));
    all.holds();
    for (let i = 0; i < 7990; i++) all.delete(`member:${(i * 7919) % 8000}`);
    all.holds();
    all.set.deleteRange(0, all.set.length);
    all.set.check();
    freeEntry(all.arena, all.entry);
    expect(all.arena.usedBytes).toBe(all.emptyBytes);
    all.arena.check();
  });

  test("of few members keeps their order in a small leaf, whole after each that comes", () => {
    const few = new Pairing(LARGE);
    few.add("a member", 1);
    expect(few.encoding).toBe("skiplist");
    expect(entryMemory(few.arena, few.entry, 0)).toBeLessThan(300);
    for (let i = 0; i < 70; i++) {
      few.add(`member ${i}`, (i * 37) % 70);
      few.holds();
    }
  });

  test("keeps its order in few nodes when it has shrunk", () => {
    const all = new Pairing(LARGE);
    for (let i = 0; i < 8000; i++) all.add(`m${i}`, i);
    for (let i = 0; i < 8000; i++) if (i % 50 !== 0) all.delete(`m${i}`);
    all.holds();
    expect(entryMemory(all.arena, all.entry, 0)).toBeLessThan(160 * 140);
  });
});

describe("foreign listpacks", () => {
  function loaded(words: (string | number)[], limits = SMALL): Pair[] | string {
    const arena = new Arena({ segmentBytes: 2 ** 22 });
    let source = createListpack(arena);
    for (const word of words) {
      const text = latin1Bytes(`${word}`);
      source = append(arena, source, text, 0, text.length);
    }
    const start = byteIndex(source);
    const bytes = bytesOf(arena, source).slice(start, start + listpackBytes(arena, source));
    const before = arena.usedBytes;
    const set = new SortedSetValue(arena, 7);
    const key = latin1Bytes("key");
    const scratch = new SortedSetScratch();
    const entry = loadSortedSet(set, 0, key, 0, 3, -1, bytes, 0, bytes.length, limits, scratch);
    if (entry === NONE) {
      expect(arena.usedBytes).toBe(before);
      return "none";
    }
    set.check();
    const out: Pair[] = [];
    for (set.seek(0); set.next(); ) out.push([textOf(set.member), set.score]);
    freeEntry(arena, entry);
    expect(arena.usedBytes).toBe(before);
    return out;
  }

  const many = Array.from({ length: 300 }, (_, i) => [`m${i}`, i]).flat();

  test("are taken, put in order, or refused", () => {
    expect(loaded(["a", 1, "b", 2])).toEqual([
      ["a", 1],
      ["b", 2],
    ]);
    expect(loaded(["b", 2, "a", "1.50000"])).toEqual([
      ["a", 1.5],
      ["b", 2],
    ]);
    expect(loaded(["b", 1, "a", 1])).toEqual([
      ["a", 1],
      ["b", 1],
    ]);
    expect(loaded(["a", "inf", "b", "-inf", "c", "-0"])).toEqual([
      ["b", -Infinity],
      ["c", 0],
      ["a", Infinity],
    ]);
    expect(loaded(["a", 1, "a", 2])).toBe("none");
    expect(loaded(["a", 1, "b", "nan"])).toBe("none");
    expect(loaded(["a", 1, "b", "x"])).toBe("none");
    expect(loaded(["a", 1, "b"])).toBe("none");
    expect(loaded([])).toBe("none");
  });

  test("become tables when they have too many members, checked as well", () => {
    expect(loaded(many)).toHaveLength(300);
    expect(loaded([...many, "m7", 300])).toBe("none");
    expect(loaded([...many, "m7", 300], { ...SMALL, listpackEntriesMax: 1000 })).toBe("none");
  });
});
