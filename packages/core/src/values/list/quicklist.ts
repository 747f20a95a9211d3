/**
 * Quicklist: a list of many nodes (list-layout.ts). A window on one, as ListDirectory is, that knows
 * what the nodes hold: it reads, adds, changes and removes elements.
 *
 *   - A node is as full as the fill that the list was made with lets it be: list-limits.ts.
 *   - An element that is too large for any node is a plain node of its own.
 *   - Nodes deeper than `depth` from both ends are compressed where that pays. settle() sees to it;
 *     until then, and where there is no memory, a node may be in either form.
 *   - The first node may have room at its ends (list-room.ts). A later one has none, unless there was
 *     no memory to give it back. What changes a node elsewhere than at an end closes it first.
 *
 * What throws ArenaFullError has left the elements as they were. Removing fails only if a node has to
 * be decompressed first, and then before anything has changed.
 */
import { assert } from "../../assert.ts";
import { ArenaFullError, type Ref } from "../../memory/arena.ts";
import {
  deleteAt,
  insertAt,
  type ListpackValue,
  listpackBytes,
  replaceAt,
  validateListpack,
} from "../../memory/listpack.ts";
import { EMPTY_LISTPACK_BYTES } from "../../memory/listpack-element.ts";
import {
  appendListpack,
  countMatches,
  deleteMatches,
  listpackTail,
  truncate,
} from "../../memory/listpack-parts.ts";
import {
  LISTPACK_HEADER_BYTES,
  positionBefore,
  positionOf,
  readPosition,
  type TextMatcher,
} from "../../memory/listpack-walk.ts";
import { byteIndex, bytesOf, viewOf } from "../../table/entry.ts";
import {
  blockOf,
  COMPRESSED,
  elementsOf,
  PLAIN,
  PLAIN_HEAD_BYTES,
  packedBytesOf,
  packedStartOf,
  shapeOf,
  wordAt,
} from "./list-layout.ts";
import { exceeds, hasRoomFor, isPlain, packedBytesMax } from "./list-limits.ts";
import { createPlain, type NodeView } from "./list-node.ts";
import { checkPacked, hasRoom, popFirst, popLast, pushBefore, pushBehind } from "./list-room.ts";
import { QuicklistNodes } from "./quicklist-nodes.ts";

/** A window on a list of many nodes: see the head of this file. */
export class Quicklist extends QuicklistNodes {
  // --- Either end ------------------------------------------------------------------------------

  /** Adds an element at one end. settle() is to follow. */
  push(
    isTail: boolean,
    bytes: Uint8Array,
    start: number,
    end: number,
    plainBytesMin: number,
  ): void {
    const { arena, directory } = this;
    const length = end - start;
    const shape = directory.openEnd(isTail);
    if (this.isOpen(shape) && (plainBytesMin === 0 || length < plainBytesMin)) {
      const block = directory.endBlock;
      if (hasRoomFor(directory.fill, packedBytesOf(arena, block), shape, length)) {
        const changed = this.extended(block, isTail, bytes, start, end, shape);
        directory.setEnd(changed, shape + 1, 1);
        return;
      }
    }
    const isLarge = isPlain(directory.fill, plainBytesMin, length);
    if (isLarge || directory.nodeCount === 0 || !this.takesMore(length)) {
      if (!isTail && directory.nodeCount !== 0) this.giveRoomBack();
      this.insertNode(isTail, isLarge, bytes, start, end);
      return;
    }
    const block = this.openEndForChange();
    const count = elementsOf(shapeOf(arena, directory.cell));
    directory.replace(this.extended(block, isTail, bytes, start, end, count), count + 1);
  }

  /** The block of the packed node at one end with one more element there than its `count`. */
  private extended(
    block: Ref,
    isTail: boolean,
    bytes: Uint8Array,
    start: number,
    end: number,
    count: number,
  ): Ref {
    const { arena, directory } = this;
    const bytesMax = packedBytesMax(directory.fill);
    if (isTail) return pushBehind(arena, block, bytes, start, end, count, bytesMax);
    const isOnly = directory.nodeCount === 1;
    return pushBefore(arena, block, bytes, start, end, count, isOnly, bytesMax);
  }

  /** True when the node at hand is packed and nobody has to be told of changes. */
  private isOpen(shape: number): boolean {
    // Neither of the upper bits, and not zero.
    return shape > 0 && shape < PLAIN && this.arena.holds.size === 0;
  }

