/**
 * ListDirectory: where the nodes of a quicklist are. A window on the header block (list-layout.ts
 * draws it all), with a position: one node, which can be read, replaced, removed, or given
 * neighbours.
 *
 * The node of an index is found by the sums on the top, then by those on one page, from whichever end
 * is nearer (list-position.ts). A full page is split,
 * at either end of the list a new one is begun; neighbours that have become small are made one.
 *
 * True whenever no method is running (check() verifies it): the header has the sums of the top, the
 * top those of its pages; no page is empty, and each has room for its cells.
 *
 * Whatever a method throws ArenaFullError for has not happened. Removing never fails. Not in this
 * file: what is in the blocks, which are the caller's, to make and to free.
 */
import { assert } from "../../assert.ts";
import { type Arena, ArenaFullError, type Ref } from "../../memory/arena.ts";
import { wordIndex, wordsOf } from "../../table/entry.ts";
import { ListHold } from "./list-hold.ts";
import {
  blockOf,
  CELL_BYTES,
  cellOn,
  elementsOf,
  Field,
  HEADER_BYTES,
  lineageOf,
  nodesOn,
  PAGE_CELLS_MAX,
  PAGE_HEAD_BYTES,
  setCell,
  setWordAt,
  shapeOf,
} from "./list-layout.ts";
import { ListPosition } from "./list-position.ts";

/** What fill and depth mean no more beyond. */
const FILL_MIN = -5;
const FILL_MAX = 32767;
const DEPTH_MAX = 65535;
const TOP_ENTRIES_MIN = 2;
const PAGE_CELLS_MIN = 3;
/** Pages that have so few cells together are made one. */
const MERGED_CELLS_MAX = 64;

/** Finds, adds and removes the nodes of a quicklist: see the head of this file. */
export class ListDirectory extends ListPosition {
  /** A new header without nodes. Throws ArenaFullError. */
  static create(arena: Arena, fill: number, depth: number): Ref {
    const header = arena.allocZeroed(HEADER_BYTES);
    try {
      const top = arena.alloc(TOP_ENTRIES_MIN * 8);
      setWordAt(arena, header, Field.TOP, top);
    } catch (full) {
      arena.free(header);
      throw full;
    }
    setWordAt(arena, header, Field.CAPACITY, TOP_ENTRIES_MIN);
    const bounded = Math.max(FILL_MIN, Math.min(fill, FILL_MAX));
    const options = (bounded & 0xffff) | (Math.min(depth, DEPTH_MAX) << 16);
    setWordAt(arena, header, Field.OPTIONS, options);
    return header;
  }

  // --- Changes ---------------------------------------------------------------------------------

  private get hold(): ListHold | null {
    const { holds } = this.arena;
    if (holds.size === 0) return null;
    const hold = holds.get(this.header);
    return hold instanceof ListHold ? hold : null;
  }

  /** True while a snapshot walks the list. */
  get isHeld(): boolean {
    return this.hold !== null;
  }

  private pageChanges(page: Ref): void {
    if (this.arena.holds.size !== 0) this.hold?.pageChanges(page);
  }

  /** The content of the node at the position is about to change in its block. */
  beforeChange(): void {
    if (this.arena.holds.size !== 0)
      this.hold?.nodeChanges(this.page, blockOf(this.arena, this.cell));
  }

  /** The list has done with the block of the position. */
  dropBlock(): void {
    const { arena } = this;
    const block = blockOf(arena, this.cell);
    if (arena.holds.size !== 0 && this.hold?.takes(this.page, block) === true) return;
    arena.free(block);
  }

  /** The node at the position is this one from now on. */
  replace(block: Ref, shape: number): void {
    const { arena, cell } = this;
    const before = elementsOf(shapeOf(arena, cell));
    this.pageChanges(this.page);
    setCell(arena, this.cell, block, shape);
    const more = elementsOf(shape) - before;
    if (more !== 0) this.addElements(this.entry, more);
  }

