import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Arena, ArenaFullError, NONE, type Ref, roundedBytes } from "../memory/arena.ts";
import { RefList } from "../memory/ref-list.ts";
import { Dict } from "./dict.ts";
import { bytesOf, createEntry, keyIndex, keyLength } from "./entry.ts";
import { KEYED_SEED_BIT } from "./hash.ts";

const encoder = new TextEncoder();

/** A dict beside the arena it lives in, with text keys. */
function table(seed = 2) {
  const arena = new Arena({ segmentBytes: 2 ** 20 });
  const dict = new Dict(arena).attach(Dict.create(arena, seed));
  const locate = (key: string): Ref => {
    const bytes = encoder.encode(key);
    const view = new DataView(bytes.buffer);
    return dict.find(bytes, view, 0, bytes.length, dict.hash(bytes, view, 0, bytes.length));
  };
  return {
    arena,
    dict,
    has: (key: string) => locate(key) !== NONE,
    add(key: string) {
      if (locate(key) !== NONE) return false;
      const bytes = encoder.encode(key);
      const entry = createEntry(arena, 0, 0, 0, bytes, 0, bytes.length, 0);
      dict.insert(entry, dict.hashOfEntry(entry));
      return true;
    },
    remove(key: string) {
      const entry = locate(key);
      if (entry === NONE) return false;
      dict.removeFound();
      arena.free(entry);
      return true;
    },
    keyOf(entry: Ref) {
      const at = keyIndex(arena, entry);
      return new TextDecoder().decode(
        bytesOf(arena, entry).subarray(at, at + keyLength(arena, entry)),
      );
    },
  };
}

const viewOf = (bytes: Uint8Array) => new DataView(bytes.buffer);

function hashOf(dict: Dict, key: Uint8Array): number {
  return dict.hash(key, viewOf(key), 0, key.length);
}

/** Key number `index` of 4096 that have one hash under every even seed. */
function collidingKey(index: number): Uint8Array {
  const key = new Uint8Array(192);
  const view = viewOf(key);
  for (let block = 0; block < 12; block++) {
    if (((index >>> block) & 1) === 0) continue;
    // Upper bits move through both lanes without a carry, and meet again.
    view.setInt32(block * 16 + 4, 1 << 31, true);
    view.setInt32(block * 16 + 8, 1 << 31, true);
    view.setInt32(block * 16 + 12, 1 << 10, true);
  }
  return key;
}

/** As table(), with most keys in the last quarter: pages there are split deeper than the rest. */
function uneven() {
  const made = table();
  const { dict } = made;
  // A key is its hash, in decimal.
  dict.hash = (bytes, _view, start, end) =>
    Number(new TextDecoder().decode(bytes.subarray(start, end))) | 0;
  dict.hashOfEntry = (entry) => Number(made.keyOf(entry)) | 0;
  let state = 1;
  const next = (below: number) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  const even = Array.from({ length: 8000 }, () => `${next(2 ** 32)}`);
  const dense = Array.from({ length: 20_000 }, () => `${3 * 2 ** 30 + next(2 ** 30)}`);
  const order = [...new Set([...even, ...dense])];
  for (const key of order) made.add(key);
  return { ...made, order };
}

/** As table(), with hashes chosen by the test: keys meet in a few homes, some at a page's end. */
function clashing() {
  const made = table();
  const hashOf = (bytes: Uint8Array) => (((bytes[0] as number) % 5) - 2) * 0x3fff_0000;
  made.dict.hash = (bytes) => hashOf(bytes) | 0;
  made.dict.hashOfEntry = (entry) => hashOf(encoder.encode(made.keyOf(entry))) | 0;
  return made;
}