  /** Puts the element at one end in `out`. In place. */
  readEnd(isTail: boolean, out: ListpackValue): void {
    const { arena, directory, view } = this;
    const shape = directory.openEnd(isTail);
    if (shape < 0 || shape >= PLAIN) {
      view.open(arena, directory.cell).read(isTail ? view.count - 1 : 0, out);
      return;
    }
    const block = directory.endBlock;
    const bytes = bytesOf(arena, block);
    const from = byteIndex(block) + packedStartOf(arena, block);
    const at = isTail
      ? positionBefore(bytes, from + packedBytesOf(arena, block) - 1)
      : from + LISTPACK_HEADER_BYTES;
    readPosition(bytes, viewOf(arena, block), at, out);
  }

  // --- In the middle ---------------------------------------------------------------------------

  /** Puts an element before the one at `index`, or behind the last one if `index` is the length. */
  insert(
    index: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    plainBytesMin: number,
  ): void {
    const { directory } = this;
    const length = end - start;
    if (index === 0 || index === this.length) {
      this.push(index !== 0, bytes, start, end, plainBytesMin);
      return;
    }
    const isLarge = isPlain(directory.fill, plainBytesMin, length);
    let offset = directory.seek(index);
    if (!isLarge) {
      if (this.takesMore(length)) {
        this.insertHere(offset, bytes, start, end);
        return;
      }
      // The end of the node before is the same place as the start of this one.
      if (offset === 0 && directory.previous()) {
        if (this.takesMore(length)) {
          this.insertHere(elementsOf(shapeOf(this.arena, directory.cell)), bytes, start, end);
          return;
        }
        directory.next();
      }
    }
    if (offset !== 0) {
      this.split(offset);
      offset = 0;
      // The position is the second half now.
      if (!isLarge && this.takesMore(length)) {
        this.insertHere(0, bytes, start, end);
        this.merge();
        return;
      }
    }
    this.insertNode(false, isLarge, bytes, start, end);
    this.settleHere();
  }

  /** Puts an element before number `offset` of the node at the position, which has room. */
  private insertHere(offset: number, bytes: Uint8Array, start: number, end: number): void {
    const { arena, directory } = this;
    const listpack = this.openForChange();
    const count = elementsOf(shapeOf(arena, directory.cell));
    const at = this.offsetOf(listpack, count, offset);
    directory.replace(insertAt(arena, listpack, at, bytes, start, end), count + 1);
    this.settleHere();
  }

  /** Where element `index` of a listpack begins, from the listpack's start. */
  private offsetOf(listpack: Ref, count: number, index: number): number {
    const { arena } = this;
    const base = byteIndex(listpack);
    const end = base + listpackBytes(arena, listpack);
    return positionOf(bytesOf(arena, listpack), base, end, count, index) - base;
  }

  /** Makes two nodes of a packed one. The position is the second, from element `offset` on. */
  private split(offset: number): void {
    const { arena, directory } = this;
    const listpack = this.openForChange();
    const count = elementsOf(shapeOf(arena, directory.cell));
    const at = this.offsetOf(listpack, count, offset);
    const tail = listpackTail(arena, listpack, at, count - offset);
    // The first half keeps its elements until the second one is in the list.
    this.insertBlock(true, tail, count - offset);
    directory.previous();
    directory.replace(truncate(arena, listpack, at, offset), offset);
    this.settleHere();
    directory.next();
  }

  /** Makes one node of this one and its neighbours, where that is one node's worth. */
  private merge(): void {
    const { directory } = this;
    if (directory.previous() && !this.mergeWithNext()) directory.next();
    if (!this.mergeWithNext()) this.settleHere();
  }

  /** True when the next node has become part of this one. */
  private mergeWithNext(): boolean {
    const { arena, directory } = this;
    const first = directory.cell;
    const shape = shapeOf(arena, first);
    if (!directory.next()) return false;
    const nextShape = shapeOf(arena, directory.cell);
    const next = blockOf(arena, directory.cell);
    directory.previous();
    if (((shape | nextShape) & (PLAIN | COMPRESSED)) !== 0 || hasRoom(arena, next)) return false;
    const nextBytes = listpackBytes(arena, next) - EMPTY_LISTPACK_BYTES;
    const bytes = packedBytesOf(arena, blockOf(arena, first)) + nextBytes;
    const count = elementsOf(shape) + elementsOf(nextShape);
    if (exceeds(directory.fill, bytes, count)) return false;
    const listpack = this.openForChange();
    try {
      const joined = appendListpack(arena, listpack, next, count);
      // The elements are in both for a moment.
      directory.replace(joined, elementsOf(shape));
    } catch (full) {
      if (full instanceof ArenaFullError) return false;
      throw full;
    }
    const joined = blockOf(arena, directory.cell);
    directory.next();
    this.dropNode();
    this.backTo(joined);
    directory.replace(joined, count);
    this.settleHere();
    return true;
  }

