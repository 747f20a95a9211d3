/** Defragmentation of a keyspace that goes on changing, with snapshots running through it. */
import { describe, expect, test } from "vitest";
import { type Arena, NONE, type Ref } from "../memory/arena.ts";
import { Evacuation } from "../memory/evacuation.ts";
import { SegmentEvacuation } from "../memory/segment-evacuation.ts";
import { createKeyspace } from "../plain-access.ts";
import { Dict } from "../table/dict.ts";
import {
  bytesOf,
  Encoding,
  encodingOf,
  epochOf,
  expiryMs,
  idleBits,
  keyIndex,
  keyLength,
  setIdleBits,
  Type,
  typeOf,
  valueRef,
} from "../table/entry.ts";
import { latin1Bytes } from "../testing.ts";
import { createHash, HashValue } from "../values/hash/hash-value.ts";
import type { SliceMoving } from "../values/kind.ts";
import { setString } from "../values/string/string-value.ts";
import { StringView } from "../values/string/string-view.ts";
import { Defragmenter } from "./defragment.ts";
import type { Cut } from "./snapshot-cut.ts";

const LIMITS = { listpackEntriesMax: 16, listpackValueBytesMax: 64 };

/** What a key holds, as plain values: a string, or fields in order. */
interface Content {
  at: number;
  idle: number;
  value: string | [string, string][];
}

function text(bytes: Uint8Array, start: number, end: number): string {
  return String.fromCharCode(...bytes.subarray(start, end));
}

class Speaker {
  private state: number;
  readonly keyspace;
  readonly hash: HashValue;
  private readonly string = new StringView();

  constructor(seed: number) {
    this.state = seed;
    this.keyspace = createKeyspace({
      random32: () => this.next32(),
      databaseCount: 3,
      arena: { segmentBytes: 2 ** 20 },
    });
    this.hash = new HashValue(this.keyspace.arena, this.keyspace.seed);
  }

  private next32(): number {
    this.state = (Math.imul(this.state, 1664525) + 1013904223) | 0;
    return this.state ^ (this.state >>> 15);
  }

  below(limit: number): number {
    return (this.next32() >>> 0) % limit;
  }

  database(index: number) {
    return this.keyspace.databases[index];
  }

  find(index: number, key: string): Ref {
    const bytes = latin1Bytes(key);
    return this.database(index).findKey(bytes, new DataView(bytes.buffer), 0, bytes.length);
  }

  set(index: number, key: string, value: string): void {
    const bytes = latin1Bytes(key);
    const data = latin1Bytes(value);
    const database = this.database(index);
    const at = database.hash(bytes, new DataView(bytes.buffer), 0, bytes.length);
    const old = this.find(index, key);
    setString(database, old, bytes, 0, bytes.length, at, data, 0, data.length, false, 0);
  }

  hset(index: number, key: string, field: string, value: string): void {
    const { arena, cuts } = this.keyspace;
    let entry = this.find(index, key);
    if (entry === NONE) {
      const bytes = latin1Bytes(key);
      entry = createHash(arena, cuts.epoch, bytes, 0, bytes.length);
      this.database(index).adopt(entry);
    }
    if (typeOf(arena, entry) !== Type.HASH) return;
    this.database(index).preserve(entry);
    const name = latin1Bytes(field);
    const data = latin1Bytes(value);
    const view = new DataView(name.buffer);
    this.hash.attach(entry).set(name, view, 0, name.length, data, 0, data.length, LIMITS);
  }

  hdel(index: number, key: string, field: string): void {
    const entry = this.find(index, key);
    if (entry === NONE || typeOf(this.keyspace.arena, entry) !== Type.HASH) return;
    this.database(index).preserve(entry);
    const name = latin1Bytes(field);
    this.hash.attach(entry).delete(name, new DataView(name.buffer), 0, name.length);
    if (this.hash.length === 0) this.database(index).remove(entry, false);
  }

  keyOf(entry: Ref): string {
    const { arena } = this.keyspace;
    const at = keyIndex(arena, entry);
    return text(bytesOf(arena, entry), at, at + keyLength(arena, entry));
  }

  contentOf(entry: Ref): Content {
    const { arena } = this.keyspace;
    const { hash, string } = this;
    const known = { at: expiryMs(arena, entry), idle: idleBits(arena, entry) };
    if (typeOf(arena, entry) === Type.STRING) {
      string.read(arena, entry);
      return { ...known, value: text(string.bytes, string.start, string.end) };
    }
    const fields: [string, string][] = [];
    hash.attach(entry).rewind();
    while (hash.next()) {
      const name = text(hash.fieldBytes, hash.fieldStart, hash.fieldEnd);
      fields.push([name, text(hash.valueBytes, hash.valueStart, hash.valueEnd)]);
    }
    return { ...known, value: fields.sort() };
  }

