/**
 * Values that are a table of elements (a Dict, known by its header block): what their kinds have in
 * common, whole or a slice at a time.
 */
import type { Arena, Ref } from "../memory/arena.ts";
import { RefList } from "../memory/ref-list.ts";
import { Dict } from "../table/dict.ts";
import { MovableDict } from "../table/movable-dict.ts";
import { copyElement, elementBytes, freeElements, moveElement } from "./element.ts";
import type { MoveBlock, Pieces, SliceFreeing, SliceMoving, ValueKind } from "./kind.ts";
import { TableFreeing } from "./table-freeing.ts";
import { openTableWalk } from "./table-walk.ts";

/** A page of a table, of up to 32 KiB, is as much work to move as so many elements. */
const PAGE_WORK = 8;
/** Elements that are measured at a time. */
const SLICE = 256;

function tableAt(arena: Arena, ref: Ref): Dict {
  return new Dict(arena).attach(ref);
}

/** Bytes of a table and of its elements: see ValueKind. */
export function tableMemory(arena: Arena, ref: Ref, samples: number): number {
  const dict = tableAt(arena, ref);
  const out = new RefList();
  const wanted = samples === 0 ? dict.count : Math.min(samples, dict.count);
  let measured = 0;
  let count = 0;
  let cursor = 0;
  do {
    out.clear();
    cursor = dict.scan(cursor, Math.min(wanted - count, SLICE), out);
    for (let i = 0; i < out.count; i++) measured += elementBytes(arena, out.at(i));
    count += out.count;
  } while (cursor !== 0 && count < wanted);
  const elements = count === 0 ? 0 : Math.round((measured * dict.count) / count);
  return elements + dict.tableBytes();
}

function copyTable(arena: Arena, ref: Ref): Ref {
  const source = tableAt(arena, ref);
  const copy = tableAt(arena, Dict.create(arena, source.seed));
  copy.reserve(source.count);
  try {
    source.eachEntry((element) => copyElement(copy, element));
  } catch (full) {
    freeElements(copy);
    throw full;
  }
  return copy.header;
}

/**
 * First the elements, then the pages of the table, then the rest of it. What else belongs to a table is
 * for a class below this to move.
 */
export class TableMoving implements SliceMoving {
  isDone = false;
  protected readonly table: MovableDict;
  /** Most tables are small: made for each of them, it had better be cheap. */
  private readonly slice = new RefList(16);
  private hasMovedElements = false;
  private cursor = 0;

  constructor(arena: Arena) {
    this.table = new MovableDict(arena);
  }

  step(ref: Ref, wanted: number, move: MoveBlock): Ref {
    const table = this.table.attach(ref);
    if (!this.hasMovedElements) {
      this.moveElements(wanted, move);
      this.hasMovedElements = this.cursor === 0;
      return ref;
    }
    if (!this.moveAttachment(wanted, move)) return ref;
    for (let left = wanted; left > 0; left -= PAGE_WORK) {
      this.cursor = table.movePage(this.cursor, move);
      if (this.cursor !== 0) continue;
      this.isDone = true;
      table.moveDirectory(move);
      return table.moveHeader(move);
    }
    return ref;
  }

  private moveElements(wanted: number, move: MoveBlock): void {
    const { slice, table } = this;
    slice.clear();
    this.cursor = table.scan(this.cursor, wanted, slice);
    for (let i = 0; i < slice.count; i++) this.elementMoved(moveElement(table, slice.at(i), move));
  }

  /** The element lies there now. */
  protected elementMoved(_element: Ref): void {}

  /** Moves some blocks of what is attached to the table. False: there are more. */
  protected moveAttachment(_wanted: number, _move: MoveBlock): boolean {
    return true;
  }
}

function moveTable(arena: Arena, ref: Ref, move: MoveBlock): Ref {
  return moveWhole(new TableMoving(arena), arena, ref, move);
}

/** All that there is to move, at once. */
export function moveWhole(moving: SliceMoving, arena: Arena, ref: Ref, move: MoveBlock): Ref {
  const wanted = Dict.countAt(arena, ref) + 1;
  let place = ref;
  while (!moving.isDone) place = moving.step(place, wanted, move);
  return place;
}

function freeSlices(arena: Arena, ref: Ref): SliceFreeing {
  return new TableFreeing(tableAt(arena, ref));
}

/** How a table is dealt with a slice at a time. */
export const tablePieces: Pieces = {
  count: Dict.countAt,
  free: freeSlices,
  move: (arena) => new TableMoving(arena),
  walk: openTableWalk,
};

/** The part of a ValueKind that deals with blocks. */
export const entryTable: Pick<ValueKind, "table" | "free" | "memory" | "copy" | "move" | "pieces"> =
  {
    table: (_arena, ref) => ref,
    free: (arena, ref) => freeElements(tableAt(arena, ref)),
    memory: tableMemory,
    copy: copyTable,
    move: moveTable,
    pieces: tablePieces,
  };