  /** The position is the node before, whichever page it has come to. */
  private backTo(block: Ref): void {
    const { arena, directory } = this;
    const { nodeCount } = directory;
    if (directory.entry >= directory.pageCount) directory.toLast();
    else if (blockOf(arena, directory.cell) !== block) directory.previous();
    assert(nodeCount > 0 && blockOf(arena, directory.cell) === block, "a node is where it was");
  }

  /** Makes bytes[start, end) the element at `index`. */
  replace(
    index: number,
    bytes: Uint8Array,
    start: number,
    end: number,
    plainBytesMin: number,
  ): void {
    const { arena, directory } = this;
    const offset = directory.seek(index);
    const shape = shapeOf(arena, directory.cell);
    const isLarge = isPlain(directory.fill, plainBytesMin, end - start);
    if ((shape & PLAIN) === 0 && !isLarge) {
      const listpack = this.openForChange();
      const count = elementsOf(shape);
      if (
        count === 1 ||
        !exceeds(directory.fill, listpackBytes(arena, listpack) + end - start, 1)
      ) {
        const at = this.offsetOf(listpack, count, offset);
        directory.replace(replaceAt(arena, listpack, at, bytes, start, end), count);
        this.settleHere();
        return;
      }
    } else if ((shape & PLAIN) !== 0 && isLarge) {
      const block = createPlain(arena, bytes, start, end);
      directory.dropBlock();
      directory.replace(block, PLAIN | 1);
      this.settleHere();
      return;
    }
    // The new one beside the old one, which then goes: that cannot fail while nothing is compressed.
    this.prepareRemoval(index, 1);
    this.compresses = false;
    try {
      this.insert(index + 1, bytes, start, end, plainBytesMin);
      this.remove(index, 1);
    } finally {
      this.compresses = true;
    }
    for (let i = index - 1; i <= index + 1; i++) this.settleAt(i);
  }

  // --- Removing --------------------------------------------------------------------------------

  /** Sees to it that remove() of this range cannot fail. Throws ArenaFullError, and nothing has changed. */
  prepareRemoval(index: number, count: number): void {
    if (count === 0) return;
    const { arena, directory } = this;
    for (let i = 0; i < 2; i++) {
      const at = i === 0 ? index : index + count - 1;
      const offset = directory.seek(at);
      const first = at - offset;
      const last = first + elementsOf(shapeOf(arena, directory.cell)) - 1;
      // A node that goes as a whole need not be opened.
      if (first < index || last >= index + count) this.inflate();
    }
  }

  /** Removes `count` elements from `index` on, which exist. Fails only without prepareRemoval(). */
  remove(index: number, count: number): void {
    const { arena, directory } = this;
    let left = count;
    if (left === 0) return;
    let offset = directory.seek(index);
    while (left > 0) {
      const elements = elementsOf(shapeOf(arena, directory.cell));
      const here = Math.min(left, elements - offset);
      left -= here;
      if (here === elements) {
        this.dropNode();
      } else {
        this.removeHere(offset, here, elements);
        if (left > 0) directory.next();
      }
      offset = 0;
    }
  }

  /** Removes the element at one end. Throws only before anything has changed. */
  removeEnd(isTail: boolean): void {
    const { arena, directory } = this;
    const shape = directory.openEnd(isTail);
    const elements = elementsOf(shape);
    if (elements === 1) {
      this.dropNode();
    } else if (this.isOpen(shape)) {
      const block = directory.endBlock;
      const changed = isTail ? popLast(arena, block, elements) : popFirst(arena, block, elements);
      directory.setEnd(changed, shape - 1, -1);
    } else {
      const block = this.openEndForChange();
      const changed = isTail ? popLast(arena, block, elements) : popFirst(arena, block, elements);
      directory.replace(changed, elements - 1);
    }
  }

