/** A table that is freed with all that it holds, a slice at a time. */
import type { Ref } from "../memory/arena.ts";
import { RefList } from "../memory/ref-list.ts";
import type { Dict } from "../table/dict.ts";
import { freeElement } from "./element.ts";
import type { SliceFreeing } from "./kind.ts";

/** Entries that are fetched at a time. */
const SLICE = 256;

/** Who frees entries with values of any kind. */
export interface EntryFreer {
  /** Frees an entry that is in no table any more. */
  freeNested(entry: Ref, objectsAtEnd: number): void;
}

export class TableFreeing implements SliceFreeing {
  isDone = false;
  private readonly dict: Dict;
  private readonly owner: EntryFreer | null;
  private readonly slice = new RefList();
  private cursor = 0;
  /** Slots of the directory whose pages are free: a page goes when its entries are gone. */
  private slotsFreed = 0;
  private left: number;

  /** `owner` frees the entries of a database's table; without it, they are elements. */
  constructor(dict: Dict, owner: EntryFreer | null = null) {
    this.dict = dict;
    this.owner = owner;
    this.left = dict.count;
  }

  get count(): number {
    return this.left;
  }

  step(wanted: number): number {
    const { dict, slice, owner } = this;
    slice.clear();
    this.cursor = dict.scan(this.cursor, Math.min(wanted, SLICE), slice);
    for (let i = 0; i < slice.count; i++) {
      if (owner === null) freeElement(dict.arena, slice.at(i));
      else owner.freeNested(slice.at(i), 0);
    }
    this.left -= slice.count;
    if (this.cursor === 0) this.end();
    else this.slotsFreed = dict.freePages(this.slotsFreed, dict.slotOf(this.cursor));
    return slice.count;
  }

  end(): void {
    this.isDone = true;
    this.dict.free(this.slotsFreed);
  }
}
