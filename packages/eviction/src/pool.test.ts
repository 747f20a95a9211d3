import { NONE } from "@kv/core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CandidatePool, POOL_SIZE } from "./pool.ts";
import { KeyFixture } from "./testing/key-fixture.ts";

/** A pool beside a keyspace, with text keys. */
function pool() {
  const fixture = new KeyFixture(1);
  const made = new CandidatePool();
  const decoder = new TextDecoder();
  return {
    made,
    fixture,
    offer(key: string, score: number, database = 0) {
      const known = fixture.find(database, key);
      const entry = known !== NONE ? known : fixture.set(database, key, "v", 0);
      const taken = made.offer(database, fixture.keyspace.arena, entry, score);
      made.check();
      return taken;
    },
    take() {
      if (!made.takeBest()) return null;
      const key = decoder.decode(made.bestBytes.subarray(made.bestStart, made.bestEnd));
      const taken = { key, score: made.bestScore, database: made.bestDatabase };
      made.check();
      return taken;
    },
  };
}

/** What a pool promises, in the simplest words. */
class PoolModel {
  entries: { key: string; score: number; database: number }[] = [];

  offer(key: string, score: number, database: number) {
    if (this.entries.length === POOL_SIZE && score <= (this.entries[0]?.score ?? 0)) return false;
    const known = this.entries.find((each) => each.key === key && each.database === database);
    if (known?.score === score) return true;
    this.entries = this.entries.filter((each) => each !== known);
    const at = this.entries.filter((each) => each.score < score).length;
    this.entries.splice(at, 0, { key, score, database });
    if (this.entries.length > POOL_SIZE) this.entries.shift();
    return true;
  }
}

const long = (letter: string) => letter.repeat(300);

describe("CandidatePool", () => {
  test("gives the best first, from whichever database", () => {
    const p = pool();
    p.offer("a", 3);
    p.offer("b", 9, 7);
    p.offer("c", 5);
    expect(p.take()).toEqual({ key: "b", score: 9, database: 7 });
    expect(p.take()).toEqual({ key: "c", score: 5, database: 0 });
    expect(p.take()).toEqual({ key: "a", score: 3, database: 0 });
    expect(p.take()).toBe(null);
  });

  test("full, it takes only what is better than its worst", () => {
    const p = pool();
    for (let i = 0; i < POOL_SIZE; i++) expect(p.offer(`k${i}`, 10 + i)).toBe(true);
    expect(p.offer("worse", 9)).toBe(false);
    expect(p.offer("better", 10.5)).toBe(true);
    expect(p.made.count).toBe(POOL_SIZE);
    const keys = Array.from({ length: POOL_SIZE }, () => p.take()?.key);
    expect(keys.slice(-2)).toEqual(["k1", "better"]);
  });

  test("full, it does not take the long key that leaves for the short one that comes", () => {
    const p = pool();
    for (let i = 0; i < POOL_SIZE; i++) p.offer(`${long("k")}${i}`, i);
    expect(p.offer("short", 100)).toBe(true);
    expect(p.take()?.key).toBe("short");
  });

  test("knows a key once, by its latest score; databases have keys of their own", () => {
    const p = pool();
    p.offer("a", 3);
    p.offer("a", 8);
    p.offer("a", 5, 1);
    expect([p.take()?.score, p.take()?.score, p.take()]).toEqual([8, 5, null]);
  });

  test("remembers the key's bytes, not its block", () => {
    const p = pool();
    p.offer("gone", 1);
    p.fixture.remove(0, "gone");
    p.fixture.set(0, "here", "v", 0); // Takes the block that was freed.
    expect(p.take()?.key).toBe("gone");
  });

  test.each([0, 1, 254, 255, 256, 70_000])("keeps a key of %i bytes", (length) => {
    const p = pool();
    const key = "x".repeat(length);
    p.offer("neighbour", 1);
    p.offer(key, 2);
    p.offer("other neighbour", 3);
    p.take();
    expect(p.take()?.key).toBe(key);
    expect(p.take()?.key).toBe("neighbour");
  });

  test("forgets everything at clear()", () => {
    const p = pool();
    p.offer(long("a"), 1);
    p.made.clear();
    expect(p.take()).toBe(null);
  });

  test("agrees with a sorted list, whatever is offered and taken", () => {
    const key = fc.oneof(
      fc.integer({ min: 0, max: 24 }).map((n) => `k${n}`),
      fc.constantFrom("", long("a"), long("b"), `${long("a")}!`),
    );
    const offer = fc.record({
      key,
      score: fc.integer({ min: -4, max: 12 }),
      database: fc.integer({ min: 0, max: 1 }),
    });
    fc.assert(
      fc.property(fc.array(fc.option(offer, { freq: 8 }), { maxLength: 120 }), (steps) => {
        const p = pool();
        const model = new PoolModel();
        for (const step of steps) {
          if (step === null) expect(p.take()).toEqual(model.entries.pop() ?? null);
          else
            expect(p.offer(step.key, step.score, step.database)).toBe(
              model.offer(step.key, step.score, step.database),
            );
        }
        while (model.entries.length > 0) expect(p.take()).toEqual(model.entries.pop());
        expect(p.take()).toBe(null);
      }),
    );
  });
});
