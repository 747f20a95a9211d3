/** Cuts through large hashes, which are handed over in pieces while everything goes on changing. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ArenaFullError, NONE, type Ref } from "../memory/arena.ts";
import { RefList } from "../memory/ref-list.ts";
import { createKeyspace } from "../plain-access.ts";
import { Dict } from "../table/dict.ts";
import {
  bytesOf,
  Encoding,
  EXTERNAL_FLAG,
  encodingOf,
  expiryMs,
  flagsOf,
  keyIndex,
  keyLength,
  Type,
  typeOf,
  valueRef,
} from "../table/entry.ts";
import { withoutRoom } from "../testing.ts";
import { createHash, HashValue } from "../values/hash/hash-value.ts";
import type { CutPiece } from "../values/kind.ts";
import { setString } from "../values/string/string-value.ts";
import { StringView } from "../values/string/string-view.ts";
import { copyValue } from "../values/value.ts";
import type { Cut, CutConsumer } from "./snapshot-cut.ts";

const LIMITS = { listpackEntriesMax: 2, listpackValueBytesMax: 64 };
const ONE_SHOT = { listpackEntriesMax: 0, listpackValueBytesMax: 64 };

function bytesOfText(text: string) {
  const bytes = Uint8Array.from(text, (character) => character.charCodeAt(0));
  return { bytes, view: new DataView(bytes.buffer), end: bytes.length };
}

function textOf(bytes: Uint8Array, start: number, end: number): string {
  return String.fromCharCode(...bytes.subarray(start, end));
}

/** A keyspace of three databases, spoken to in text. */
function speaker(wholeElementsMax: number) {
  let state = 11;
  const keyspace = createKeyspace({
    random32: () => {
      state = (Math.imul(state, 1664525) + 1013904223) | 0;
      return state ^ (state >>> 13);
    },
    databaseCount: 3,
    arena: { segmentBytes: 2 ** 20 },
  });
  keyspace.cuts.wholeElementsMax = wholeElementsMax;
  const { arena } = keyspace;
  const hash = new HashValue(arena, keyspace.seed);
  const string = new StringView();

  function database(index: number) {
    return keyspace.databases[index];
  }
  function find(index: number, key: string): Ref {
    const { bytes, view, end } = bytesOfText(key);
    return database(index).findKey(bytes, view, 0, end);
  }
  function keyOf(entry: Ref): string {
    const at = keyIndex(arena, entry);
    return textOf(bytesOf(arena, entry), at, at + keyLength(arena, entry));
  }
  function fieldOf(entry: Ref): [string, string] {
    hash.readField(entry);
    return [
      textOf(hash.fieldBytes, hash.fieldStart, hash.fieldEnd),
      textOf(hash.valueBytes, hash.valueStart, hash.valueEnd),
    ];
  }
  /** Key, expiry and value of an entry as one text. */
  function contentOf(entry: Ref): Value {
    const at = expiryMs(arena, entry);
    if (typeOf(arena, entry) === Type.STRING) {
      string.read(arena, entry);
      return { at, fields: [["", textOf(string.bytes, string.start, string.end)]] };
    }
    const fields: [string, string][] = [];
    hash.attach(entry).rewind();
    while (hash.next()) {
      fields.push([
        textOf(hash.fieldBytes, hash.fieldStart, hash.fieldEnd),
        textOf(hash.valueBytes, hash.valueStart, hash.valueEnd),
      ]);
    }
    return { at, fields: fields.sort() };
  }
  return {
    keyspace,
    database,
    find,
    keyOf,
    fieldOf,
    contentOf,
    contents(): Map<string, Value> {
      const all = new Map<string, Value>();
      for (const { index, dict } of keyspace.databases)
        dict.eachEntry((entry) => all.set(`${index}/${keyOf(entry)}`, contentOf(entry)));
      return all;
    },
    set(index: number, key: string, value: string) {
      const { bytes, view, end } = bytesOfText(key);
      const at = database(index).hash(bytes, view, 0, end);
      const text = bytesOfText(value);
      const old = find(index, key);
      setString(database(index), old, bytes, 0, end, at, text.bytes, 0, text.end, false, 0);
    },
    hset(index: number, key: string, field: string, value: string, limits = LIMITS) {
      let entry = find(index, key);
      if (entry === NONE) {
        const { bytes, end } = bytesOfText(key);
        entry = createHash(arena, keyspace.cuts.epoch, bytes, 0, end);
        database(index).adopt(entry);
      }
      if (typeOf(arena, entry) !== Type.HASH) return;
      database(index).preserve(entry);
      const name = bytesOfText(field);
      const text = bytesOfText(value);
      hash.attach(entry);
      hash.set(name.bytes, name.view, 0, name.end, text.bytes, 0, text.end, limits);
    },
    hdel(index: number, key: string, field: string) {
      const entry = find(index, key);
      if (entry === NONE || typeOf(arena, entry) !== Type.HASH) return;
      database(index).preserve(entry);
      const name = bytesOfText(field);
      hash.attach(entry).delete(name.bytes, name.view, 0, name.end);
      if (hash.length === 0) database(index).remove(entry, false);
    },
    /** RENAME, or COPY, to a key that is removed first. */
    put(index: number, entry: Ref, key: string, copies: boolean) {
      const { bytes, view, end } = bytesOfText(key);
      const old = find(index, key);
      if (old === entry) return;
      if (old !== NONE) database(index).remove(old, false);
      if (!copies) database(index).detach(entry);
      const isApart = (flagsOf(arena, entry) & EXTERNAL_FLAG) !== 0;
      const value = copies ? copyValue(arena, entry) : isApart ? valueRef(arena, entry) : NONE;
      const hash = database(index).hash(bytes, view, 0, end);
      database(index).put(
        database(index).createLike(entry, value, bytes, 0, end),
        NONE,
        hash,
        false,
      );
      if (!copies) arena.free(entry);
    },
    /** What a flood of chosen fields would lead to. */
    reseed(entry: Ref) {
      if (encodingOf(arena, entry) !== Encoding.HASHTABLE) return;
      const dict = new Dict(arena).attach(valueRef(arena, entry));
      (dict as unknown as { reseed(): boolean }).reseed();
    },
  };
}
type Speaker = ReturnType<typeof speaker>;
interface Value {
  at: number;
  fields: [string, string][];
}

