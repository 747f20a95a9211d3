/**
 * ListHold and ListWalk: a long list on its way to a snapshot, a few nodes at a time, while it goes
 * on changing. Elements have an order, so what changes before its turn cannot go first, as fields of
 * a hash do: it is kept as it was.
 *
 * When a walk begins it copies the top of the directory, which names the pages: a few bytes for a
 * hundred nodes. Everything else is copied when it is about to change:
 *
 *   - a page on which cells are about to change: the walk copies it, cells alone (up to 1 KiB);
 *   - a node that is about to change: the walk copies its block; one that the list drops it takes
 *     over, so that popping through a list costs nothing.
 *
 *      top at the instant    [ page 1 | page 2 | own copy of page 3 | ... ]
 *      own copy of page 3    [ block | own block | block | ... ]          OWNED: the walk frees it
 *
 * The list asks "does a walk still need this block" for one page of one walk at a time: each page has
 * a lineage, the number of the page at the beginning of the hold that it is, or was split off from.
 * Lineages ascend along the list; pages of different ones are not merged while there is a hold. What
 * the walk has passed needs no care any more, whatever becomes of it.
 *
 * Where there is no room to keep something, the change goes on and the snapshot fails.
 */
import { assert } from "../../assert.ts";
import { type Arena, ArenaFullError, NONE, type Ref } from "../../memory/arena.ts";
import type { CutPiece, CutWalk } from "../kind.ts";
import { copyBlock } from "../one-block.ts";
import { WalkHold } from "../walk-hold.ts";
import {
  blockOf,
  cellOn,
  Field,
  lineageOf,
  nodesOn,
  OWNED,
  pageAt,
  rawBytesOf,
  setCell,
  setWordAt,
  shapeOf,
  wordAt,
} from "./list-layout.ts";

/** Bytes of a node that count as one more piece of work. */
const BYTES_PER_WORK_SHIFT = 7;

/** Pieces.walk() of a quicklist. */
export function openListWalk(
  arena: Arena,
  header: Ref,
  piece: CutPiece,
  fail: (reason: ArenaFullError) => void,
  release: () => void,
): CutWalk {
  const known = arena.holds.get(header);
  const hold = known instanceof ListHold ? known : new ListHold(arena, header, release);
  return new ListWalk(hold, piece, fail);
}

class ListWalk implements CutWalk {
  isDone = false;
  private readonly hold: ListHold;
  private readonly piece: CutPiece;
  private readonly fail: (reason: ArenaFullError) => void;
  /** Two words for each page of the instant: its ref, and 1 if that is a copy of ours. */
  private pages: Ref = NONE;
  private pageCount = 0;
  /** Where the walk stands: a page, and a cell on it. */
  private pageIndex = 0;
  private slot = 0;
  private hasBegun = false;
  /** There was no room to begin. */
  private isHopeless: ArenaFullError | null = null;

  constructor(hold: ListHold, piece: CutPiece, fail: (reason: ArenaFullError) => void) {
    this.hold = hold;
    this.piece = piece;
    this.fail = fail;
    hold.walks.push(this);
    const { arena, header } = hold;
    const used = wordAt(arena, header, Field.USED);
    try {
      this.pages = arena.alloc(used * 8);
      this.pageCount = used;
    } catch (full) {
      if (!(full instanceof ArenaFullError)) throw full;
      // Who opens a walk does not expect it to be over: the first step says so.
      this.isHopeless = full;
      return;
    }
    for (let i = 0; i < used; i++) {
      setWordAt(arena, this.pages, 2 * i, pageAt(arena, header, i));
      setWordAt(arena, this.pages, 2 * i + 1, 0);
    }
  }

  private page(index: number): Ref {
    return wordAt(this.hold.arena, this.pages, 2 * index);
  }

  private isOwn(index: number): boolean {
    return wordAt(this.hold.arena, this.pages, 2 * index + 1) !== 0;
  }

  step(wanted: number): number {
    const { arena } = this.hold;
    if (this.isHopeless !== null) {
      this.fail(this.isHopeless);
      return 1;
    }
    if (!this.hasBegun) {
      this.hasBegun = true;
      this.piece.begin();
    }
    let work = 1;
    while (work <= wanted && this.pageIndex < this.pageCount) {
      const page = this.page(this.pageIndex);
      if (this.slot === nodesOn(arena, page)) {
        this.leavePage();
        continue;
      }
      const cell = cellOn(page, this.slot++);
      work += 1 + (rawBytesOf(arena, cell) >>> BYTES_PER_WORK_SHIFT);
      this.piece.element(cell);
      if (this.isOwn(this.pageIndex)) this.drop(cell);
    }
    if (this.pageIndex === this.pageCount) {
      this.isDone = true;
      this.piece.end();
    }
    return work;
  }

