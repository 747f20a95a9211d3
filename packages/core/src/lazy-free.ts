/**
 * Lazy freeing: large values and flushed tables are given back a slice at a time, between commands
 * (UNLINK, FLUSHALL ASYNC, the lazyfree-* directives), so that no command waits for it.
 */
import type { Arena, Ref } from "./arena.ts";
import { Dict } from "./dict.ts";
import { Encoding, EXTERNAL_FLAG, encodingOf, flagsOf, valueRef } from "./object.ts";
import { RefList } from "./ref-list.ts";
import { freeValue, leaveToHold } from "./value.ts";

/** Values with more blocks than this are worth freeing lazily. */
export const LAZY_FREE_EFFORT = 64;

export class LazyFree {
  /** Tables and their entries still to be freed: INFO's lazyfree_pending_objects. */
  pendingCount = 0;
  /** Objects freed so since the start: INFO's lazyfreed_objects. */
  freedCount = 0;
  private readonly arena: Arena;
  private readonly tables: { dict: Dict; cursor: number }[] = [];
  private readonly slice = new RefList();

  constructor(arena: Arena) {
    this.arena = arena;
  }

  /** Takes over a table that nobody uses any more, with all its entries. */
  addTable(dict: Dict): void {
    if (dict.count === 0) {
      dict.free();
      return;
    }
    this.tables.push({ dict, cursor: 0 });
    this.pendingCount += dict.count;
  }

  /** Takes over an entry that is out of its table. */
  addEntry(entry: Ref): void {
    const { arena } = this;
    if (
      (flagsOf(arena, entry) & EXTERNAL_FLAG) !== 0 &&
      encodingOf(arena, entry) === Encoding.HASHTABLE
    ) {
      this.addValueTable(valueRef(arena, entry));
    } else {
      freeValue(arena, entry);
      this.freedCount++;
    }
    arena.free(entry);
  }

  /** Frees about `count` objects. True while there is more to do. */
  step(count: number): boolean {
    const { slice, tables } = this;
    let left = count;
    while (tables.length > 0 && left > 0) {
      const table = tables[0] as { dict: Dict; cursor: number };
      slice.clear();
      table.cursor = table.dict.scan(table.cursor, Math.min(left, 256), slice);
      for (let i = 0; i < slice.count; i++) this.addNested(slice.at(i));
      this.freedCount += slice.count;
      this.pendingCount -= slice.count;
      left -= Math.max(8, slice.count);
      if (table.cursor === 0) {
        tables.shift();
        table.dict.free();
      }
    }
    // Nobody comes back for tables of which only the empty rest is left.
    if (this.pendingCount === 0) for (const { dict } of tables.splice(0)) dict.free();
    return tables.length > 0;
  }

  private addNested(entry: Ref): void {
    const { arena } = this;
    if (encodingOf(arena, entry) === Encoding.HASHTABLE) {
      this.addValueTable(valueRef(arena, entry));
    } else {
      freeValue(arena, entry);
    }
    arena.free(entry);
  }

  private addValueTable(header: Ref): void {
    const { arena } = this;
    if (!leaveToHold(arena, header)) this.addTable(new Dict(arena).attach(header));
  }
}