/** Keeps what a cut hands over; holds it to the order of calls that is promised. */
class Collector implements CutConsumer {
  readonly seen = new Map<string, Value>();
  fieldCount = 0;
  openCount = 0;
  private stretch = "";
  private readonly told: Speaker;

  constructor(told: Speaker) {
    this.told = told;
  }

  take(databaseIndex: number, entry: Ref): void {
    const name = `${databaseIndex}/${this.told.keyOf(entry)}`;
    expect(this.seen.has(name)).toBe(false);
    const value = this.told.contentOf(entry);
    const { wholeElementsMax } = this.told.keyspace.cuts;
    const whole = Math.max(wholeElementsMax, LIMITS.listpackEntriesMax);
    expect(value.fields.length).toBeLessThanOrEqual(whole);
    this.seen.set(name, value);
    this.fieldCount += value.fields.length;
  }

  takeLarge(databaseIndex: number, entry: Ref, fieldCount: number): CutPiece {
    const name = `${databaseIndex}/${this.told.keyOf(entry)}`;
    expect(this.seen.has(name)).toBe(false);
    const value: Value = { at: expiryMs(this.told.keyspace.arena, entry), fields: [] };
    this.seen.set(name, value);
    const names = new Set<string>();
    this.openCount++;
    let state = "open";
    return {
      begin: () => {
        expect([state, this.stretch]).toEqual(["open", ""]);
        state = "begun";
        this.stretch = name;
      },
      element: (field) => {
        expect(state).not.toBe("ended");
        const pair = this.told.fieldOf(field);
        expect(names.has(pair[0])).toBe(false);
        names.add(pair[0]);
        value.fields.push(pair);
        this.fieldCount++;
      },
      end: () => {
        expect([state, this.stretch]).toEqual(["begun", name]);
        expect(value.fields.length).toBe(fieldCount);
        value.fields.sort();
        state = "ended";
        this.stretch = "";
        this.openCount--;
      },
    };
  }
}

const CHANGES = [
  ...["hset", "hset", "hset", "hset", "hdel", "hdel", "hdel", "step", "step", "step", "step"],
  ...["set", "del", "unlink", "rename", "copy", "move", "expire", "persist"],
  ...["flush", "swap", "begin", "abort", "reseed", "free"],
] as const;
const change = fc.record({
  kind: fc.constantFrom(...CHANGES),
  key: fc.constantFrom("a", "b", "c"),
  other: fc.constantFrom("a", "b", "c", "d"),
  field: fc.nat(39),
  index: fc.constantFrom(0, 0, 0, 1),
  size: fc.constantFrom(0, 3, 30, 1100),
  rare: fc.nat(5),
});
type Change = typeof change extends fc.Arbitrary<infer Each> ? Each : never;