  /** The page at hand is done with. */
  private leavePage(): void {
    if (this.isOwn(this.pageIndex)) this.hold.arena.free(this.page(this.pageIndex));
    this.pageIndex++;
    this.slot = 0;
  }

  /** The cell of an own page is done with. */
  private drop(cell: Ref): void {
    const { arena } = this.hold;
    if ((shapeOf(arena, cell) & OWNED) !== 0) arena.free(blockOf(arena, cell));
  }

  leave(): void {
    const { arena } = this.hold;
    for (; this.pageIndex < this.pageCount; this.leavePage()) {
      if (!this.isOwn(this.pageIndex)) continue;
      const page = this.page(this.pageIndex);
      for (; this.slot < nodesOn(arena, page); this.slot++) this.drop(cellOn(page, this.slot));
    }
    if (this.pages !== NONE) arena.free(this.pages);
    this.pages = NONE;
    this.hold.walkEnds(this);
  }

  /** The first page still to come whose lineage is not below this one. */
  private firstOf(lineage: number): number {
    const { arena } = this.hold;
    let low = this.pageIndex;
    let high = this.pageCount;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (lineageOf(arena, this.page(middle)) < lineage) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Cells on this page are about to change. */
  pageChanges(page: Ref): void {
    const { arena } = this.hold;
    const lineage = lineageOf(arena, page);
    for (let i = this.firstOf(lineage); i < this.pageCount; i++) {
      const known = this.page(i);
      if (known !== page) {
        if (lineageOf(arena, known) !== lineage) return;
        continue;
      }
      if (this.isOwn(i)) return;
      const copy = this.copied(page);
      if (copy === NONE) return;
      setWordAt(arena, this.pages, 2 * i, copy);
      setWordAt(arena, this.pages, 2 * i + 1, 1);
      return;
    }
  }

  /** A copy, or NONE when there is no room and the walk is over. */
  private copied(block: Ref): Ref {
    try {
      return copyBlock(this.hold.arena, block);
    } catch (full) {
      if (!(full instanceof ArenaFullError)) throw full;
      this.fail(full);
      return NONE;
    }
  }

  /** The cell in which the walk needs this block, as one of a page of this lineage; or NONE. */
  private needs(block: Ref, lineage: number): Ref {
    const { arena } = this.hold;
    for (let i = this.firstOf(lineage); i < this.pageCount; i++) {
      const page = this.page(i);
      if (lineageOf(arena, page) !== lineage) break;
      if (!this.isOwn(i)) continue;
      const count = nodesOn(arena, page);
      for (let slot = i === this.pageIndex ? this.slot : 0; slot < count; slot++) {
        const cell = cellOn(page, slot);
        if (blockOf(arena, cell) === block && (shapeOf(arena, cell) & OWNED) === 0) return cell;
      }
    }
    return NONE;
  }

  /** The block is about to change: keeps a copy if it is needed. */
  blockChanges(block: Ref, lineage: number): void {
    const cell = this.needs(block, lineage);
    if (cell === NONE) return;
    const copy = this.copied(block);
    if (copy !== NONE) this.own(cell, copy);
  }

  /** The list has done with the block. True: it is the walk's from now on. */
  takes(block: Ref, lineage: number): boolean {
    const cell = this.needs(block, lineage);
    if (cell !== NONE) this.own(cell, block);
    return cell !== NONE;
  }

  private own(cell: Ref, block: Ref): void {
    const { arena } = this.hold;
    setCell(arena, cell, block, shapeOf(arena, cell) | OWNED);
  }
}

/** A list that walks still need. It goes when its owner has let go and the last walk is over. */
export class ListHold extends WalkHold<ListWalk> {
  constructor(arena: Arena, header: Ref, release: () => void) {
    super(arena, header, release);
    const used = wordAt(arena, header, Field.USED);
    for (let i = 0; i < used; i++) setWordAt(arena, pageAt(arena, header, i), 1, i + 1);
  }

  beforeChange(): void {
    assert(false, "of a list that changes, the page and the node are told");
  }

  /** Cells on this page are about to change, or it is about to go. */
  pageChanges(page: Ref): void {
    // A copy, because a walk may give up.
    for (const walk of this.walks.slice()) walk.pageChanges(page);
  }

  /** As pageChanges(), and the content of one of its nodes is to change in place. */
  nodeChanges(page: Ref, block: Ref): void {
    this.pageChanges(page);
    const lineage = lineageOf(this.arena, page);
    for (const walk of this.walks.slice()) walk.blockChanges(block, lineage);
  }

  /** As pageChanges(), and the list drops one of its nodes. True: the block is not to be freed. */
  takes(page: Ref, block: Ref): boolean {
    this.pageChanges(page);
    const lineage = lineageOf(this.arena, page);
    let isTaken = false;
    for (const walk of this.walks.slice()) {
      if (isTaken) walk.blockChanges(block, lineage);
      else isTaken = walk.takes(block, lineage);
    }
    return isTaken;
  }
}
