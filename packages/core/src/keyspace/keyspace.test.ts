import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { NONE, type Ref } from "../memory/arena.ts";
import { EXTERNAL_FLAG, expiryMs, flagsOf, valueRef } from "../table/entry.ts";
import { latin1Bytes, TextKeyspace } from "../testing.ts";
import { setString } from "../values/string/string-value.ts";
import { stringLength } from "../values/string/string-view.ts";
import { copyValue } from "../values/value.ts";

const keys = fc.constantFrom("a", "key:1", "a much longer key that fills a block");
const values = fc.oneof(
  fc.constantFrom("", "0", "-0", "12345678901", "9223372036854775807", "9223372036854775808"),
  fc.integer().map(String),
  fc.integer({ min: 1, max: 60 }).map((n) => "v".repeat(n)),
  fc.integer({ min: 480, max: 3000 }).map((n) => "x".repeat(n)),
);
const steps = fc.oneof(
  fc.record({ op: fc.constant("set"), key: keys, value: values, keep: fc.boolean() }),
  fc.record({ op: fc.constant("remove"), key: keys }),
  fc.record({ op: fc.constant("expire"), key: keys, at: fc.integer({ min: 1, max: 9e12 }) }),
  fc.record({ op: fc.constant("persist"), key: keys }),
  fc.record({ op: fc.constant("write"), key: keys, offset: fc.nat(700), value: values }),
  fc.record({ op: fc.constant("copy"), key: keys, to: keys }),
);
type Step = typeof steps extends fc.Arbitrary<infer S> ? S : never;

/** Applies a step to both; the model maps a key to its value and expiry (-1: none). */
function apply(told: TextKeyspace, model: Map<string, [string, number]>, step: Step): void {
  const database = told.database();
  const { key } = step;
  const known = model.get(key);
  if (step.op === "set" && "keep" in step) {
    told.set(key, step.value, step.keep);
    model.set(key, [step.value, step.keep && known !== undefined ? known[1] : -1]);
    return;
  }
  const entry = told.find(key);
  expect(entry !== NONE).toBe(known !== undefined);
  if (known === undefined) return;
  if (step.op === "remove") {
    database.remove(entry, false);
    model.delete(key);
  } else if (step.op === "expire" && "at" in step) {
    database.setExpiry(entry, step.at);
    known[1] = step.at;
  } else if (step.op === "persist") {
    database.clearExpiry(entry);
    known[1] = -1;
  } else if (step.op === "write" && "offset" in step) {
    told.write(key, step.offset, step.value);
    const padded = known[0].padEnd(step.offset, "\0");
    const after = padded.slice(step.offset + step.value.length);
    known[0] = padded.slice(0, step.offset) + step.value + after;
  } else if (step.op === "copy" && "to" in step && step.to !== key) {
    const old = told.find(step.to);
    if (old !== NONE) database.remove(old, false);
    const source = told.find(key);
    const bytes = latin1Bytes(step.to);
    const hash = database.hash(bytes, new DataView(bytes.buffer), 0, bytes.length);
    const value = copyValue(told.keyspace.arena, source);
    database.put(database.createLike(source, value, bytes, 0, bytes.length), NONE, hash, false);
    model.set(step.to, [...known]);
  }
}