  private addElements(entry: number, more: number): void {
    const at = this.topIndex(entry) + 1;
    const words = this.topWords();
    words[at] = (words[at] as number) + more;
    this.setField(Field.ELEMENTS, this.elementCount + more);
  }

  /** Puts a node behind the one at the position, or before it. The position is the new one then. */
  insert(isBehind: boolean, block: Ref, shape: number): void {
    const { arena } = this;
    if (this.nodeCount === 0) {
      this.insertPage(0, this.newPage(PAGE_CELLS_MIN, 0));
      this.entry = 0;
      this.slot = 0;
    } else {
      if (isBehind) this.slot++;
      this.makeRoom(isBehind);
    }
    const { page, slot } = this;
    this.pageChanges(page);
    const count = nodesOn(arena, page);
    const words = wordsOf(arena, page);
    const at = wordIndex(page) + 2 + 2 * slot;
    if (slot < count) words.copyWithin(at + 2, at, at + 2 * (count - slot));
    words[at] = block;
    words[at + 1] = shape;
    setWordAt(arena, page, 0, count + 1);
    this.setField(Field.NODES, this.nodeCount + 1);
    this.addElements(this.entry, elementsOf(shape));
  }

  /** Sees to it that the page has room for a cell at the slot. When it throws, nothing has changed. */
  private makeRoom(isBehind: boolean): void {
    try {
      this.makeRoomAtSlot();
    } catch (full) {
      if (isBehind) this.slot--;
      throw full;
    }
  }

  private makeRoomAtSlot(): void {
    const { arena, page } = this;
    const count = nodesOn(arena, page);
    if (count < PAGE_CELLS_MAX) {
      const need = PAGE_HEAD_BYTES + (count + 1) * CELL_BYTES;
      if (need > arena.blockBytes(page)) {
        const cells = Math.min(PAGE_CELLS_MAX, count * 2 + 1);
        this.resizePage(this.entry, PAGE_HEAD_BYTES + cells * CELL_BYTES);
      }
      return;
    }
    const isLast = this.entry === this.field(Field.USED) - 1;
    if (this.slot === count && isLast) {
      this.insertPage(this.entry + 1, this.newPage(PAGE_CELLS_MIN, lineageOf(arena, page)));
      this.entry++;
      this.slot = 0;
    } else if (this.slot === 0 && this.entry === 0) {
      this.insertPage(0, this.newPage(PAGE_CELLS_MIN, lineageOf(arena, page)));
    } else {
      this.splitPage();
    }
  }

  private newPage(cells: number, lineage: number): Ref {
    const page = this.arena.alloc(PAGE_HEAD_BYTES + cells * CELL_BYTES);
    setWordAt(this.arena, page, 0, 0);
    setWordAt(this.arena, page, 1, lineage);
    return page;
  }

  private resizePage(entry: number, bytes: number): void {
    const { arena } = this;
    const page = this.pageOf(entry);
    this.pageChanges(page);
    const kept = PAGE_HEAD_BYTES + nodesOn(arena, page) * CELL_BYTES;
    const moved = arena.resize(page, bytes, kept);
    this.topWords()[this.topIndex(entry)] = moved;
  }

  /** Puts an empty page on the top, before the entry of this number. Frees it when there is no room. */
  private insertPage(entry: number, page: Ref): void {
    try {
      this.makeTopRoom();
    } catch (full) {
      this.arena.free(page);
      throw full;
    }
    const words = this.topWords();
    const first = this.field(Field.FIRST);
    const used = this.field(Field.USED);
    const start = wordIndex(this.field(Field.TOP));
    const hasRoomBehind = first + used < this.field(Field.CAPACITY);
    if (first > 0 && (entry * 2 < used || !hasRoomBehind)) {
      const from = start + first * 2;
      words.copyWithin(from - 2, from, from + entry * 2);
      this.setField(Field.FIRST, first - 1);
    } else {
      const from = start + (first + entry) * 2;
      words.copyWithin(from + 2, from, start + (first + used) * 2);
    }
    this.setField(Field.USED, used + 1);
    const at = this.topIndex(entry);
    words[at] = page;
    words[at + 1] = 0;
  }

