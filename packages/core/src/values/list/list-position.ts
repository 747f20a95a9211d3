/**
 * ListPosition: one node of a quicklist, and how it is come to. The reading half of ListDirectory,
 * which also tells what is true of the whole; list-layout.ts draws the bytes.
 *
 * The node of an index is found by the sums on the top, then by those on one page, from whichever end
 * is nearer: 10,000 nodes are 80 steps over a kilobyte that lies in one piece.
 */
import { assert } from "../../assert.ts";
import type { Arena, Ref } from "../../memory/arena.ts";
import { NONE } from "../../memory/arena.ts";
import { wordIndex, wordsOf } from "../../table/entry.ts";
import { blockOf, cellOn, elementsOf, Field, nodesOn, setWordAt, wordAt } from "./list-layout.ts";

const NO_WORDS = new Int32Array(0);

/** Finds the nodes of a quicklist: see the head of this file. */
export class ListPosition {
  readonly arena: Arena;
  header: Ref = NONE;
  /** The position: an entry of the top, counted from the first in use, and a cell of its page. */
  entry = 0;
  slot = 0;

  /** What openEnd() has found: the words of the cell and of its page's entry on the top. */
  protected endWords: Int32Array = NO_WORDS;
  private endAt = 0;
  private endTopWords: Int32Array = NO_WORDS;
  private endTopAt = 0;

  constructor(arena: Arena) {
    this.arena = arena;
  }

  attach(header: Ref): this {
    this.header = header;
    return this;
  }

  protected field(index: number): number {
    return wordAt(this.arena, this.header, index);
  }

  protected setField(index: number, value: number): void {
    setWordAt(this.arena, this.header, index, value);
  }

  get elementCount(): number {
    return this.field(Field.ELEMENTS) >>> 0;
  }

  get nodeCount(): number {
    return this.field(Field.NODES) >>> 0;
  }

  /** The fill that the list was made with: see list-limits.ts. */
  get fill(): number {
    return (this.field(Field.OPTIONS) << 16) >> 16;
  }

  /** Nodes at either end that are not to be compressed; 0: none is. */
  get depth(): number {
    return this.field(Field.OPTIONS) >>> 16;
  }

  /** Bytes of the header, the top and all pages. */
  get bytes(): number {
    const { arena } = this;
    let sum = arena.blockBytes(this.header) + arena.blockBytes(this.field(Field.TOP));
    for (let i = this.field(Field.USED) - 1; i >= 0; i--) sum += arena.blockBytes(this.pageOf(i));
    return sum;
  }

  // --- The position ----------------------------------------------------------------------------

  protected topIndex(entry: number): number {
    return wordIndex(this.field(Field.TOP)) + (this.field(Field.FIRST) + entry) * 2;
  }

  protected topWords(): Int32Array {
    return wordsOf(this.arena, this.field(Field.TOP));
  }

  protected pageOf(entry: number): Ref {
    return this.topWords()[this.topIndex(entry)] as number;
  }

  /** The page of the position. */
  get page(): Ref {
    return this.pageOf(this.entry);
  }

  /** The cell of the position. */
  get cell(): Ref {
    return cellOn(this.page, this.slot);
  }

  /** The block of the node at the position. */
  get block(): Ref {
    return blockOf(this.arena, this.cell);
  }

  toFirst(): void {
    this.entry = 0;
    this.slot = 0;
  }

  toLast(): void {
    this.entry = this.field(Field.USED) - 1;
    this.slot = nodesOn(this.arena, this.page) - 1;
  }