function apply(told: Speaker, { kind, key, other, field, index, size, rare }: Change): void {
  const { keyspace } = told;
  const database = told.database(index);
  const entry = told.find(index, key);
  if (kind === "hset") told.hset(index, key, `f${field}`, `${field}`.repeat(size));
  else if (kind === "hdel") told.hdel(index, key, `f${field}`);
  else if (kind === "flush" && rare === 0) database.flush(size > 3);
  else if (kind === "swap" && rare < 3) keyspace.swap(index, 2);
  else if (kind === "free") keyspace.lazyFree.step(10);
  else if (kind === "set" && rare === 0) told.set(index, key, "s".repeat(size));
  else if (entry === NONE) return;
  else if (kind === "del" && rare < 2) database.remove(entry, false);
  else if (kind === "unlink" && rare < 2) database.remove(entry, true);
  else if (kind === "rename") told.put(index, entry, other, false);
  else if (kind === "copy") told.put(index, entry, other, true);
  else if (kind === "expire") database.setExpiry(entry, 1e12 + field);
  else if (kind === "persist") database.clearExpiry(entry);
  else if (kind === "reseed" && rare === 0) told.reseed(entry);
  else if (kind === "move" && told.find(2, key) === NONE) {
    database.detach(entry);
    told.database(2).adopt(entry);
  }
}