describe("Dict", () => {
  test("touching finds each entry by its hash, and nothing for a hash that is not there", () => {
    const { dict, add, keyOf } = table();
    const keys = Array.from({ length: 5000 }, (_, index) => `key:${index}`);
    for (const key of keys) add(key);
    const hashes = Int32Array.from([...keys, "missing"], (key) =>
      hashOf(dict, encoder.encode(key)),
    );
    const places = new Int32Array(hashes.length);
    dict.touchSlots(hashes, hashes.length, places);
    dict.touchEntries(hashes, hashes.length, places);
    // Two of so few keys do not have the same 32 bits.
    expect(Array.from(places.subarray(0, keys.length), keyOf)).toEqual(keys);
    expect(places[keys.length]).toBe(NONE);
  });

  test("agrees with a Map when keys meet in few homes", () => {
    const step = fc.record({ key: fc.integer({ min: 65, max: 84 }), add: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const t = clashing();
        const model = new Set<string>();
        for (const { key, add } of steps) {
          const name = String.fromCharCode(key);
          if (add) expect(t.add(name)).toBe(!model.has(name));
          else expect(t.remove(name)).toBe(model.has(name));
          if (add) model.add(name);
          else model.delete(name);
          t.dict.check();
          for (let k = 65; k <= 84; k++)
            expect(t.has(String.fromCharCode(k))).toBe(model.has(String.fromCharCode(k)));
        }
      }),
    );
  });

  test("splits, merges and gives everything back", () => {
    const t = table();
    const empty = t.arena.usedBytes;
    for (let i = 0; i < 20_000; i++) t.add(`key:${i}`);
    t.dict.check();
    t.arena.check();
    expect(t.dict.count).toBe(20_000);
    for (let i = 0; i < 20_000; i++) expect(t.has(`key:${i}`)).toBe(true);
    expect(t.has("key:20000")).toBe(false);
    expect(t.dict.tableBytes() / t.dict.count).toBeLessThan(22);
    for (let i = 0; i < 20_000; i += 2) t.remove(`key:${i}`);
    t.dict.check();
    for (let i = 1; i < 20_000; i += 2) t.remove(`key:${i}`);
    t.dict.check();
    t.arena.check();
    expect(t.arena.usedBytes).toBe(empty);
  });

  test("pages of different depths merge with their own halves only", () => {
    const made = uneven();
    const { dict, arena, order } = made;
    dict.check();
    expect(dict.generation).toBe(0);
    for (const [index, key] of order.entries()) {
      expect(made.remove(key)).toBe(true);
      if (index % 1000 !== 0) continue;
      dict.check();
      expect(order.slice(index + 1).every((each) => made.has(each))).toBe(true);
    }
    expect(dict.slotCount()).toBe(4);
    arena.check();
  });

  /** All that a walk returns, in its order. */
  function walked({ dict }: { dict: Dict }): number[] {
    const out = new RefList();
    let cursor = 0;
    do cursor = dict.walk(cursor, out);
    while (cursor !== 0);
    return Array.from(out.refs.subarray(0, out.count));
  }

  test("a walk returns each key once, however many there are and however uneven the pages", () => {
    const tables = [0, 1, 3, 4, 100, 3000, 20_000].map((count) => {
      const made = table(5);
      for (let i = 0; i < count; i++) made.add(`key:${i}`);
      return made;
    });
    for (const made of [...tables, uneven()]) {
      const entries = new Set<number>();
      made.dict.eachEntry((entry) => entries.add(entry));
      const found = walked(made);
      expect(found.length).toBe(made.dict.count);
      expect(new Set(found)).toEqual(entries);
    }
  });

  test("a scan returns each lasting key exactly once while others come and go", () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: 1, max: 50 }), (seed, wanted) => {
        const t = table(seed);
        for (let i = 0; i < 3000; i++) t.add(`stay:${i}`);
        const seen = new Map<string, number>();
        const out = new RefList();
        let cursor = 0;
        let round = 0;
        do {
          out.clear();
          cursor = t.dict.scan(cursor, wanted * 20, out);
          for (let i = 0; i < out.count; i++) {
            const key = t.keyOf(out.at(i));
            seen.set(key, (seen.get(key) ?? 0) + 1);
          }
          for (let i = 0; i < 500; i++) {
            if (round % 2 === 0) t.add(`go:${round}:${i}`);
            else t.remove(`go:${round - 1}:${i}`);
          }
          round++;
        } while (cursor !== 0);
        for (let i = 0; i < 3000; i++) expect(seen.get(`stay:${i}`)).toBe(1);
      }),
      { numRuns: 10 },
    );
  });

  test("a scan returns keys whose hashes lie on the borders of its slices once", () => {
    const made = table();
    const { dict } = made;
    // A key is the slot where it belongs. Three of four are full, those on both sides of a border too.
    dict.hashOfEntry = (entry) => Math.imul(Number(made.keyOf(entry)), 2 ** 23);
    dict.hash = (bytes) => Math.imul(Number(new TextDecoder().decode(bytes)), 2 ** 23);
    const keys = Array.from({ length: 512 }, (_, i) => i).filter((i) => i % 4 !== 2);
    for (const key of keys) made.add(`${key}`);
    const seen: number[] = [];
    const out = new RefList();
    for (let cursor = 0, isFirst = true; isFirst || cursor !== 0; isFirst = false) {
      out.clear();
      cursor = dict.scan(cursor, 1, out);
      for (let i = 0; i < out.count; i++) seen.push(Number(made.keyOf(out.at(i))));
    }
    expect(seen.sort((a, b) => a - b)).toEqual(keys);
  });

  test("keys that collide under every plain seed make the dict take a keyed one", () => {
    const { arena, dict } = table();
    const keys = Array.from({ length: 4096 }, (_, index) => collidingKey(index));
    const hashes = new Set(keys.map((key) => hashOf(dict, key)));
    expect(hashes.size).toBe(1);
    for (const key of keys) {
      const entry = createEntry(arena, 0, 0, 0, key, 0, key.length, 0);
      dict.insert(entry, dict.hashOfEntry(entry));
    }
    expect(dict.generation).toBe(1);
    expect(dict.seed & KEYED_SEED_BIT).toBe(KEYED_SEED_BIT);
    expect(new Set(keys.map((key) => hashOf(dict, key))).size).toBeGreaterThan(4090);
    for (const key of keys)
      expect(dict.find(key, viewOf(key), 0, key.length, hashOf(dict, key))).not.toBe(NONE);
    dict.check();
  });

  test("no room for a new seed leaves the dict whole", () => {
    const { arena, dict } = table();
    const alloc = arena.alloc.bind(arena);
    const add = (index: number) => {
      const key = collidingKey(index);
      const entry = createEntry(arena, 0, 0, 0, key, 0, key.length, 0);
      dict.insert(entry, dict.hashOfEntry(entry));
    };
    for (let index = 0; index < 510; index++) add(index);
    const used = arena.usedBytes;
    let left = 6;
    arena.alloc = (bytes) => {
      if (left-- === 0) throw new ArenaFullError("full");
      return alloc(bytes);
    };
    for (let index = 510; index < 514; index++) add(index);
    arena.alloc = alloc;
    expect(dict.generation).toBe(0);
    expect(dict.count).toBe(514);
    dict.check();
    expect(arena.usedBytes - used).toBe(4 * roundedBytes(16 + 192));
  });

  test("even equal hashes under a keyed seed are only slow", () => {
    const t = table(KEYED_SEED_BIT);
    t.dict.hash = () => 42;
    t.dict.hashOfEntry = () => 42;
    for (let i = 0; i < 1200; i++) t.add(String(i));
    for (let i = 0; i < 1200; i += 2) t.remove(String(i));
    t.dict.check();
    expect(t.has("1")).toBe(true);
    expect(t.has("2")).toBe(false);
  });

  test("random prefers no key, not even one that stands behind a wide gap", () => {
    const made = table();
    for (let i = 0; i < 200; i++) made.add(`k${i}`);
    const picks = new Map<Ref, number>();
    let state = 5;
    const next32 = () => {
      state = (Math.imul(state, 1664525) + 1013904223) | 0;
      return state ^ (state >>> 15);
    };
    for (let i = 0; i < 40_000; i++) {
      const entry = made.dict.random(next32);
      picks.set(entry, (picks.get(entry) ?? 0) + 1);
    }
    expect(picks.size).toBe(200);
    expect(Math.max(...picks.values())).toBeLessThan(2 * Math.min(...picks.values()));
  });

  test("a sample names no key twice, however the directory spells its pages", () => {
    const { dict } = uneven();
    const out = new RefList();
    for (let place = 0; place < 64; place++) {
      out.clear();
      dict.sample(2500, () => Math.imul(place, 0x4000_0001), out);
      const sampled = Array.from(out.refs.subarray(0, out.count));
      expect(new Set(sampled).size).toBe(2500);
    }
  });

  test("random picks every key", () => {
    const t = table();
    for (let i = 0; i < 50; i++) t.add(`k${i}`);
    let state = 12345;
    const next32 = () => {
      state = (Math.imul(state, 1664525) + 1013904223) | 0;
      return state ^ (state >>> 15);
    };
    const seen = new Set<string>();
    for (let i = 0; i < 5000; i++) seen.add(t.keyOf(t.dict.random(next32)));
    expect(seen.size).toBe(50);
    const out = new RefList();
    t.dict.sample(16, next32, out);
    expect(out.count).toBeGreaterThan(0);
    expect(out.count).toBeLessThanOrEqual(16);
  });
});
