import { expect, test } from "vitest";
import { Arena, type Ref } from "../memory/arena.ts";
import { latin1Bytes } from "../testing.ts";
import { Dict } from "./dict.ts";
import { createEntry } from "./entry.ts";
import { MovableDict } from "./movable-dict.ts";

/** A table of so many entries, most of them in the last quarter, where pages are deeper. */
function uneven(count: number) {
  const arena = new Arena({ segmentBytes: 2 ** 20 });
  const dict = new Dict(arena).attach(Dict.create(arena, 2));
  const entries = new Set<Ref>();
  for (let i = 0; entries.size < count; i++) {
    const key = latin1Bytes(`key:${i}`);
    const hash = dict.hash(key, new DataView(key.buffer), 0, key.length);
    if (hash >>> 30 < 3 && i % 16 !== 0) continue;
    const entry = createEntry(arena, 0, 0, 0, key, 0, key.length, 0);
    dict.insert(entry, hash);
    entries.add(entry);
  }
  const moves = { count: 0 };
  const move = (ref: Ref): Ref => {
    const bytes = arena.blockBytes(ref);
    const moved = arena.alloc(bytes);
    arena.copy(moved, 0, ref, 0, bytes);
    (arena.bytes[ref >>> 27] as Uint8Array).fill(
      255,
      (ref & 0x7ffffff) << 3,
      ((ref & 0x7ffffff) << 3) + bytes,
    );
    arena.free(ref);
    moves.count++;
    return moved;
  };
  return { arena, dict, entries, moves, move };
}

function entriesOf(dict: Dict): Set<Ref> {
  const all = new Set<Ref>();
  dict.eachEntry((entry) => all.add(entry));
  return all;
}

test("every page, the directory and the header can be elsewhere", () => {
  for (const count of [3, 1000, 30_000]) {
    const { arena, dict, entries, moves, move } = uneven(count);
    const blocks = arena.blockCount;
    const table = new MovableDict(arena).attach(dict.header);
    for (let cursor = 0, before = -1; cursor > before; ) {
      before = cursor;
      cursor = table.movePage(cursor, move);
      dict.check();
    }
    const pages = moves.count;
    expect(dict.slotCount() / 4096).toBeLessThanOrEqual(pages);
    expect(table.moveDirectory(move)).toBe(count === 30_000);
    const header = table.moveHeader(move);
    expect(header).not.toBe(dict.header);
    dict.attach(header).check();
    expect(entriesOf(dict)).toEqual(entries);
    // The pages, the directory where there is one, the header.
    expect(moves.count).toBe(blocks - entries.size);
    expect(arena.blockCount).toBe(blocks);
  }
});

test("a table may grow and shrink between two pages", () => {
  const { arena, dict, entries, moves, move } = uneven(30_000);
  const table = new MovableDict(arena);
  const known = [...entries];
  for (let cursor = 0, turn = 0; ; turn++) {
    cursor = table.attach(dict.header).movePage(cursor, move);
    if (cursor === 0) break;
    for (let i = 0; i < 3000; i++) {
      const entry = known[(turn % 5) * 3000 + i];
      if (entries.delete(entry)) {
        dict.findRef(entry, dict.hashOfEntry(entry));
        dict.removeFound();
      } else {
        dict.insert(entry, dict.hashOfEntry(entry));
        entries.add(entry);
      }
    }
  }
  dict.check();
  expect(entriesOf(dict)).toEqual(entries);
  expect(moves.count).toBeGreaterThan(4);
});