describe("Keyspace", () => {
  test("keeps what a Map keeps, through every change of shape", () => {
    fc.assert(
      fc.property(fc.array(steps, { minLength: 40, maxLength: 120 }), (list) => {
        const told = new TextKeyspace();
        const empty = told.keyspace.arena.blockCount;
        const model = new Map<string, [string, number]>();
        for (const step of list) {
          apply(told, model, step);
          told.keyspace.check();
        }
        expect(told.database().size).toBe(model.size);
        for (const [key, [value, keyExpiryMs]] of model) {
          const entry = told.find(key);
          expect(told.text(entry)).toBe(value);
          expect(stringLength(told.keyspace.arena, entry)).toBe(value.length);
          expect(expiryMs(told.keyspace.arena, entry)).toBe(keyExpiryMs);
        }
        told.keyspace.flush(false);
        expect(told.keyspace.arena.blockCount).toBe(empty);
      }),
    );
  });

  test("a flush that is lazy gives everything back in the end", () => {
    const told = new TextKeyspace();
    const before = told.keyspace.arena.usedBytes;
    for (let i = 0; i < 5000; i++) told.set(`k${i}`, "v".repeat(i % 700));
    expect(told.keyspace.flush(true)).toBe(5000);
    expect(told.get("k1")).toBe(null);
    expect(told.keyspace.lazyFree.pendingCount).toBe(5000);
    expect(told.keyspace.lazyFree.pendingObjects).toBe(5000);
    while (told.keyspace.lazyFree.step(100)) told.set("new", "value");
    told.database().remove(told.find("new"), false);
    expect(told.keyspace.lazyFree.pendingCount).toBe(0);
    expect(told.keyspace.lazyFree.freedObjects).toBe(5000);
    expect(told.keyspace.arena.usedBytes).toBe(before);
    told.keyspace.check();
  });

  test("a gap is zero bytes, whatever the memory held before", () => {
    const told = new TextKeyspace();
    for (const size of [40, 300, 2000]) {
      told.set("old", "s".repeat(size));
      told.database().remove(told.find("old"), false);
      told.set("k", "ab");
      told.write("k", size - 20, "z");
      expect(told.get("k")).toBe(`ab${"\0".repeat(size - 22)}z`);
      told.database().remove(told.find("k"), false);
    }
  });

  test("a string set with its expiry has both, whatever was there before", () => {
    const texts = ["7", "text", "x".repeat(30), "y".repeat(3000)];
    for (const before of [undefined, ...texts]) {
      for (const expired of [false, true]) {
        for (const text of texts) {
          const told = new TextKeyspace();
          const { arena } = told.keyspace;
          const { blockCount } = arena;
          if (before !== undefined) {
            const old = told.set("k", before);
            if (expired) told.database().setExpiry(old, 5);
          }
          const database = told.database();
          const key = latin1Bytes("k");
          const value = latin1Bytes(text);
          const hash = database.hash(key, new DataView(key.buffer), 0, 1);
          const old = told.find("k");
          setString(database, old, key, 0, 1, hash, value, 0, value.length, false, 0, 9e12);
          expect(told.get("k")).toBe(text);
          expect(expiryMs(arena, told.find("k"))).toBe(9e12);
          told.keyspace.check();
          database.remove(told.find("k"), false);
          expect(database.expires.count).toBe(0);
          expect(arena.blockCount).toBe(blockCount);
        }
      }
    }
  });

  test("swapped databases keep their keys and expiries apart", () => {
    const told = new TextKeyspace();
    told.database(0).setExpiry(told.set("k", "zero"), 5000);
    told.set("k", "one", false, 1);
    told.keyspace.swap(0, 1);
    expect(told.get("k", 0)).toBe("one");
    expect(told.get("k", 1)).toBe("zero");
    expect(told.database(1).expires.count).toBe(1);
    told.keyspace.check();
  });

  test("setting a long value over a long value leaves no block behind", () => {
    const told = new TextKeyspace();
    told.set("k", "x".repeat(5000));
    const { usedBytes } = told.keyspace.arena;
    told.set("k", "y".repeat(5000));
    expect(told.keyspace.arena.usedBytes).toBe(usedBytes);
    const entry = told.find("k");
    expect(flagsOf(told.keyspace.arena, entry) & EXTERNAL_FLAG).toBe(EXTERNAL_FLAG);
    expect(valueRef(told.keyspace.arena, entry)).not.toBe(NONE);
  });
});

