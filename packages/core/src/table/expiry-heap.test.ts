import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Arena, ArenaFullError, NONE, type Ref } from "../memory/arena.ts";
import { withoutRoom } from "../testing.ts";
import { createEntry } from "./entry.ts";
import { ExpiryHeap, HeapWord, topExpiryOf } from "./expiry-heap.ts";

function rig(word: number = HeapWord.IDLE) {
  const arena = new Arena({ segmentBytes: 2 ** 22 });
  const heap = new ExpiryHeap(arena, word);
  const entry = () => createEntry(arena, 0, 0, 0, Uint8Array.of(1), 0, 1, 0);
  return { arena, heap, entry };
}

const steps = fc.array(
  fc.record({
    what: fc.constantFrom("insert", "insert", "insert", "remove", "change", "move"),
    which: fc.nat(),
    // Few times, so that many are the same.
    expiryMs: fc.integer({ min: 1, max: 20 }),
  }),
  { maxLength: 120 },
);

describe("ExpiryHeap", () => {
  test.each([HeapWord.IDLE, HeapWord.LENGTH])("agrees with a Map (word %d)", (word) => {
    fc.assert(
      fc.property(steps, (list) => {
        const { arena, heap, entry } = rig(word);
        const model = new Map<Ref, number>();
        for (const { what, which, expiryMs } of list) {
          const known = [...model.keys()];
          const chosen = known[which % Math.max(1, known.length)] ?? NONE;
          if (what === "insert") {
            const added = entry();
            heap.insert(added, expiryMs);
            model.set(added, expiryMs);
          } else if (chosen === NONE) {
            continue;
          } else if (what === "remove") {
            heap.remove(heap.slotOf(chosen));
            expect(heap.slotOf(chosen)).toBe(-1);
            model.delete(chosen);
            arena.free(chosen);
          } else if (what === "change") {
            heap.change(heap.slotOf(chosen), expiryMs);
            model.set(chosen, expiryMs);
          } else {
            const twin = entry();
            heap.setEntryAt(heap.slotOf(chosen), twin);
            model.set(twin, model.get(chosen) as number);
            model.delete(chosen);
            arena.free(chosen);
          }
          heap.check();
          expect(heap.count).toBe(model.size);
          expect(heap.topExpiryMs).toBe(Math.min(...model.values()));
          for (const [each, time] of model) expect(heap.expiryAt(heap.slotOf(each))).toBe(time);
          for (const nowMs of [0, 7, 21])
            expect(heap.countBefore(nowMs)).toBe(
              [...model.values()].filter((time) => time < nowMs).length,
            );
        }
        for (const each of model.keys()) arena.free(each);
        heap.free();
        expect(arena.usedBytes).toBe(0);
      }),
    );
  });

  test("gives out thousands in order, over many pages, and all of its memory back", () => {
    const { arena, heap, entry } = rig();
    const times: number[] = [];
    for (let i = 0; i < 5000; i++) {
      const expiryMs = 1 + ((i * 7919) % 4999);
      heap.insert(entry(), expiryMs);
      times.push(expiryMs);
    }
    heap.check();
    expect(topExpiryOf(arena, heap.ref)).toBe(heap.topExpiryMs);
    // Slots of 16 bytes; pages and the directory are little more.
    expect(heap.bytes()).toBeLessThan(5000 * 16 * 1.1);
    for (const expected of times.sort((one, other) => one - other)) {
      const top = heap.entryAt(0);
      expect(heap.topExpiryMs).toBe(expected);
      heap.remove(0);
      arena.free(top);
      if (heap.count % 500 === 0) heap.check();
    }
    expect([heap.ref, arena.usedBytes]).toEqual([NONE, 0]);
  });

  test("a change for which there is no room has not happened", () => {
    for (const size of [0, 1, 3, 4, 255, 256, 511, 512, 767, 768]) {
      const { arena, heap, entry } = rig();
      for (let i = 0; i < size; i++) heap.insert(entry(), i + 1);
      const added = entry();
      const before = arena.usedBytes;
      for (let failing = 1; ; failing++) {
        let failed = false;
        const isHindered = withoutRoom(arena, failing, false, () => {
          try {
            heap.insert(added, 5);
          } catch (full) {
            if (!(full instanceof ArenaFullError)) throw full;
            failed = true;
          }
        });
        if (!failed) break;
        expect(isHindered).toBe(true);
        expect([heap.count, heap.slotOf(added)]).toEqual([size, -1]);
        if (size === 0) expect(arena.usedBytes).toBe(before);
        heap.check();
      }
      heap.check();
      expect(heap.count).toBe(size + 1);
    }
  });

  test("room that was made beforehand is there, and goes when it is not needed", () => {
    const { arena, heap, entry } = rig();
    heap.makeRoom(700);
    withoutRoom(arena, 1, false, () => heap.makeRoom(700));
    heap.tidy();
    expect([heap.ref, arena.usedBytes]).toEqual([NONE, 0]);
    heap.makeRoom(700);
    const entries = Array.from({ length: 700 }, entry);
    withoutRoom(arena, 1, false, () => {
      for (const [i, each] of entries.entries()) heap.insert(each, 1 + (i % 10));
    });
    heap.check();
  });
});
