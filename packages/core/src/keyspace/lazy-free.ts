/**
 * Lazy freeing: large values and flushed tables are given back a slice at a time, between commands
 * (UNLINK, FLUSHALL ASYNC, the lazyfree-* directives), so that no command waits for it.
 */
import type { Arena, Ref } from "../memory/arena.ts";
import type { Dict } from "../table/dict.ts";
import { EXTERNAL_FLAG, flagsOf, valueRef } from "../table/entry.ts";
import type { SliceFreeing, ValueKind } from "../values/kind.ts";
import { kindOfEntry } from "../values/kind-table.ts";
import { type EntryFreer, TableFreeing } from "../values/table-freeing.ts";
import { leaveToHold } from "../values/value.ts";

/** Values with more blocks than this are worth freeing lazily. */
export const LAZY_FREE_EFFORT = 64;
/** Entries that are freed between two looks at what is left to be done. */
const SLICE = 256;
/** A slice in which there was little counts as so much work all the same. */
const SLICE_WORK_MIN = 8;

/** One table or value on its way out. */
interface Leaving {
  freeing: SliceFreeing;
  /** What counts as an object: each entry of a database, a large value as a whole. */
  objectsPerEntry: number;
  objectsAtEnd: number;
}

/** What nobody uses any more and is given back in slices, between commands. */
export class LazyFree implements EntryFreer {
  /** Entries and elements still to be freed: the work that is left. */
  pendingCount = 0;
  /** Objects still to be freed: INFO's lazyfree_pending_objects. */
  pendingObjects = 0;
  /** Objects freed so since the start: INFO's lazyfreed_objects. */
  freedObjects = 0;
  private readonly arena: Arena;
  /** Told when nothing is left to be freed. */
  private readonly drained: () => void;
  private readonly leaving: Leaving[] = [];

  /** `drained` is told whenever nothing is left to be freed. */
  constructor(arena: Arena, drained: () => void = () => {}) {
    this.arena = arena;
    this.drained = drained;
  }

  /** Takes over a table that nobody uses any more, with all its entries and their values. */
  addTable(dict: Dict, objectsPerEntry = 1): void {
    this.add({ freeing: new TableFreeing(dict, this), objectsPerEntry, objectsAtEnd: 0 });
  }

  /** Takes over an entry that is out of its table, with its value. */
  addEntry(entry: Ref): void {
    this.freeNested(entry, 1);
  }

  /** Takes over the value of this kind whose first block is `ref`, and which nobody uses any more. */
  addValue(kind: ValueKind, ref: Ref, objectsAtEnd = 0): void {
    const { arena } = this;
    if (kind.pieces === undefined) kind.free(arena, ref);
    else this.add({ freeing: kind.pieces.free(arena, ref), objectsPerEntry: 0, objectsAtEnd });
  }

  /** So many objects outside the arena are the runtime's to collect: too few of them would not be worth it. */
  leftToRuntime(objects: number): void {
    if (objects > LAZY_FREE_EFFORT) this.freedObjects += objects;
  }

  /** Frees about `count` entries or elements. True while there is more to do. */
  step(count: number): boolean {
    const { leaving } = this;
    let left = count;
    while (leaving.length > 0 && left > 0) {
      const one = leaving[0] as Leaving;
      const freed = one.freeing.step(Math.min(left, SLICE));
      this.pendingCount -= freed;
      this.freed(freed * one.objectsPerEntry);
      left -= Math.max(SLICE_WORK_MIN, freed);
      if (one.freeing.isDone) {
        leaving.shift();
        this.freed(one.objectsAtEnd);
      }
    }
    // Nobody comes back for tables of which only the empty rest is left.
    if (this.pendingCount === 0 && count > left) {
      for (const one of leaving.splice(0)) this.end(one);
      this.drained();
    }
    return leaving.length > 0;
  }

  private add(one: Leaving): void {
    const { count } = one.freeing;
    this.pendingObjects += count * one.objectsPerEntry + one.objectsAtEnd;
    if (count === 0) {
      this.end(one);
      return;
    }
    this.leaving.push(one);
    this.pendingCount += count;
  }

  private end(one: Leaving): void {
    one.freeing.end();
    this.freed(one.objectsAtEnd);
  }

  private freed(objects: number): void {
    this.pendingObjects -= objects;
    this.freedObjects += objects;
  }

  /** @internal Frees an entry; a value that is large joins those that are on their way out. */
  freeNested(entry: Ref, objectsAtEnd: number): void {
    const { arena } = this;
    if ((flagsOf(arena, entry) & EXTERNAL_FLAG) !== 0) {
      const kind = kindOfEntry(arena, entry);
      const ref = valueRef(arena, entry);
      if (kind.pieces === undefined) kind.free(arena, ref);
      else if (!leaveToHold(arena, kind, ref)) this.addValue(kind, ref, objectsAtEnd);
    }
    arena.free(entry);
  }
}