  contents(): Map<string, Content> {
    const all = new Map<string, Content>();
    for (const { index, dict } of this.keyspace.databases)
      dict.eachEntry((entry) => all.set(`${index}/${this.keyOf(entry)}`, this.contentOf(entry)));
    return all;
  }

  /** Throws unless tables, listpacks and the whole arena keep their promises. */
  check(): void {
    const { keyspace, hash } = this;
    keyspace.check();
    for (const { dict } of keyspace.databases) {
      dict.eachEntry((entry) => {
        if (typeOf(keyspace.arena, entry) === Type.HASH) hash.attach(entry).check();
      });
    }
  }

  /** Bytes of pages over bytes in use. */
  get waste(): number {
    return this.keyspace.arena.pageBytes / this.keyspace.arena.usedBytes;
  }

  /** The most spans that one size class has room on: one would do. */
  get roomySpans(): number {
    const { partial, spanNext } = this.keyspace.arena;
    let most = 0;
    for (const first of partial) {
      let count = 0;
      for (let span = first; span !== 0; span = spanNext[span] as number) count++;
      most = Math.max(most, count);
    }
    return most;
  }
}

/** Begins a cut and keeps what it hands over. */
function beginCut(told: Speaker): { cut: Cut; then: Map<string, Content>; seen: typeof then } {
  const then = told.contents();
  const seen = new Map<string, Content>();
  const known = (index: number, entry: Ref): Content => {
    const name = `${index}/${told.keyOf(entry)}`;
    expect(seen.has(name)).toBe(false);
    const { arena } = told.keyspace;
    const content = { at: expiryMs(arena, entry), idle: idleBits(arena, entry), value: [] };
    seen.set(name, content);
    return content;
  };
  const cut = told.keyspace.cuts.begin({
    take: (index, entry) => Object.assign(known(index, entry), told.contentOf(entry)),
    takeLarge: (index, entry) => {
      const fields = known(index, entry).value as [string, string][];
      return {
        begin: () => {},
        element: (field) => {
          const { hash } = told;
          hash.readField(field);
          const name = text(hash.fieldBytes, hash.fieldStart, hash.fieldEnd);
          fields.push([name, text(hash.valueBytes, hash.valueStart, hash.valueEnd)]);
        },
        end: () => fields.sort(),
      };
    },
  });
  return { cut, then, seen };
}

const SIZES = [0, 3, 12, 40, 90, 300, 500, 700, 1500, 6000, 20_000];

function change(told: Speaker, keyCount: number): void {
  const index = told.below(2);
  const key = `key:${told.below(keyCount)}`;
  const size = SIZES[told.below(SIZES.length)];
  const entry = told.find(index, key);
  const kind = told.below(10);
  if (kind < 3) told.set(index, key, "s".repeat(size));
  else if (kind < 6) told.hset(index, key, `f${told.below(40)}`, "v".repeat(Math.min(size, 1500)));
  else if (entry === NONE) return;
  else if (kind === 6) told.database(index).remove(entry, told.below(2) === 0);
  else if (kind === 7) told.database(index).setExpiry(entry, 1e12 + told.below(1000));
  else if (kind === 8) told.database(index).clearExpiry(entry);
  else told.hdel(index, key, `f${told.below(40)}`);
}

/** Fills two databases with values of all shapes and removes four fifths at random. */
function scattered(seed: number, keyCount = 5000): Speaker {
  const told = new Speaker(seed);
  const { arena } = told.keyspace;
  for (let i = 0; i < keyCount; i++) {
    const index = told.below(2);
    const key = `key:${i}`;
    const shape = told.below(10);
    if (shape < 4) told.set(index, key, "s".repeat(SIZES[told.below(SIZES.length - 2)]));
    else if (shape < 7)
      for (let f = told.below(8); f >= 0; f--) told.hset(index, key, `f${f}`, "v".repeat(56));
    else if (shape < 9)
      for (let f = told.below(40); f >= 0; f--) told.hset(index, key, `f${f}`, "v".repeat(f));
    else told.hset(index, key, "long", "v".repeat(1500));
    for (const big of ["big:0", "big:1"])
      told.hset(0, big, `field:${i}`, "w".repeat(90 * told.below(2)));
    const entry = told.find(index, key);
    setIdleBits(arena, entry, told.below(2 ** 24));
    if (told.below(3) === 0) told.database(index).setExpiry(entry, 1e12 + i);
  }
  for (let i = 0; i < keyCount; i++) {
    for (const index of [0, 1]) {
      const entry = told.find(index, `key:${i}`);
      if (entry !== NONE && told.below(5) > 0) told.database(index).remove(entry, false);
    }
    for (const big of ["big:0", "big:1"]) if (told.below(5) > 0) told.hdel(0, big, `field:${i}`);
  }
  return told;
}