describe("A cut through large hashes", () => {
  test("is exactly the data set of its instant, whatever happens meanwhile", () => {
    let pieces = 0;
    fc.assert(
      fc.property(
        fc.array(change, { minLength: 60, maxLength: 250 }),
        fc.constantFrom(1, 4, 12),
        fc.nat(30),
        (changes, wholeElementsMax, wanted) => {
          const told = speaker(wholeElementsMax);
          const { keyspace } = told;
          const empty = keyspace.arena.blockCount;
          for (const key of ["a", "b", "c"])
            for (let i = 0; i < 40; i++) told.hset(i % 2, key, `f${i}`, `v${i}`);
          told.set(0, "text", "value");
          const running: { cut: Cut; collector: Collector; then: Map<string, Value> }[] = [];
          const begin = () => {
            const then = told.contents();
            const collector = new Collector(told);
            running.push({ cut: keyspace.cuts.begin(collector), collector, then });
          };
          begin();
          for (const each of changes) {
            const { kind, field, rare } = each;
            if (kind === "step") running[field % running.length]?.cut.step(1 + wanted);
            else if (kind === "begin" && running.length < 3) begin();
            else if (kind === "abort" && rare === 0 && running.length > 1)
              running.splice(field % running.length, 1)[0].cut.abort();
            else apply(told, each);
            const { heldBytes, usedBytes } = keyspace.arena;
            expect(heldBytes >= 0 && heldBytes <= usedBytes).toBe(true);
          }
          for (const { cut, collector, then } of running) {
            while (!cut.step(50));
            expect(collector.seen).toEqual(then);
            expect(cut.takenCount).toBe(then.size);
            expect(collector.openCount).toBe(0);
            pieces += collector.seen.size;
          }
          expect(keyspace.arena.holds.size).toBe(0);
          expect(keyspace.arena.heldBytes).toBe(0);
          keyspace.check();
          keyspace.flush(false);
          while (keyspace.lazyFree.step(1000));
          expect(keyspace.arena.blockCount).toBe(empty);
        },
      ),
      { numRuns: 150 },
    );
    expect(pieces).toBeGreaterThan(100);
  });

  test("no step and no change hands over more than was asked for", () => {
    const told = speaker(128);
    for (let i = 0; i < 20_000; i++) told.hset(0, "big", `f${i}`, `v${i}`, ONE_SHOT);
    for (let k = 0; k < 300; k++)
      for (let i = 0; i < 129; i++) told.hset(0, `k${k}`, `f${i}`, "v", ONE_SHOT);
    const then = told.contents();
    const collector = new Collector(told);
    const cut = told.keyspace.cuts.begin(collector);
    let most = 0;
    const measured = (run: () => void) => {
      const before = collector.fieldCount;
      run();
      most = Math.max(most, collector.fieldCount - before);
    };
    measured(() => told.hset(0, "big", "f7", "changed"));
    expect(most).toBe(1);
    let isDone = false;
    for (let i = 0; !isDone; i++) {
      measured(() => told.hset(0, "big", `f${(i * 37) % 20_000}`, "changed"));
      measured(() => told.hdel(0, "big", `f${(i * 91) % 20_000}`));
      if (i === 40) measured(() => told.database(0).remove(told.find(0, "big"), false));
      measured(() => {
        isDone = cut.step(100);
      });
    }
    expect(most).toBeLessThanOrEqual(200);
    expect(collector.seen).toEqual(then);
  });

  test("tells fields with long names apart", () => {
    const told = speaker(4);
    const long = "n".repeat(10_000);
    for (let i = 0; i < 10; i++) told.hset(0, "big", `f${i}`, `v${i}`);
    told.hset(0, "big", `${long}a`, "1");
    told.hset(0, "big", `${long}b`, "2");
    const fields: number[] = [];
    const cut = told.keyspace.cuts.begin({
      take: () => {},
      takeLarge: () => ({
        begin: () => {},
        element: (entry) => fields.push(keyLength(told.keyspace.arena, entry)),
        end: () => {},
      }),
    });
    told.hset(0, "big", "f0", "opens the walk");
    for (let i = 0; i < 5; i++) {
      told.hdel(0, "big", `${long}a`);
      told.hset(0, "big", `${long}a`, `${i}`);
      told.hset(0, "big", `${long}c${i}`, "is not part of it");
    }
    while (!cut.step(10));
    expect(fields.filter((length) => length > 100)).toEqual([long.length + 1, long.length + 1]);
    expect(fields.length).toBe(12);
  });

  test("goes to a consumer that takes no pieces as a whole", () => {
    const told = speaker(4);
    for (let i = 0; i < 100; i++) told.hset(0, "big", `f${i}`, `v${i}`);
    const then = told.contents();
    const seen = new Map<string, Value>();
    const whole: CutConsumer = {
      take: (index, entry) => seen.set(`${index}/${told.keyOf(entry)}`, told.contentOf(entry)),
    };
    const pieces = new Collector(told);
    const cuts = [told.keyspace.cuts.begin(whole), told.keyspace.cuts.begin(pieces)];
    told.hset(0, "big", "f1", "changed");
    for (const cut of cuts) while (!cut.step(10));
    expect(seen).toEqual(then);
    expect(pieces.seen).toEqual(then);
  });

  test("remembers what changes in the arena, as long as the hash is being walked", () => {
    const told = speaker(4);
    const { arena, cuts } = told.keyspace;
    for (let i = 0; i < 500; i++) told.hset(0, "big", `field number ${i}`, "v");
    const then = told.contents();
    const usedBytes = arena.usedBytes;
    const collector = new Collector(told);
    const cut = cuts.begin(collector);
    for (let i = 0; i < 500; i++) told.hset(0, "big", `field number ${i}`, "w");
    // A header of 16 bytes and the name, which is no text of the JavaScript heap.
    expect(arena.usedBytes).toBeGreaterThan(usedBytes + 500 * (16 + 14));
    while (!cut.step(10));
    expect(arena.usedBytes).toBe(usedBytes);
    expect(collector.seen).toEqual(then);
  });

  test.each([1, 2, 3, 4])(
    "fails where there is no room for that, and the write goes on (%i)",
    (nth) => {
      const told = speaker(4);
      const { arena, cuts } = told.keyspace;
      for (let i = 0; i < 100; i++) told.hset(0, "big", `f${i}`, "v");
      const { usedBytes } = arena;
      let failures = 0;
      const collector = new Collector(told);
      const cut = cuts.begin({
        take: (...given) => collector.take(...given),
        takeLarge: (...given) => collector.takeLarge(...given),
        failed: (reason) => {
          expect(reason).toBeInstanceOf(ArenaFullError);
          failures++;
        },
      });
      const spoken = withoutRoom(arena, nth, true, () => {
        // The same lengths: whatever is allocated is for what must be remembered.
        for (let i = 0; i < 100; i++) told.hset(0, "big", `f${i}`, "w");
      });
      expect([spoken, failures, cut.done, cuts.running.length]).toEqual([true, 1, true, 0]);
      expect(
        told
          .contents()
          .get("0/big")
          ?.fields.every(([, value]) => value === "w"),
      ).toBe(true);
      expect(arena.holds.size).toBe(0);
      expect(arena.usedBytes).toBe(usedBytes);
      expect(cut.step(1000)).toBe(true);
      told.keyspace.check();
    },
  );

  test("lets fewer and fewer hashes wait the smaller they are", () => {
    const told = speaker(4);
    const { cuts } = told.keyspace;
    cuts.walksPerDoubling = 3;
    const fieldCount = (index: number) => 5 + (index % 60);
    for (let k = 0; k < 200; k++)
      for (let i = 0; i < fieldCount(k); i++) told.hset(0, `k${k}`, `f${i}`, "v", ONE_SHOT);
    const then = told.contents();
    const taken = new Map<string, Value>();
    const collector = new Collector(told);
    const cut = cuts.begin({
      take: (index, entry) => taken.set(`${index}/${told.keyOf(entry)}`, told.contentOf(entry)),
      takeLarge: (...given) => collector.takeLarge(...given),
    });
    // Hashes of 5 to 64 fields: of 64 or fewer none waits behind the twelfth.
    for (let k = 0; k < 200; k++) told.hset(0, `k${k}`, "f0", "changed", ONE_SHOT);
    expect(cut.walks.length).toBeGreaterThan(9);
    expect(cut.walks.length).toBeLessThan(13);
    while (!cut.step(100));
    expect(new Map([...taken, ...collector.seen])).toEqual(then);
  });

  test("keeps a deleted hash until it is done or given up", () => {
    const told = speaker(4);
    const { arena, cuts, lazyFree } = told.keyspace;
    const before = arena.usedBytes;
    for (const [ending, lazily] of [
      ["done", false],
      ["done", true],
      ["given up", false],
      ["given up", true],
    ] as const) {
      for (let i = 0; i < 100; i++) told.hset(0, "big", `f${i}`, `v${i}`);
      const then = told.contents();
      const collector = new Collector(told);
      const cut = cuts.begin(collector);
      told.database(0).remove(told.find(0, "big"), lazily);
      while (lazyFree.step(1000));
      expect(arena.usedBytes).toBeGreaterThan(before + 4000);
      // Told to be there for the snapshot alone: about as much as it is.
      expect(Math.abs(arena.heldBytes / (arena.usedBytes - before) - 1)).toBeLessThan(0.1);
      if (ending === "done") while (!cut.step(10));
      else cut.abort();
      while (lazyFree.step(1000));
      expect(arena.usedBytes).toBe(before);
      expect(arena.heldBytes).toBe(0);
      if (ending === "done") expect(collector.seen).toEqual(then);
    }
  });

  test("tells about how much flushed tables take that are kept for one cut after the other", () => {
    const told = speaker(4);
    const { arena, cuts, lazyFree } = told.keyspace;
    const before = arena.usedBytes;
    for (let k = 0; k < 3000; k++) told.set(k % 3, `k${k}`, "v".repeat(k % 50));
    for (let k = 0; k < 300; k++) told.hset(0, "big", `f${k}`, `v${k}`);
    const first = cuts.begin(new Collector(told));
    const second = cuts.begin(new Collector(told));
    // Handed over already: from then on it is kept twice over, and counted once.
    told.hset(0, "big", "f0", "changed");
    told.keyspace.flush(false);
    const isToldOf = () => Math.abs(arena.heldBytes / (arena.usedBytes - before) - 1);
    expect(isToldOf()).toBeLessThan(0.1);
    first.abort();
    while (lazyFree.step(1000));
    expect(isToldOf()).toBeLessThan(0.1);
    while (!second.step(10));
    while (lazyFree.step(1000));
    expect(arena.heldBytes).toBe(0);
    expect(arena.usedBytes).toBe(before);
  });

  test("tells of no more than there is, whatever few elements say of all", () => {
    const told = speaker(4);
    const { arena, cuts } = told.keyspace;
    for (let i = 0; i < 4000; i++) told.hset(0, "one", `f${i}`, "v");
    for (let k = 0; k < 4000; k++) told.set(1, `k${k}`, "v");
    told.hset(0, "one", "f0", "v".repeat(1e6));
    for (const dict of [0, 1].map((index) => told.database(index).dict)) {
      const some = new RefList(1);
      dict.scan(0, 1, some);
      if (typeOf(arena, some.at(0)) === Type.STRING)
        told.set(1, told.keyOf(some.at(0)), "v".repeat(1e6));
    }
    const cut = cuts.begin(new Collector(told));
    told.keyspace.flush(false);
    expect(arena.heldBytes).toBeGreaterThan(1e6);
    expect(arena.heldBytes).toBeLessThanOrEqual(arena.usedBytes);
    // What comes now is no snapshot's.
    const { heldBytes } = arena;
    told.set(0, "new", "v".repeat(1e6));
    expect(arena.heldBytes).toBe(heldBytes);
    expect(arena.usedBytes - heldBytes).toBeGreaterThan(1e6);
    cut.abort();
    expect(arena.heldBytes).toBe(0);
  });
});
