import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { LazyFree } from "../keyspace/lazy-free.ts";
import { Arena, ArenaFullError, NONE, type Ref } from "../memory/arena.ts";
import { RefList } from "../memory/ref-list.ts";
import { bytesOf, keyIndex, keyLength } from "./entry.ts";
import { Membership } from "./membership.ts";

/** A relation with text names (one character a byte), and its arena. */
function relation({ lazily = false } = {}) {
  const arena = new Arena({ segmentBytes: 65536 });
  let state = 1;
  const random32 = () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return state ^ (state >>> 15);
  };
  const lazyFree = lazily ? new LazyFree(arena) : null;
  const all = new Membership(arena, random32, lazyFree);
  const places = new Map<string, readonly [Uint8Array, DataView, number, number]>();
  const place = (name: string) => {
    const known = places.get(name);
    if (known !== undefined) return known;
    const bytes = Uint8Array.from(name, (character) => character.charCodeAt(0));
    const made = [bytes, new DataView(bytes.buffer), 0, bytes.length] as const;
    places.set(name, made);
    return made;
  };
  const nameOf = (name: Ref) => {
    const at = keyIndex(arena, name);
    const bytes = bytesOf(arena, name).subarray(at, at + keyLength(arena, name));
    return String.fromCharCode(...bytes);
  };
  return {
    arena,
    all,
    lazyFree,
    nameOf,
    find: (name: string) => all.find(...place(name)),
    add: (member: number, name: string) => all.add(member, ...place(name)),
    has: (member: number, name: string) => all.has(member, ...place(name)),
    remove: (member: number, name: string) => all.remove(member, ...place(name)),
    names() {
      const found: string[] = [];
      for (let at = all.firstName(); at !== NONE; at = all.nextName(at)) found.push(nameOf(at));
      return found;
    },
    membersOf(name: string, countMax?: number) {
      const out = new RefList();
      all.membersOf(all.find(...place(name)), out, countMax);
      return unsigned(out);
    },
    namesOf(member: number) {
      const found: string[] = [];
      for (
        let pair = all.firstPairOfMember(member);
        pair !== NONE;
        pair = all.nextPairOfMember(pair)
      )
        found.push(nameOf(all.nameOf(pair)));
      return found;
    },
  };
}

function unsigned(list: RefList): number[] {
  return [...list.refs.subarray(0, list.count)].map((member) => member >>> 0);
}

/** The same with JavaScript's own tables: they keep the order of joining as well. */
class Model {
  readonly names = new Map<string, Set<number>>();
  readonly members = new Map<number, Set<string>>();

  add(member: number, name: string): boolean {
    const members = this.names.get(name) ?? new Set();
    if (members.has(member)) return false;
    this.names.set(name, members.add(member));
    this.members.set(member, (this.members.get(member) ?? new Set()).add(name));
    return true;
  }

  remove(member: number, name: string): boolean {
    const members = this.names.get(name);
    const names = this.members.get(member);
    if (members === undefined || names === undefined || !members.delete(member)) return false;
    names.delete(name);
    if (members.size === 0) this.names.delete(name);
    if (names.size === 0) this.members.delete(member);
    return true;
  }

  removeMember(member: number, kept: number): void {
    for (const name of [...(this.members.get(member) ?? [])].slice(kept)) this.remove(member, name);
  }

  removeName(name: string): number[] {
    const members = [...(this.names.get(name) ?? [])];
    for (const member of members) this.remove(member, name);
    return members;
  }
}

const MEMBERS = [1, 2, 3, 0, 0x80000000, 0xffffffff];
/** Two lengths that end in the middle of a word, two that fill blocks of pages, and none. */
const NAMES = [
  "",
  "a",
  "b",
  "\0\xff",
  "__proto__",
  "x".repeat(40),
  "y".repeat(5000),
  "z".repeat(20000),
];
const member = fc.constantFrom(...MEMBERS);
const name = fc.constantFrom(...NAMES);
const step = fc.oneof(
  { weight: 30, arbitrary: fc.record({ kind: fc.constant("add" as const), member, name }) },
  { weight: 15, arbitrary: fc.record({ kind: fc.constant("remove" as const), member, name }) },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant("removeMember" as const),
      member,
      kept: fc.constantFrom(0, 0, 1, 3),
    }),
  },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant("removeName" as const), name }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("clear" as const) }) },
);
type Step = typeof step extends fc.Arbitrary<infer Each> ? Each : never;

