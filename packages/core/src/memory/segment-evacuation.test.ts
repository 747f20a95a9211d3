import { describe, expect, test } from "vitest";
import { Defragmenter } from "../keyspace/defragment.ts";
import { TextKeyspace, walkedBytes } from "../testing.ts";
import { NONE } from "./arena.ts";
import { SegmentEvacuation } from "./segment-evacuation.ts";

/** Many keys of many sizes, of which every hundredth is left. */
function thinned(): TextKeyspace {
  const told = new TextKeyspace();
  for (let i = 0; i < 20_000; i++) told.set(`key:${i}`, "v".repeat((i * 37) % 1500));
  told.set("large", "w".repeat(100_000));
  for (let i = 0; i < 20_000; i++)
    if (i % 100 !== 7) told.database().remove(told.find(`key:${i}`), false);
  return told;
}

describe("Segment evacuation", () => {
  test("gives segments back that little is left in, and changes nothing else", () => {
    const told = thinned();
    const { keyspace } = told;
    const { arena } = keyspace;
    const { usedBytes, blockCount, touchedBytes } = arena;
    while (!keyspace.evacuate(100));
    keyspace.check();
    expect(touchedBytes).toBeGreaterThan(15 * 2 ** 20);
    expect(arena.touchedBytes).toBeLessThan(7 * 2 ** 20);
    expect([arena.usedBytes, arena.blockCount]).toEqual([usedBytes, blockCount]);
    for (let i = 7; i < 20_000; i += 100)
      expect(told.get(`key:${i}`)).toBe("v".repeat((i * 37) % 1500));
    expect(told.get("large")).toBe("w".repeat(100_000));
    // There is nothing more to gain, and nothing is in the way of new keys.
    expect(new SegmentEvacuation(arena).begin()).toBe(false);
    for (let i = 0; i < 5000; i++) told.set(`new:${i}`, "n".repeat(500));
    keyspace.check();
  });

  test("is given up when there is no room elsewhere, and no segment is made for its sake", () => {
    const told = thinned();
    const { keyspace } = told;
    const { arena } = keyspace;
    const defragmenter = new Defragmenter(keyspace, new SegmentEvacuation(arena));
    expect(defragmenter.step(10)).toBe(false);
    const { segmentBytes } = arena;
    expect(arena.leftSegments).not.toBe(0);
    arena.limitBytes = segmentBytes;
    // What is to be left is used again rather than refused.
    for (let i = 0; i < 9000; i++) told.set(`more:${i}`, "m".repeat(1000));
    expect(arena.segmentBytes).toBe(segmentBytes);
    while (!defragmenter.step(1000));
    keyspace.check();
    expect(told.get("more:8999")).toBe("m".repeat(1000));
  });

  test("takes no more pages than its blocks need, however full the spans are that it leaves", () => {
    const told = new TextKeyspace();
    const { keyspace } = told;
    const { arena } = keyspace;
    for (let i = 0; i < 24_000; i++) told.set(`key:${i}`, "v".repeat(100 + (i % 7) * 50));
    for (let i = 0; i < 24_000; i++)
      if (i % 3 !== 0) told.database().remove(told.find(`key:${i}`), false);
    // With the blocks on few spans, there is hardly one with room where they are to go.
    const defragmenter = new Defragmenter(keyspace);
    while (!defragmenter.step(1000));
    const { pageBytes, touchedBytes } = arena;
    expect(touchedBytes).toBeGreaterThan(pageBytes * 2);
    const plan = new SegmentEvacuation(arena, 0.25);
    expect(plan.isWorthwhile).toBe(true);
    defragmenter.restart(plan);
    let most = 0;
    for (let isOver = false, i = 0; !isOver; i++) {
      isOver = defragmenter.step(100);
      most = Math.max(most, arena.pageBytes);
      // Meanwhile keys come and go, and none of the new ones is in the way.
      told.set(`key:${(i * 3) % 24_000}`, "w".repeat(100 + (i % 7) * 50));
    }
    expect(most).toBeLessThan(pageBytes * 1.25);
    expect(arena.pageBytes).toBeLessThan(pageBytes * 1.03);
    expect(arena.touchedBytes).toBeLessThan(touchedBytes * 0.7);
    expect(plan.isWorthwhile).toBe(false);
    keyspace.check();
  });

  test("makes one more segment where there is no room and it pays", () => {
    const told = new TextKeyspace();
    const { keyspace } = told;
    const { arena } = keyspace;
    for (let i = 0; i < 21_000; i++) told.set(`key:${i}`, "v".repeat(600));
    for (let i = 0; i < 21_000; i++)
      if (i % 3 !== 0) told.database().remove(told.find(`key:${i}`), false);
    const defragmenter = new Defragmenter(keyspace);
    while (!defragmenter.step(1000));
    const { usedBytes, touchedBytes } = arena;
    expect(touchedBytes).toBeGreaterThan(usedBytes * 2.3);
    // The segments are of 1, 3 and 12 MiB, and the largest is the one to leave.
    const passes = (mayGrow: boolean): void => {
      const plan = new SegmentEvacuation(arena, 0.25, mayGrow);
      defragmenter.restart(plan);
      for (let pass = 0; plan.isWorthwhile && pass < 5; pass++) {
        while (!defragmenter.step(1000));
        keyspace.check();
      }
      expect(plan.isWorthwhile).toBe(false);
    };
    passes(false);
    expect(arena.touchedBytes).toBeGreaterThan(usedBytes * 2);
    passes(true);
    expect(arena.touchedBytes).toBeLessThan(usedBytes * 1.3);
    expect(arena.usedBytes).toBe(usedBytes);
    expect(told.get("key:20997")).toBe("v".repeat(600));
    // Where there can be no more segments, it is given up.
    arena.limitBytes = arena.segmentBytes;
    expect(arena.growthBytes).toBe(0);
    expect(new SegmentEvacuation(arena, 0, true).begin()).toBe(false);
  });

  test("leaves blocks alone that are in no database", () => {
    const told = thinned();
    const { arena } = told.keyspace;
    const mine = [10, 1000, 20_000].map((bytes) => arena.alloc(bytes));
    while (!told.keyspace.evacuate(1000));
    for (const ref of mine) arena.free(ref);
    told.keyspace.check();
  });
});

describe("After a flush", () => {
  test.each([false, true])("only the first segment is left (lazily: %s)", (lazily) => {
    const told = new TextKeyspace();
    const { keyspace } = told;
    const { arena } = keyspace;
    const startBytes = walkedBytes(keyspace);
    for (let round = 0; round < 4; round++) {
      for (let i = 0; i < 6000; i++) told.set(`key:${i}`, "v".repeat(1000), false, i % 2);
      // A key that stays, in a segment that does not.
      told.set("stays", "here", false, 2);
      expect(arena.segmentBytes).toBeGreaterThan(2 ** 20);
      told.database(0).flush(lazily);
      told.database(1).flush(lazily);
      while (keyspace.lazyFree.step(1000));
      expect(arena.segmentBytes).toBe(2 ** 20);
      expect(told.get("stays", 2)).toBe("here");
      keyspace.check();
    }
    told.database(2).remove(told.find("stays", 2), false);
    expect(told.find("stays", 2)).toBe(NONE);
    expect(walkedBytes(keyspace)).toBe(startBytes);
  });
});