  private makeTopRoom(): void {
    const { arena } = this;
    const capacity = this.field(Field.CAPACITY);
    const used = this.field(Field.USED);
    if (used < capacity) return;
    const top = this.field(Field.TOP);
    const larger = arena.alloc(capacity * 2 * 8);
    const first = capacity >>> 1;
    arena.copy(larger, first * 8, top, this.field(Field.FIRST) * 8, used * 8);
    arena.free(top);
    this.setField(Field.TOP, larger);
    this.setField(Field.FIRST, first);
    this.setField(Field.CAPACITY, capacity * 2);
  }

  /** Makes two pages of a full one. The position stays at its cell. */
  private splitPage(): void {
    const { arena, page, entry } = this;
    const half = PAGE_CELLS_MAX >>> 1;
    const moved = PAGE_CELLS_MAX - half;
    this.insertPage(entry + 1, this.newPage(PAGE_CELLS_MAX, lineageOf(arena, page)));
    this.pageChanges(page);
    const behind = this.pageOf(entry + 1);
    arena.copy(
      behind,
      PAGE_HEAD_BYTES,
      page,
      PAGE_HEAD_BYTES + half * CELL_BYTES,
      moved * CELL_BYTES,
    );
    setWordAt(arena, behind, 0, moved);
    setWordAt(arena, page, 0, half);
    let elements = 0;
    for (let i = 0; i < moved; i++) elements += elementsOf(shapeOf(arena, cellOn(behind, i)));
    const words = this.topWords();
    const at = this.topIndex(entry) + 1;
    words[at] = (words[at] as number) - elements;
    words[at + 2] = elements;
    if (this.slot <= half) return;
    this.entry++;
    this.slot -= half;
  }

  /**
   * Takes the node at the position out; its block is the caller's. The position is the next node
   * then; false when there is none.
   */
  remove(): boolean {
    const { arena, page, entry, slot } = this;
    const removed = elementsOf(shapeOf(arena, this.cell));
    this.pageChanges(page);
    const count = nodesOn(arena, page) - 1;
    this.addElements(entry, -removed);
    this.setField(Field.NODES, this.nodeCount - 1);
    if (count === 0) {
      arena.free(page);
      this.removeEntry(entry);
      this.slot = 0;
      return entry < this.field(Field.USED);
    }
    if (slot < count) {
      const words = wordsOf(arena, page);
      const at = wordIndex(page) + 2 + 2 * slot;
      words.copyWithin(at, at + 2, at + 2 + 2 * (count - slot));
    }
    setWordAt(arena, page, 0, count);
    const bytes = PAGE_HEAD_BYTES + count * CELL_BYTES;
    if (count >= PAGE_CELLS_MIN && arena.blockBytes(page) > 4 * bytes)
      this.resizePage(entry, 2 * bytes);
    if (entry + 1 < this.field(Field.USED)) this.absorbNext(entry);
    if (slot < nodesOn(arena, this.page)) return true;
    this.entry++;
    this.slot = 0;
    return this.entry < this.field(Field.USED);
  }

  private removeEntry(entry: number): void {
    const words = this.topWords();
    const first = this.field(Field.FIRST);
    const used = this.field(Field.USED) - 1;
    const start = wordIndex(this.field(Field.TOP)) + first * 2;
    if (entry * 2 < used) {
      words.copyWithin(start + 2, start, start + entry * 2);
      this.setField(Field.FIRST, first + 1);
    } else {
      words.copyWithin(start + entry * 2, start + (entry + 1) * 2, start + (used + 1) * 2);
    }
    this.setField(Field.USED, used);
    this.shrinkTop(used);
  }