  /**
   * Goes to one end, and remembers where its words are for setEnd(), until the list next changes.
   * Returns the second word of the cell; 0 when the list is empty.
   *
   * Most changes of lists are one element at one end, so this looks nothing up twice.
   */
  openEnd(isTail: boolean): number {
    const { arena } = this;
    const header = wordsOf(arena, this.header);
    const headerAt = wordIndex(this.header);
    const used = header[headerAt + Field.USED] as number;
    if (used === 0) return 0;
    const top = header[headerAt + Field.TOP] as number;
    const entry = isTail ? used - 1 : 0;
    this.endTopWords = wordsOf(arena, top);
    this.endTopAt = wordIndex(top) + ((header[headerAt + Field.FIRST] as number) + entry) * 2;
    const page = this.endTopWords[this.endTopAt] as number;
    this.endWords = wordsOf(arena, page);
    const pageAt = wordIndex(page);
    const slot = isTail ? (this.endWords[pageAt] as number) - 1 : 0;
    this.entry = entry;
    this.slot = slot;
    this.endAt = pageAt + 2 + 2 * slot;
    return this.endWords[this.endAt + 1] as number;
  }

  /** The block of the node that openEnd() has come to. */
  get endBlock(): Ref {
    return this.endWords[this.endAt] as Ref;
  }

  /** Gives the node that openEnd() has come to another block and so many more elements. No walk needs it. */
  setEnd(block: Ref, shape: number, more: number): void {
    this.endWords[this.endAt] = block;
    this.endWords[this.endAt + 1] = shape;
    this.endTopWords[this.endTopAt + 1] = (this.endTopWords[this.endTopAt + 1] as number) + more;
    const header = wordsOf(this.arena, this.header);
    const headerAt = wordIndex(this.header);
    header[headerAt] = (header[headerAt] as number) + more;
  }

  toEnd(isTail: boolean): void {
    if (isTail) this.toLast();
    else this.toFirst();
  }

  /** Moves on to the next node. False at the last one. */
  next(): boolean {
    if (this.slot + 1 < nodesOn(this.arena, this.page)) {
      this.slot++;
      return true;
    }
    if (this.entry + 1 >= this.field(Field.USED)) return false;
    this.entry++;
    this.slot = 0;
    return true;
  }

  /** Moves back to the previous node. False at the first one. */
  previous(): boolean {
    if (this.slot > 0) {
      this.slot--;
      return true;
    }
    if (this.entry === 0) return false;
    this.entry--;
    this.slot = nodesOn(this.arena, this.page) - 1;
    return true;
  }

  step(isForward: boolean): boolean {
    return isForward ? this.next() : this.previous();
  }

  /** Goes to the node of the element `index`, which exists. Returns its index in the node. */
  seek(index: number): number {
    const total = this.elementCount;
    assert(index >= 0 && index < total, "an element that is looked for exists");
    const words = this.topWords();
    let at = this.topIndex(0);
    let entry = 0;
    if (index * 2 <= total) {
      for (; index >= (words[at + 1] as number); at += 2, entry++) index -= words[at + 1] as number;
    } else {
      entry = this.field(Field.USED) - 1;
      at += entry * 2;
      let fromEnd = total - index;
      for (; fromEnd > (words[at + 1] as number); at -= 2, entry--)
        fromEnd -= words[at + 1] as number;
      index = (words[at + 1] as number) - fromEnd;
    }
    this.entry = entry;
    return this.seekOnPage(words[at] as number, words[at + 1] as number, index);
  }

  private seekOnPage(page: Ref, elements: number, index: number): number {
    const words = wordsOf(this.arena, page);
    // The second words of the cells.
    let at = wordIndex(page) + 3;
    let slot = 0;
    if (index * 2 <= elements) {
      for (let count = elementsOf(words[at] as number); index >= count; slot++) {
        index -= count;
        at += 2;
        count = elementsOf(words[at] as number);
      }
    } else {
      slot = (words[at - 3] as number) - 1;
      at += 2 * slot;
      let fromEnd = elements - index;
      for (; fromEnd > elementsOf(words[at] as number); slot--) {
        fromEnd -= elementsOf(words[at] as number);
        at -= 2;
      }
      index = elementsOf(words[at] as number) - fromEnd;
    }
    this.slot = slot;
    return index;
  }
}