describe("SnapshotCuts", () => {
  /** What a cut hands over, by database and key. A key handed over twice fails the test. */
  function collector(told: TextKeyspace) {
    const seen = new Map<string, string>();
    return {
      seen,
      take(databaseIndex: number, entry: Ref) {
        const name = `${databaseIndex}/${told.keyOf(entry)}`;
        expect(seen.has(name)).toBe(false);
        seen.set(name, told.text(entry));
      },
    };
  }

  function contents(told: TextKeyspace): Map<string, string> {
    const all = new Map<string, string>();
    for (const { index, dict } of told.keyspace.databases)
      dict.eachEntry((entry) => all.set(`${index}/${told.keyOf(entry)}`, told.text(entry)));
    return all;
  }

  const change = fc.record({
    kind: fc.constantFrom("set", "remove", "write", "expire", "flush", "swap", "step", "begin"),
    key: fc.integer({ min: 0, max: 400 }),
    index: fc.integer({ min: 0, max: 2 }),
    size: fc.constantFrom(1, 30, 600),
  });

  test("each cut is exactly the data set of its instant, whatever happens meanwhile", () => {
    fc.assert(
      fc.property(fc.array(change, { minLength: 50, maxLength: 300 }), (changes) => {
        const told = new TextKeyspace();
        for (let i = 0; i < 300; i++) told.set(`k${i}`, `v${i}`, false, i % 3);
        const cuts: {
          cut: { step(n: number): boolean };
          seen: Map<string, string>;
          then: Map<string, string>;
        }[] = [];
        const begin = () => {
          const consumer = collector(told);
          const then = contents(told);
          cuts.push({ cut: told.keyspace.cuts.begin(consumer), seen: consumer.seen, then });
        };
        begin();
        for (const { kind, key, index, size } of changes) {
          const database = told.database(index);
          const entry = told.find(`k${key}`, index);
          if (kind === "set") told.set(`k${key}`, "n".repeat(size), false, index);
          else if (kind === "begin" && cuts.length < 4) begin();
          else if (kind === "step") for (const { cut } of cuts) cut.step(20);
          else if (kind === "flush" && key < 20) database.flush(size > 1);
          else if (kind === "swap" && key < 100) told.keyspace.swap(index, (index + 1) % 3);
          else if (entry === NONE) continue;
          else if (kind === "remove") database.remove(entry, false);
          else if (kind === "expire") database.setExpiry(entry, 1e12);
        }
        for (const { cut, seen, then } of cuts) {
          while (!cut.step(50));
          expect(seen).toEqual(then);
        }
        while (told.keyspace.lazyFree.step(1000));
        told.keyspace.check();
      }),
      { numRuns: 60 },
    );
  });

  test("a flushed table lives until the last cut that needs it is done", () => {
    const told = new TextKeyspace();
    for (let i = 0; i < 300; i++) told.set(`k${i}`, "v".repeat(i));
    const first = collector(told);
    const second = collector(told);
    const then = contents(told);
    const cuts = [told.keyspace.cuts.begin(first), told.keyspace.cuts.begin(second)];
    told.keyspace.flush(false);
    for (const cut of cuts) {
      while (!cut.step(10));
      while (told.keyspace.lazyFree.step(1000));
      for (let i = 0; i < 300; i++) told.set(`n${i}`, "w".repeat(i));
    }
    expect(first.seen).toEqual(then);
    expect(second.seen).toEqual(then);
    told.keyspace.check();
  });

  test("an aborted cut leaves the next one whole", () => {
    const told = new TextKeyspace();
    for (let i = 0; i < 500; i++) told.set(`k${i}`, "v");
    for (let round = 0; round < 40; round++) {
      const aborted = told.keyspace.cuts.begin(collector(told));
      aborted.step(50);
      aborted.abort();
      told.set(`k${round}`, "w");
    }
    const consumer = collector(told);
    const cut = told.keyspace.cuts.begin(consumer);
    while (!cut.step(50));
    expect(consumer.seen).toEqual(contents(told));
  });

  test("a flushed table goes to the next cut when the one that held it is given up", () => {
    const told = new TextKeyspace();
    for (let i = 0; i < 300; i++) told.set(`k${i}`, "v".repeat(i));
    const then = contents(told);
    const consumer = collector(told);
    const givenUp = told.keyspace.cuts.begin({ take: () => {} });
    const cut = told.keyspace.cuts.begin(consumer);
    told.keyspace.flush(false);
    givenUp.abort();
    while (told.keyspace.lazyFree.step(1000));
    for (let i = 0; i < 300; i++) told.set(`n${i}`, "w".repeat(i));
    while (!cut.step(10));
    expect(consumer.seen).toEqual(then);
    told.keyspace.check();
  });

  test("keys that nobody touched are still older after half as many given up cuts as there are epochs, and more", () => {
    const told = new TextKeyspace();
    for (let i = 0; i < 20; i++) told.set(`k${i}`, "v");
    for (let round = 0; round < 45_000; round++) {
      told.keyspace.cuts.begin({ take: () => {} }).abort();
      if (round % 9000 !== 0) continue;
      const consumer = collector(told);
      const cut = told.keyspace.cuts.begin(consumer);
      told.set("k7", `${round}`);
      expect(consumer.seen.size).toBe(1);
      cut.abort();
    }
    const consumer = collector(told);
    const cut = told.keyspace.cuts.begin(consumer);
    while (!cut.step(50));
    expect(consumer.seen).toEqual(contents(told));
  });

  test("a table that takes a new seed meanwhile is walked to its end", () => {
    const told = new TextKeyspace();
    for (let i = 0; i < 5000; i++) told.set(`k${i}`, "v");
    const then = contents(told);
    const consumer = collector(told);
    const cut = told.keyspace.cuts.begin(consumer);
    while (consumer.seen.size < 2000) cut.step(50);
    const { dict } = told.database();
    // Keys that have one hash under every plain seed, as in dict.test.ts.
    for (let index = 0; index < 4096 && dict.generation === 0; index++) {
      let key = "";
      for (let block = 0; block < 12; block++)
        key += (index >>> block) & 1 ? "\0\0\0\0\0\0\0\x80\0\0\0\x80\0\x04\0\0" : "\0".repeat(16);
      told.set(key, "w");
    }
    expect(dict.generation).toBe(1);
    while (!cut.step(50));
    expect(consumer.seen).toEqual(then);
    told.keyspace.check();
  });
});