/** Runs passes to the end. Returns the number of steps. */
function run(defragmenter: Defragmenter, passes: number, between = () => {}): number {
  let steps = 0;
  for (let pass = 0; pass < passes; steps++) {
    if (defragmenter.step(20)) pass++;
    between();
  }
  return steps;
}

describe("Defragmenter", () => {
  test("one pass brings together what removals have scattered, and changes nothing else", () => {
    const told = scattered(1, 25_000);
    const { arena } = told.keyspace;
    const before = told.contents();
    const { usedBytes, blockCount, pageBytes } = arena;
    expect(told.waste).toBeGreaterThan(2);
    expect(told.roomySpans).toBeGreaterThan(20);
    const defragmenter = new Defragmenter(told.keyspace);
    expect(run(defragmenter, 1)).toBeGreaterThan(20);
    told.check();
    expect(told.contents()).toEqual(before);
    expect([arena.usedBytes, arena.blockCount]).toEqual([usedBytes, blockCount]);
    expect(told.waste).toBeLessThan(1.3);
    expect(told.roomySpans).toBeLessThanOrEqual(2);
    expect(arena.pageBytes).toBeLessThan(pageBytes / 2);
    const { hits, misses, keyHits, keyMisses } = defragmenter;
    expect(hits).toBeGreaterThan(1000);
    expect(misses).toBeGreaterThan(0);
    expect(keyHits + keyMisses).toBe(told.keyspace.keyCount);
    // What is together already stays where it is.
    defragmenter.resetCounts();
    run(defragmenter, 1);
    expect(defragmenter.hits).toBeLessThan(hits / 20);
  });

  test.each([
    { what: "spans", plan: (arena: Arena) => new Evacuation(arena), movedMin: 5000 },
    { what: "segments", plan: (arena: Arena) => new SegmentEvacuation(arena, 0), movedMin: 1000 },
  ])(
    "leaving $what, goes on while everything changes, and every snapshot is exact",
    ({ plan, movedMin }) => {
      let moved = 0;
      for (let seed = 2; seed < 5; seed++) {
        const told = scattered(seed, 4000);
        const { keyspace } = told;
        keyspace.cuts.wholeElementsMax = 30;
        const defragmenter = new Defragmenter(keyspace, plan(keyspace.arena));
        defragmenter.scanFieldsMax = 20;
        // The same changes, without anything that moves, lead to the same data.
        const still = scattered(seed, 4000);
        const running: ReturnType<typeof beginCut>[] = [];
        let turns = 0;
        run(defragmenter, 2, () => {
          for (let i = 0; i < 3; i++) change(told, 4000);
          for (let i = 0; i < 3; i++) change(still, 4000);
          if (turns % 25 === 5 && running.length < 6) running.push(beginCut(told));
          if (turns % 3 === 0) running[turns % 6]?.cut.step(20);
          if (turns === 60) for (const each of [told, still]) each.keyspace.swap(1, 2);
          if (turns === 90) for (const each of [told, still]) each.keyspace.swap(1, 2);
          if (turns % 50 === 0) keyspace.lazyFree.step(100);
          turns++;
        });
        expect(running.length).toBeGreaterThan(2);
        for (const { cut, then, seen } of running) {
          while (!cut.step(50));
          expect(seen).toEqual(then);
        }
        told.check();
        expect(told.contents()).toEqual(still.contents());
        moved += defragmenter.hits;
        expect(keyspace.arena.holds.size).toBe(0);
        keyspace.flush(false);
        while (keyspace.lazyFree.step(1000));
        const fresh = new Speaker(1).keyspace.arena;
        expect(keyspace.arena.blockCount).toBe(fresh.blockCount);
      }
      expect(moved).toBeGreaterThan(movedMin);
    },
  );

  test("leaves a table alone that a snapshot is walking, and its key may move", () => {
    const told = scattered(9);
    const { keyspace } = told;
    const { arena } = keyspace;
    const { cut, then, seen } = beginCut(told);
    // The first change opens the walk.
    told.hset(0, "big:0", "field:1", "changed");
    const before = told.contents();
    const header = valueRef(arena, told.find(0, "big:0"));
    const fields: Ref[] = [];
    new Dict(arena).attach(header).eachEntry((field) => fields.push(field));
    const defragmenter = new Defragmenter(keyspace);
    run(defragmenter, 1);
    expect(defragmenter.hits).toBeGreaterThan(500);
    expect(valueRef(arena, told.find(0, "big:0"))).toBe(header);
    const now: Ref[] = [];
    new Dict(arena).attach(header).eachEntry((field) => now.push(field));
    expect(now).toEqual(fields);
    expect(told.contents()).toEqual(before);
    while (!cut.step(100));
    expect(seen).toEqual(then);
    run(defragmenter, 1);
    expect(told.roomySpans).toBeLessThanOrEqual(2);
    told.check();
  });

  test("goes on with a large hash only while its key still is one", () => {
    for (const fate of ["removed", "a string", "small", "flushed", "freed lazily"]) {
      const told = scattered(10, 1500);
      const defragmenter = new Defragmenter(told.keyspace);
      defragmenter.scanFieldsMax = 100;
      // Until it is in the midst of one of the two.
      const inside = defragmenter as unknown as { moving: SliceMoving | null };
      while (inside.moving === null) expect(defragmenter.step(1)).toBe(false);
      for (let i = 0; i < 3; i++) defragmenter.step(1);
      const database = told.database(0);
      expect(inside.moving).not.toBe(null);
      for (const key of ["big:0", "big:1"]) {
        const entry = told.find(0, key);
        if (fate === "flushed") database.flush(false);
        else if (fate === "a string") told.set(0, key, "text");
        else database.remove(entry, fate === "freed lazily");
        if (fate === "small") told.hset(0, key, "f", "v");
        if (fate === "flushed") break;
      }
      const before = told.contents();
      run(defragmenter, 2);
      expect(told.contents()).toEqual(before);
      told.check();
    }
  });

  test("stops with a large hash when a snapshot begins to walk it", () => {
    const told = scattered(13, 1500);
    const { arena } = told.keyspace;
    const defragmenter = new Defragmenter(told.keyspace);
    defragmenter.scanFieldsMax = 100;
    const inside = defragmenter as unknown as { moving: SliceMoving | null };
    while (inside.moving === null) expect(defragmenter.step(1)).toBe(false);
    const { cut, then, seen } = beginCut(told);
    for (const key of ["big:0", "big:1"]) told.hset(0, key, "new", "opens the walk");
    const headers = ["big:0", "big:1"].map((key) => valueRef(arena, told.find(0, key)));
    expect(headers.map((header) => arena.holds.has(header))).toEqual([true, true]);
    run(defragmenter, 2);
    expect(["big:0", "big:1"].map((key) => valueRef(arena, told.find(0, key)))).toEqual(headers);
    while (!cut.step(100));
    expect(seen).toEqual(then);
    told.check();
  });

  test("epochs go with the entry", () => {
    const told = scattered(11);
    const { keyspace } = told;
    keyspace.cuts.begin({ take: () => {} });
    for (let i = 0; i < 500; i++) told.set(0, `new:${i}`, "v");
    const epochs = (): Map<string, number> => {
      const all = new Map<string, number>();
      for (const { index, dict } of keyspace.databases)
        dict.eachEntry((entry) =>
          all.set(`${index}/${told.keyOf(entry)}`, epochOf(keyspace.arena, entry)),
        );
      return all;
    };
    const before = epochs();
    run(new Defragmenter(keyspace), 1);
    expect(epochs()).toEqual(before);
  });

  test("no step does more than a slice over what was asked for", () => {
    const told = scattered(12, 8000);
    const defragmenter = new Defragmenter(told.keyspace);
    defragmenter.scanFieldsMax = 100;
    let most = 0;
    let looked = 0;
    for (let isOver = false; !isOver; ) {
      isOver = defragmenter.step(1);
      const now = defragmenter.hits + defragmenter.misses;
      most = Math.max(most, now - looked);
      looked = now;
    }
    // A slice of keys may be so many small hashes.
    expect(most).toBeLessThan(16 * 100);
    expect(encodingOf(told.keyspace.arena, told.find(0, "big:0"))).toBe(Encoding.HASHTABLE);
  });
});
