import fc from "fast-check";
import { expect, test } from "vitest";
import { RefSet } from "./ref-set.ts";

test("answers as a Set does, up to the number it was made for", () => {
  const ref = fc.oneof(
    fc.integer({ min: 1, max: 40 }),
    fc.integer().filter((n) => n !== 0),
  );
  fc.assert(
    fc.property(fc.array(ref, { minLength: 1, maxLength: 200 }), (refs) => {
      const set = new RefSet(new Set(refs).size);
      const model = new Set<number>();
      for (const each of refs) {
        expect(set.add(each)).toBe(!model.has(each));
        model.add(each);
      }
      set.free();
    }),
  );
});