/** Does the same to both; a step for which the arena has no room changes neither. */
function doBoth(kv: ReturnType<typeof relation>, model: Model, each: Step): void {
  switch (each.kind) {
    case "add": {
      const had = kv.has(each.member, each.name);
      try {
        expect(kv.add(each.member, each.name)).toBe(!had);
      } catch (full) {
        expect(full).toBeInstanceOf(ArenaFullError);
        expect(had).toBe(false);
        return;
      }
      expect(model.add(each.member, each.name)).toBe(!had);
      return;
    }
    case "remove":
      expect(kv.remove(each.member, each.name)).toBe(model.remove(each.member, each.name));
      return;
    case "removeMember":
      if (each.kept === 0) kv.all.removeMember(each.member);
      else kv.all.keepFirst(each.member, each.kept);
      model.removeMember(each.member, each.kept);
      return;
    case "removeName": {
      const found = kv.find(each.name);
      const members = model.removeName(each.name);
      expect(found === NONE).toBe(members.length === 0);
      if (found === NONE) return;
      const out = new RefList();
      kv.all.detachName(found, out);
      expect(unsigned(out)).toEqual(members);
      expect(kv.nameOf(found)).toBe(each.name);
      kv.all.release(found);
      return;
    }
    case "clear":
      kv.all.clear();
      model.names.clear();
      model.members.clear();
  }
}

function expectSame(kv: ReturnType<typeof relation>, model: Model): void {
  kv.all.check();
  expect(kv.names()).toEqual([...model.names.keys()]);
  expect(kv.all.nameCount).toBe(model.names.size);
  for (const each of NAMES) {
    const members = [...(model.names.get(each) ?? [])];
    expect(kv.membersOf(each)).toEqual(members);
    expect(kv.membersOf(each, 2)).toEqual([...members].slice(0, 2));
    expect(kv.all.countOf(kv.find(each))).toBe(members.length);
    for (const one of MEMBERS) expect(kv.has(one, each)).toBe(members.includes(one));
  }
  for (const one of MEMBERS) {
    const names = [...(model.members.get(one) ?? [])];
    expect(kv.namesOf(one)).toEqual(names);
    expect(kv.all.countOfMember(one)).toBe(names.length);
  }
  if (model.names.size === 0) expect(kv.arena.usedBytes).toBe(0);
}

describe("agrees with a Map of Sets", () => {
  test("whatever joins and leaves, in the order of joining", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const kv = relation();
        const model = new Model();
        for (const each of steps) {
          doBoth(kv, model, each);
          expectSame(kv, model);
        }
        kv.arena.check();
        kv.all.clear();
        expect(kv.arena.usedBytes).toBe(0);
      }),
      { numRuns: 60 },
    );
  });

  test("where what finds no room leaves nothing behind", () => {
    // Each step has one of the blocks that it asks for refused, if it asks for so many.
    const refusing = fc.record({ step, refusedBlock: fc.integer({ min: 0, max: 8 }) });
    const refusedBlocks = new Set<number>();
    fc.assert(
      fc.property(fc.array(refusing, { maxLength: 60 }), (steps) => {
        const kv = relation();
        const model = new Model();
        const alloc = kv.arena.alloc.bind(kv.arena);
        for (const { step: each, refusedBlock } of steps) {
          let left = refusedBlock;
          kv.arena.alloc = (bytes) => {
            if (left-- === 0) throw new ArenaFullError("refused by the test");
            return alloc(bytes);
          };
          const before = kv.arena.usedBytes;
          const count = kv.all.pairCount;
          doBoth(kv, model, each);
          if (each.kind === "add" && kv.all.pairCount === count && left < 0) {
            refusedBlocks.add(refusedBlock);
            // Only a table may have grown.
            if (count === 0) expect(kv.arena.usedBytes).toBe(before);
          }
          kv.all.check();
        }
        expectSame(kv, model);
        kv.all.clear();
        expect(kv.arena.usedBytes).toBe(0);
      }),
      { numRuns: 60 },
    );
    expect(refusedBlocks.size).toBeGreaterThan(6);
  });
});

/** Name number `index` of 4096 that have one hash under every even seed. */
function collidingName(index: number): string {
  const key = new Uint8Array(192);
  const view = new DataView(key.buffer);
  for (let block = 0; block < 12; block++) {
    if (((index >>> block) & 1) === 0) continue;
    view.setInt32(block * 16 + 4, 1 << 31, true);
    view.setInt32(block * 16 + 8, 1 << 31, true);
    view.setInt32(block * 16 + 12, 1 << 10, true);
  }
  return String.fromCharCode(...key);
}