  private shrinkTop(used: number): void {
    const { arena } = this;
    const capacity = this.field(Field.CAPACITY);
    if (capacity <= 16 || used * 4 > capacity) return;
    const smaller = capacity >>> 1;
    const first = (smaller - used) >>> 1;
    const top = this.field(Field.TOP);
    let moved: Ref;
    try {
      moved = arena.alloc(smaller * 8);
    } catch (full) {
      if (full instanceof ArenaFullError) return;
      throw full;
    }
    arena.copy(moved, first * 8, top, this.field(Field.FIRST) * 8, used * 8);
    arena.free(top);
    this.setField(Field.TOP, moved);
    this.setField(Field.FIRST, first);
    this.setField(Field.CAPACITY, smaller);
  }

  /** Makes one page of this one and the next, if they are small. */
  private absorbNext(entry: number): void {
    const { arena } = this;
    const count = nodesOn(arena, this.pageOf(entry));
    const next = this.pageOf(entry + 1);
    const more = nodesOn(arena, next);
    if (count + more > MERGED_CELLS_MAX || this.isHeld) return;
    try {
      this.resizePage(entry, PAGE_HEAD_BYTES + (count + more + 1) * CELL_BYTES);
    } catch (full) {
      if (full instanceof ArenaFullError) return;
      throw full;
    }
    const page = this.pageOf(entry);
    arena.copy(
      page,
      PAGE_HEAD_BYTES + count * CELL_BYTES,
      next,
      PAGE_HEAD_BYTES,
      more * CELL_BYTES,
    );
    setWordAt(arena, page, 0, count + more);
    const words = this.topWords();
    const at = this.topIndex(entry);
    words[at + 1] = (words[at + 1] as number) + (words[at + 3] as number);
    arena.free(next);
    this.removeEntry(entry + 1);
  }

  /** Frees header, top and pages: the nodes' blocks are gone, or somebody else's. */
  free(): void {
    const { arena } = this;
    for (let i = this.field(Field.USED) - 1; i >= 0; i--) arena.free(this.pageOf(i));
    arena.free(this.field(Field.TOP));
    arena.free(this.header);
  }

  // --- Moving ----------------------------------------------------------------------------------

  /** Moves the page of an entry. */
  movePage(entry: number, move: (ref: Ref) => Ref): void {
    const moved = move(this.pageOf(entry));
    this.topWords()[this.topIndex(entry)] = moved;
  }

  /** Moves the top and the header. Returns the header's place. */
  moveHead(move: (ref: Ref) => Ref): Ref {
    this.setField(Field.TOP, move(this.field(Field.TOP)));
    this.header = move(this.header);
    return this.header;
  }

  /** Cells of the page of the position. */
  get cellCount(): number {
    return nodesOn(this.arena, this.page);
  }

  /** Pages of the list. */
  get pageCount(): number {
    return this.field(Field.USED);
  }

  /** Throws unless every promise in the header holds. For tests and fuzzers: slow. */
  check(): void {
    const { arena } = this;
    const used = this.field(Field.USED);
    const isInside = this.field(Field.FIRST) + used <= this.field(Field.CAPACITY);
    assert(isInside, "the entries lie on the top");
    assert(
      arena.blockBytes(this.field(Field.TOP)) >= this.field(Field.CAPACITY) * 8,
      "the top has room for its entries",
    );
    let nodes = 0;
    let elements = 0;
    for (let entry = 0; entry < used; entry++) {
      const page = this.pageOf(entry);
      const count = nodesOn(arena, page);
      assert(count > 0 && count <= PAGE_CELLS_MAX, "a page has cells");
      assert(
        arena.blockBytes(page) >= PAGE_HEAD_BYTES + count * CELL_BYTES,
        "a page has room for its cells",
      );
      let onPage = 0;
      for (let i = 0; i < count; i++) {
        const more = elementsOf(shapeOf(arena, cellOn(page, i)));
        assert(more > 0, "a node has elements");
        onPage += more;
      }
      assert(onPage === this.topWords()[this.topIndex(entry) + 1], "the top has a page's sum");
      nodes += count;
      elements += onPage;
    }
    assert(nodes === this.nodeCount, "the header counts the nodes");
    assert(elements === this.elementCount, "the header counts the elements");
  }
}
