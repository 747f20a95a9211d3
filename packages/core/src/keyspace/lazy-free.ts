/**
 * Lazy freeing: large values and flushed tables are given back a slice at a time, between commands
 * (UNLINK, FLUSHALL ASYNC, the lazyfree-* directives), so that no command waits for it.
 */
import type { Arena, Ref } from "../memory/arena.ts";
import { RefList } from "../memory/ref-list.ts";
import { Dict } from "../table/dict.ts";
import { Encoding, EXTERNAL_FLAG, encodingOf, flagsOf, valueRef } from "../table/entry.ts";
import { freeValue, leaveToHold } from "../values/value.ts";

/** Values with more blocks than this are worth freeing lazily. */
export const LAZY_FREE_EFFORT = 64;

interface Table {
  dict: Dict;
  cursor: number;
  /** What counts as an object: each entry of a database, a large value as a whole. */
  objectsPerEntry: number;
  objectsAtEnd: number;
}

export class LazyFree {
  /** Entries of tables still to be freed: the work that is left. */
  pendingCount = 0;
  /** Objects still to be freed: INFO's lazyfree_pending_objects. */
  pendingObjects = 0;
  /** Objects freed so since the start: INFO's lazyfreed_objects. */
  freedObjects = 0;
  private readonly arena: Arena;
  /** Told when nothing is left to be freed. */
  private readonly drained: () => void;
  private readonly tables: Table[] = [];
  private readonly slice = new RefList();

  constructor(arena: Arena, drained: () => void = () => {}) {
    this.arena = arena;
    this.drained = drained;
  }

  /** Takes over a table that nobody uses any more, with all its entries. */
  addTable(dict: Dict, objectsPerEntry = 1): void {
    this.add({ dict, cursor: 0, objectsPerEntry, objectsAtEnd: 0 });
  }

  /** Takes over an entry that is out of its table. */
  addEntry(entry: Ref): void {
    const { arena } = this;
    if (hasTable(arena, entry)) this.addValueTable(valueRef(arena, entry), 1);
    else freeValue(arena, entry);
    arena.free(entry);
  }

  /** Frees about `count` entries. True while there is more to do. */
  step(count: number): boolean {
    const { slice, tables } = this;
    let left = count;
    while (tables.length > 0 && left > 0) {
      const table = tables[0] as Table;
      slice.clear();
      table.cursor = table.dict.scan(table.cursor, Math.min(left, 256), slice);
      for (let i = 0; i < slice.count; i++) this.freeNested(slice.at(i));
      this.pendingCount -= slice.count;
      this.freed(slice.count * table.objectsPerEntry);
      left -= Math.max(8, slice.count);
      if (table.cursor === 0) {
        tables.shift();
        this.end(table);
      }
    }
    // Nobody comes back for tables of which only the empty rest is left.
    if (this.pendingCount === 0 && count > left) {
      for (const table of tables.splice(0)) this.end(table);
      this.drained();
    }
    return tables.length > 0;
  }

  private add(table: Table): void {
    const { dict } = table;
    this.pendingObjects += dict.count * table.objectsPerEntry + table.objectsAtEnd;
    if (dict.count === 0) {
      this.end(table);
      return;
    }
    this.tables.push(table);
    this.pendingCount += dict.count;
  }

  private end(table: Table): void {
    table.dict.free();
    this.freed(table.objectsAtEnd);
  }

  private freed(objects: number): void {
    this.pendingObjects -= objects;
    this.freedObjects += objects;
  }

  private freeNested(entry: Ref): void {
    const { arena } = this;
    if (hasTable(arena, entry)) this.addValueTable(valueRef(arena, entry), 0);
    else freeValue(arena, entry);
    arena.free(entry);
  }

  private addValueTable(header: Ref, objectsAtEnd: number): void {
    const { arena } = this;
    if (leaveToHold(arena, header)) return;
    const dict = new Dict(arena).attach(header);
    this.add({ dict, cursor: 0, objectsPerEntry: 0, objectsAtEnd });
  }
}

function hasTable(arena: Arena, entry: Ref): boolean {
  return (
    (flagsOf(arena, entry) & EXTERNAL_FLAG) !== 0 && encodingOf(arena, entry) === Encoding.HASHTABLE
  );
}
