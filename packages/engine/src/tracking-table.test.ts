import fc from "fast-check";
import { expect, test } from "vitest";
import { clientIdsOf, TrackingTable } from "./tracking-table.ts";

test("agrees with a Map of Sets, whatever is remembered and taken", () => {
  const name = fc.constantFrom("a", "b", "c", "__proto__", "");
  const step = fc.oneof(
    fc.record({ kind: fc.constant("remember" as const), name, id: fc.integer({ min: 1, max: 4 }) }),
    fc.record({ kind: fc.constant("take" as const), name }),
    fc.record({ kind: fc.constant("clear" as const) }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const table = new TrackingTable();
      const model = new Map<string, Set<number>>();
      for (const each of steps) {
        if (each.kind === "remember") {
          table.remember(each.name, each.id);
          model.set(each.name, (model.get(each.name) ?? new Set()).add(each.id));
        } else if (each.kind === "take") {
          const key = table.take(each.name);
          const ids = key === undefined ? undefined : new Set(clientIdsOf(key));
          expect(ids).toEqual(model.get(each.name));
          model.delete(each.name);
        } else {
          table.clear();
          model.clear();
        }
        table.check();
        expect(table.keyCount).toBe(model.size);
        expect(table.itemCount).toBe([...model.values()].reduce((sum, ids) => sum + ids.size, 0));
      }
    }),
  );
});

test("any 32 bits choose a key that is there", () => {
  const table = new TrackingTable();
  for (const name of ["a", "b", "c"]) table.remember(name, 1);
  table.take("a");
  const chosen = [0, 1, 2, -1, 0x7fffffff, -0x80000000].map((bits) => table.nameAt(bits));
  expect(new Set(chosen)).toEqual(new Set(["b", "c"]));
});
