/** A table that is freed with all that it holds, a slice at a time. */
import type { Arena, Ref } from "../memory/arena.ts";
import { RefList } from "../memory/ref-list.ts";
import type { Dict } from "../table/dict.ts";
import { freeElement } from "./element.ts";
import type { SliceFreeing } from "./kind.ts";

/** Entries that are fetched at a time. */
const SLICE = 256;

export class TableFreeing implements SliceFreeing {
  isDone = false;
  private readonly dict: Dict;
  private readonly freeOne: (arena: Arena, ref: Ref) => void;
  private readonly slice = new RefList();
  private cursor = 0;
  private left: number;

  /** `freeOne` frees an entry of the table; as it is, one that is an element. */
  constructor(dict: Dict, freeOne: (arena: Arena, ref: Ref) => void = freeElement) {
    this.dict = dict;
    this.freeOne = freeOne;
    this.left = dict.count;
  }

  get count(): number {
    return this.left;
  }

  step(wanted: number): number {
    const { dict, slice, freeOne } = this;
    slice.clear();
    this.cursor = dict.scan(this.cursor, Math.min(wanted, SLICE), slice);
    for (let i = 0; i < slice.count; i++) freeOne(dict.arena, slice.at(i));
    this.left -= slice.count;
    if (this.cursor === 0) this.end();
    return slice.count;
  }

  end(): void {
    this.isDone = true;
    this.dict.free();
  }
}