test("names made to collide are told apart, before and after the table takes another hash", () => {
  const kv = relation();
  const model = new Model();
  for (let index = 0; index < 1500; index++) {
    for (const one of [index % 3, 3]) {
      kv.add(one, collidingName(index));
      model.add(one, collidingName(index));
    }
  }
  kv.all.check();
  for (const one of [0, 1, 2, 3])
    expect(kv.namesOf(one)).toEqual([...(model.members.get(one) ?? [])]);
  kv.all.removeMember(3);
  model.removeMember(3, 0);
  kv.all.check();
  expect(kv.names()).toEqual([...model.names.keys()]);
});

describe("what a member costs", () => {
  test("is what the arena gives for its pairs and for the names it is first in, and a bit", () => {
    const kv = relation();
    for (let index = 0; index < 5000; index++) kv.add(7, `name-${index}`);
    expect(kv.all.bytesOf(7)).toBeGreaterThan(kv.arena.usedBytes * 0.9);
    expect(kv.all.bytesOf(7)).toBeLessThan(kv.arena.usedBytes * 1.1);
    expect(kv.all.bytesOf(8)).toBe(0);
  });

  test("goes on to the next in a name when the first leaves", () => {
    const kv = relation();
    const long = "x".repeat(100_000);
    for (const one of [1, 2, 3]) kv.add(one, long);
    expect(kv.all.bytesOf(1)).toBeGreaterThan(100_000);
    expect(kv.all.bytesOf(2)).toBeLessThan(1000);
    kv.all.removeMember(1);
    expect(kv.all.bytesOf(2)).toBeGreaterThan(100_000);
    expect(kv.all.bytesOf(3)).toBeLessThan(1000);
    kv.all.check();
  });

  test("is right past four gigabytes", () => {
    const kv = relation();
    // As many bytes as no test should take: the sum is of units, and those are what overflows.
    kv.add(1, "a");
    const { arena } = kv;
    const blockBytes = arena.blockBytes.bind(arena);
    const long = kv.find("a");
    kv.remove(1, "a");
    arena.blockBytes = (ref) => (ref === long ? 20 * 2 ** 30 : blockBytes(ref));
    kv.add(1, "a");
    expect(kv.find("a")).toBe(long);
    expect(kv.all.bytesOf(1)).toBeGreaterThan(20 * 2 ** 30);
    kv.all.check();
  });
});

test("a flag goes with a pair", () => {
  const kv = relation();
  kv.add(1, "a");
  kv.add(2, "a");
  const pair = kv.all.pair(2, kv.find("a"));
  expect(kv.all.flagOf(pair)).toBe(0);
  kv.all.setFlag(pair, 5);
  expect(kv.all.flagOf(kv.all.pair(2, kv.find("a")))).toBe(5);
  expect(kv.all.flagOf(kv.all.pair(1, kv.find("a")))).toBe(0);
  kv.remove(2, "a");
  kv.add(2, "a");
  expect(kv.all.flagOf(kv.all.pair(2, kv.find("a")))).toBe(0);
});

test("a random name is any of those that are there", () => {
  const kv = relation();
  expect(kv.all.randomName()).toBe(NONE);
  for (const each of ["a", "b", "c"]) kv.add(1, each);
  kv.remove(1, "a");
  const chosen = new Set<string>();
  for (let i = 0; i < 100; i++) chosen.add(kv.nameOf(kv.all.randomName()));
  expect(chosen).toEqual(new Set(["b", "c"]));
});

test("many that are cleared at once are freed a slice at a time, and leak nothing", () => {
  const kv = relation({ lazily: true });
  for (let index = 0; index < 20_000; index++) kv.add(index % 5, `name-${index >> 1}`);
  kv.all.clear();
  expect(kv.all.nameCount).toBe(0);
  kv.all.check();
  expect(kv.lazyFree?.pendingObjects).toBe(10_000);
  expect(kv.arena.usedBytes).toBeGreaterThan(1_000_000);
  kv.add(1, "a");
  while (kv.lazyFree?.step(512) === true);
  expect(kv.namesOf(1)).toEqual(["a"]);
  kv.remove(1, "a");
  expect(kv.arena.usedBytes).toBe(0);
  kv.arena.check();
});

test("a member that is alone takes everything along in one go", () => {
  const kv = relation({ lazily: true });
  for (let index = 0; index < 20_000; index++) kv.add(9, `name-${index}`);
  kv.all.removeMember(9);
  expect(kv.all.pairCount).toBe(0);
  expect(kv.lazyFree?.pendingObjects).toBe(20_000);
});
