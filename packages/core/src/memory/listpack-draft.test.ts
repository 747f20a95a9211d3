import fc from "fast-check";
import { expect, test } from "vitest";
import { byteIndex, bytesOf } from "../table/entry.ts";
import { Arena } from "./arena.ts";
import { append, createListpack, listpackBytes } from "./listpack.ts";
import { ListpackDraft } from "./listpack-draft.ts";

const element = fc.oneof(
  fc.uint8Array({ maxLength: 12 }),
  fc.integer().map((n) => new TextEncoder().encode(String(n))),
  fc.integer({ min: 60, max: 5000 }).map((length) => new Uint8Array(length).fill(97)),
);

test("a draft is byte for byte the listpack that its elements make one by one", () => {
  const draft = new ListpackDraft();
  fc.assert(
    fc.property(fc.array(element, { maxLength: 40 }), (elements) => {
      const arena = new Arena({ segmentBytes: 2 ** 20 });
      let lp = createListpack(arena);
      draft.begin();
      for (const bytes of elements) {
        lp = append(arena, lp, bytes, 0, bytes.length);
        draft.add(bytes, 0, bytes.length);
      }
      draft.finish();
      const length = listpackBytes(arena, lp);
      expect(draft.length).toBe(length);
      const start = byteIndex(lp);
      expect(draft.bytes.slice(0, length)).toEqual(bytesOf(arena, lp).slice(start, start + length));
    }),
    { numRuns: 200 },
  );
});

test("one that says how many elements it has does not count beyond what a listpack can say", () => {
  const draft = new ListpackDraft();
  draft.begin();
  for (let i = 0; i < 70_000; i++) draft.add(Uint8Array.of(65), 0, 1);
  draft.finish();
  expect(draft.view.getUint16(4, true)).toBe(0xffff);
  expect(draft.length).toBe(6 + 70_000 * 3 + 1);
});
