import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Deadline, Deadlines } from "./deadlines.ts";

describe("Deadlines", () => {
  test("agrees with a sorted list, whatever is added and taken out", () => {
    const step = fc.oneof(
      fc.record({ add: fc.integer({ min: 1, max: 9 }) }),
      fc.record({ remove: fc.nat(30) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const heap = new Deadlines<Deadline>();
        const all: Deadline[] = [];
        for (const each of steps) {
          if ("add" in each) {
            const item = { untilMs: each.add, heapIndex: -1 };
            all.push(item);
            heap.add(item);
          } else if (all.length > 0) {
            const [item] = all.splice(each.remove % all.length, 1) as [Deadline];
            heap.remove(item);
            expect(item.heapIndex).toBe(-1);
          }
          expect(heap.count).toBe(all.length);
          const least = all.length === 0 ? undefined : Math.min(...all.map((one) => one.untilMs));
          expect(heap.first?.untilMs).toBe(least);
        }
        while (heap.first !== undefined) {
          const { first } = heap;
          expect(first.untilMs).toBe(Math.min(...all.map((one) => one.untilMs)));
          all.splice(all.indexOf(first), 1);
          heap.remove(first);
        }
        expect(all).toEqual([]);
      }),
    );
  });
});
