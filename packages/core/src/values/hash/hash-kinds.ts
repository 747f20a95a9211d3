/**
 * The kinds of hashes: fields and values in a listpack, or in a table; and the same with fields that
 * expire. See hash-value.ts and field-expiry.ts.
 */
import { type Arena, NONE, type Ref } from "../../memory/arena.ts";
import { first, next, numberAt, readAt } from "../../memory/listpack.ts";
import { Dict } from "../../table/dict.ts";
import { Encoding, EXPIRY_FLAG, expiryMs, flagsOf, Type, valueRef } from "../../table/entry.ts";
import { freeElements } from "../element.ts";
import { entryTable, moveWhole, TableMoving, tablePieces } from "../entry-table.ts";
import type { ElementVisitor, MoveBlock, Pieces, ValueKind } from "../kind.ts";
import { oneBlock } from "../one-block.ts";
import { heapOf } from "./field-expiry.ts";
import { showField } from "./hash-field.ts";
import { HashValue } from "./hash-value.ts";

function eachPair(arena: Arena, entry: Ref, visitor: ElementVisitor): void {
  const listpack = valueRef(arena, entry);
  visitor.expiryMs = -1;
  for (let at = first(arena, listpack); at !== 0; ) {
    readAt(arena, listpack, at, visitor.text);
    const valueAt = next(arena, listpack, at);
    readAt(arena, listpack, valueAt, visitor.value);
    at = next(arena, listpack, valueAt);
    visitor.pair();
  }
}

function eachTriple(arena: Arena, entry: Ref, visitor: ElementVisitor): void {
  const listpack = valueRef(arena, entry);
  for (let at = first(arena, listpack); at !== 0; ) {
    readAt(arena, listpack, at, visitor.text);
    const valueAt = next(arena, listpack, at);
    readAt(arena, listpack, valueAt, visitor.value);
    const expiryAt = next(arena, listpack, valueAt);
    visitor.expiryMs = numberAt(arena, listpack, expiryAt) || -1;
    at = next(arena, listpack, expiryAt);
    visitor.pair();
  }
}

function eachField(arena: Arena, entry: Ref, visitor: ElementVisitor): void {
  new Dict(arena).attach(valueRef(arena, entry)).eachEntry((field) => {
    showField(arena, field, visitor.text, visitor.value);
    visitor.expiryMs = expiryMs(arena, field);
    visitor.pair();
  });
}

function check(arena: Arena, entry: Ref): void {
  new HashValue(arena, 0).attach(entry).check();
}

// A table that a snapshot holds may have become volatile, or plain again, since its kind was asked
// for. So both kinds look at the table itself whether there is a heap.

function memoryOfTable(arena: Arena, ref: Ref, samples: number): number {
  return entryTable.memory(arena, ref, samples) + heapOf(arena, ref).bytes();
}

function freeTable(arena: Arena, ref: Ref): void {
  heapOf(arena, ref).free();
  entryTable.free(arena, ref);
}

/** Each copy of a field has the number of its slot in it: there it goes, in a heap of the same form. */
function copyTable(arena: Arena, ref: Ref): Ref {
  const copy = entryTable.copy(arena, ref);
  const model = heapOf(arena, ref);
  if (model.ref === NONE) return copy;
  const dict = new Dict(arena).attach(copy);
  const heap = heapOf(arena, copy);
  try {
    heap.shapeLike(model);
  } catch (full) {
    freeElements(dict);
    throw full;
  }
  dict.attachment = heap.ref;
  dict.eachEntry((field) => {
    const slot = heap.slotOf(field);
    if (slot !== -1) heap.setEntryAt(slot, field);
  });
  return copy;
}

/** A table with the heap of its fields. */
class HashMoving extends TableMoving {
  private readonly arena: Arena;
  private heapPage = 0;
  private hasMovedHeap = false;

  constructor(arena: Arena) {
    super(arena);
    this.arena = arena;
  }

  protected override elementMoved(field: Ref): void {
    const { arena, table } = this;
    if ((flagsOf(arena, field) & EXPIRY_FLAG) === 0 || expiryMs(arena, field) === -1) return;
    const heap = heapOf(arena, table.header);
    heap.setEntryAt(heap.slotOf(field), field);
  }

  protected override moveAttachment(wanted: number, move: MoveBlock): boolean {
    if (this.hasMovedHeap) return true;
    const { arena, table } = this;
    const heap = heapOf(arena, table.header);
    for (let left = wanted; left > 0; left--) {
      if (heap.movePage(this.heapPage++, move)) continue;
      this.hasMovedHeap = true;
      break;
    }
    table.attachment = heap.ref;
    return this.hasMovedHeap;
  }
}

const pieces: Pieces = {
  ...tablePieces,
  free: (arena, ref) => {
    heapOf(arena, ref).free();
    return tablePieces.free(arena, ref);
  },
  move: (arena) => new HashMoving(arena),
};

const hashTable: typeof entryTable = {
  ...entryTable,
  free: freeTable,
  memory: memoryOfTable,
  copy: copyTable,
  move: (arena, ref, move) => moveWhole(new HashMoving(arena), arena, ref, move),
  pieces,
};

const common = { type: Type.HASH, typeName: "hash", shape: "pairs", check } as const;

export const hashKinds: readonly ValueKind[] = [
  {
    ...common,
    encoding: Encoding.LISTPACK,
    encodingName: "listpack",
    ...oneBlock,
    each: eachPair,
  },
  {
    ...common,
    encoding: Encoding.HASHTABLE,
    encodingName: "hashtable",
    ...hashTable,
    each: eachField,
  },
  {
    ...common,
    encoding: Encoding.LISTPACK_EX,
    encodingName: "listpackex",
    ...oneBlock,
    each: eachTriple,
  },
  {
    ...common,
    encoding: Encoding.HASHTABLE_EX,
    encodingName: "hashtable",
    ...hashTable,
    each: eachField,
  },
];