  /**
   * Removes up to `wanted` elements that are the text, from one end on. Returns how many there were.
   * When it throws ArenaFullError, none has been removed.
   */
  removeMatches(matcher: TextMatcher, wanted: number, isForward: boolean): number {
    const { directory } = this;
    if (directory.depth !== 0) this.prepareMatches(matcher, wanted, isForward);
    let left = wanted;
    directory.toEnd(!isForward);
    for (let isThere = true; isThere && left > 0; ) {
      const found = this.matchesHere(matcher);
      if (found === 0) {
        isThere = directory.step(isForward);
        continue;
      }
      const taken = Math.min(found, left);
      left -= taken;
      isThere = this.removeMatchesHere(matcher, found, taken, isForward);
    }
    if (left < wanted && directory.depth !== 0) this.settleAll();
    return wanted - left;
  }

  private matchesHere(matcher: TextMatcher): number {
    const { bytes, start, end, isPlain: isText } = this.view.open(this.arena, this.directory.cell);
    if (isText) return matcher.isText(bytes, start, end) ? 1 : 0;
    return countMatches(bytes, start, matcher);
  }

  /** Removes `taken` of the `found` matches of the node at the position. True: there is a next node. */
  private removeMatchesHere(
    matcher: TextMatcher,
    found: number,
    taken: number,
    isForward: boolean,
  ): boolean {
    const { arena, directory } = this;
    const elements = elementsOf(shapeOf(arena, directory.cell));
    if (taken === elements) {
      const hasNext = this.dropNode();
      if (isForward) return hasNext;
      if (directory.nodeCount === 0) return false;
      if (hasNext) return directory.previous();
      directory.toLast();
      return true;
    }
    const listpack = this.openForChange();
    const skipped = isForward ? 0 : found - taken;
    const changed = deleteMatches(arena, listpack, elements, matcher, skipped, taken);
    directory.replace(changed, elements - taken);
    return directory.step(isForward);
  }

  /** Decompresses the nodes in which there is something to remove: that can fail, and must not later. */
  private prepareMatches(matcher: TextMatcher, wanted: number, isForward: boolean): void {
    const { directory } = this;
    directory.toEnd(!isForward);
    for (let left = wanted; left > 0; ) {
      const found = this.matchesHere(matcher);
      if (found > 0) this.inflate();
      left -= found;
      if (!directory.step(isForward)) return;
    }
  }

  /** Removes some elements, not all, of the node at the position. */
  private removeHere(offset: number, count: number, elements: number): void {
    const { arena, directory } = this;
    const listpack = this.openForChange();
    const at = this.offsetOf(listpack, elements, offset);
    const isTail = offset + count === elements;
    const changed = isTail
      ? truncate(arena, listpack, at, offset)
      : deleteAt(arena, listpack, at, count);
    directory.replace(changed, elements - count);
  }

  /** Compresses the node of element `index` again, if there is one and it lies deep enough. */
  settleAt(index: number): void {
    if (this.directory.depth === 0 || index < 0 || index >= this.length) return;
    this.directory.seek(index);
    this.settleHere();
  }

  // --- Reading ---------------------------------------------------------------------------------

  /** Looks at the node of the element `index`. Returns its number in the node. */
  open(index: number, view: NodeView): number {
    const offset = this.directory.seek(index);
    view.open(this.arena, this.directory.cell);
    return offset;
  }

  /** Looks at the node beside the one that was opened last; false when there is none. */
  openBeside(isForward: boolean, view: NodeView): boolean {
    if (!this.directory.step(isForward)) return false;
    view.open(this.arena, this.directory.cell);
    return true;
  }

  /** Throws unless every promise in the header holds. For tests and fuzzers: slow. */
  check(): void {
    const { arena, directory, view } = this;
    directory.check();
    assert(directory.nodeCount > 0, "a list has nodes");
    directory.toFirst();
    do {
      const { cell } = directory;
      const shape = shapeOf(arena, cell);
      const block = blockOf(arena, cell);
      if ((shape & PLAIN) !== 0) assert(elementsOf(shape) === 1, "a plain node is one element");
      if ((shape & (PLAIN | COMPRESSED)) === 0) {
        checkPacked(arena, block, elementsOf(shape));
      } else if (shape === (PLAIN | 1)) {
        const bytes = PLAIN_HEAD_BYTES + wordAt(arena, block, 0);
        assert(arena.blockBytes(block) >= bytes, "a plain node fits its block");
      } else {
        const { bytes, start, end, isPlain: isText } = view.open(arena, cell);
        assert(isText || validateListpack(bytes, start, end, true), "what is compressed is whole");
      }
    } while (directory.next());
  }
}
