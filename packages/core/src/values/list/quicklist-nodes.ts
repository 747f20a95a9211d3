/**
 * QuicklistNodes: the nodes of a quicklist, one at a time. How one is added, opened for a change,
 * dropped, and when it is compressed: what Quicklist, which deals with elements, is built on.
 *
 * Compressing is put off until settle(), so that a change of several steps can go back.
 */
import { type Arena, ArenaFullError, NONE, type Ref } from "../../memory/arena.ts";
import { listpackOf } from "../../memory/listpack-parts.ts";
import { ListDirectory } from "./list-directory.ts";
import { blockOf, COMPRESSED, elementsOf, PLAIN, rawBytesOf, shapeOf } from "./list-layout.ts";
import { hasRoomFor } from "./list-limits.ts";
import { createPlain, inflated, NodePress, NodeView } from "./list-node.ts";
import { closeRoom, copyWithoutRoom, hasRoom } from "./list-room.ts";

/** The nodes of a quicklist: see the head of this file. */
export class QuicklistNodes {
  readonly arena: Arena;
  readonly directory: ListDirectory;
  protected readonly view = new NodeView();
  protected readonly press = new NodePress();
  /** Nodes that were added at either end since settle(). */
  protected addedNodes = 0;
  /** False in the middle of a change that must be able to go on, or back. */
  protected compresses = true;

  constructor(arena: Arena) {
    this.arena = arena;
    this.directory = new ListDirectory(arena);
  }

  attach(header: Ref): this {
    this.directory.header = header;
    return this;
  }

  get length(): number {
    return this.directory.elementCount;
  }

  // --- Nodes -----------------------------------------------------------------------------------

  /** True when the node at the position is packed and has room for an element of so many bytes. */
  protected takesMore(length: number): boolean {
    const { arena, directory } = this;
    const cell = directory.cell;
    const shape = shapeOf(arena, cell);
    if ((shape & PLAIN) !== 0) return false;
    return hasRoomFor(directory.fill, rawBytesOf(arena, cell), elementsOf(shape), length);
  }

  /** Sees to it that the node at the position is not compressed. */
  protected inflate(): void {
    const { arena, directory, view } = this;
    const { cell } = directory;
    const shape = shapeOf(arena, cell);
    if ((shape & COMPRESSED) === 0) return;
    const block = inflated(arena, cell, view);
    directory.dropBlock();
    directory.replace(block, shape & ~COMPRESSED);
  }

  protected deflate(): void {
    const { arena, directory, view, press } = this;
    const { cell } = directory;
    const shape = shapeOf(arena, cell);
    if ((shape & COMPRESSED) !== 0 || !this.compresses) return;
    const block = press.deflated(arena, cell, view);
    if (block === NONE) return;
    directory.dropBlock();
    directory.replace(block, shape | COMPRESSED);
  }

  /** As inflate(), for when there is another chance. */
  protected tryToInflate(): void {
    try {
      this.inflate();
    } catch (full) {
      if (!(full instanceof ArenaFullError)) throw full;
    }
  }

  /** The packed node at the position is to be changed at an end: its block. */
  protected openEndForChange(): Ref {
    const { arena, directory } = this;
    if (shapeOf(arena, directory.cell) < 0) this.inflate();
    directory.beforeChange();
    return blockOf(arena, directory.cell);
  }

  /** The packed node at the position is to be changed anywhere: its listpack. */
  protected openForChange(): Ref {
    return closeRoom(this.arena, this.openEndForChange());
  }

  /** The node at the position is about to have one before it: no room at its head any more. */
  protected giveRoomBack(): void {
    const { arena, directory } = this;
    const { block, cell } = directory;
    const shape = shapeOf(arena, cell);
    if ((shape & (PLAIN | COMPRESSED)) !== 0 || !hasRoom(arena, block)) return;
    try {
      const tight = copyWithoutRoom(arena, block);
      directory.dropBlock();
      directory.replace(tight, shape);
    } catch (full) {
      // It keeps its room then.
      if (!(full instanceof ArenaFullError)) throw full;
    }
  }

  /** Drops the node at the position. The position is the next one; false when there is none. */
  protected dropNode(): boolean {
    this.directory.dropBlock();
    return this.directory.remove();
  }

  /** Puts a new node with one element beside the position. */
  protected insertNode(
    isBehind: boolean,
    isLarge: boolean,
    bytes: Uint8Array,
    start: number,
    end: number,
  ): void {
    const { arena, directory } = this;
    const block = isLarge
      ? createPlain(arena, bytes, start, end)
      : listpackOf(arena, bytes, start, end);
    this.insertBlock(isBehind, block, isLarge ? PLAIN | 1 : 1);
    if (directory.depth !== 0) this.addedNodes++;
  }

  /** Makes a block the last node. */
  appendBlock(block: Ref, shape: number): void {
    if (this.directory.nodeCount !== 0) this.directory.toLast();
    this.insertBlock(true, block, shape);
    this.addedNodes++;
  }

  /** Puts a block into the list as a node. Frees it when there is no room. */
  protected insertBlock(isBehind: boolean, block: Ref, shape: number): void {
    try {
      this.directory.insert(isBehind, block, shape);
    } catch (full) {
      this.arena.free(block);
      throw full;
    }
  }

  // --- Compression -----------------------------------------------------------------------------

  /**
   * Compresses what has come to lie deep enough, and brings back what has come near an end. To be
   * called when a command has done with the list.
   */
  settle(): void {
    const { directory } = this;
    const { depth } = directory;
    if (depth === 0 || directory.nodeCount === 0) return;
    const more = this.addedNodes + 1;
    this.addedNodes = 0;
    this.settleEnd(true, depth, more);
    this.settleEnd(false, depth, more);
  }

  protected settleEnd(isTail: boolean, depth: number, more: number): void {
    const { directory } = this;
    directory.toEnd(isTail);
    for (let i = 0; i < depth; i++) {
      this.tryToInflate();
      if (!directory.step(!isTail)) return;
    }
    // What is as near to the other end stays as it is.
    const inner = Math.min(more, directory.nodeCount - 2 * depth);
    for (let i = 0; i < inner; i++) {
      this.deflate();
      if (!directory.step(!isTail)) return;
    }
  }

  /** Compresses the node at the position again, unless it is near an end. */
  protected settleHere(): void {
    const { directory } = this;
    const { depth } = directory;
    if (depth === 0) return;
    const { entry, slot } = directory;
    if (!this.isNearEnd(true, depth, entry, slot) && !this.isNearEnd(false, depth, entry, slot)) {
      directory.entry = entry;
      directory.slot = slot;
      this.deflate();
    }
    directory.entry = entry;
    directory.slot = slot;
  }

  protected isNearEnd(isTail: boolean, depth: number, entry: number, slot: number): boolean {
    const { directory } = this;
    directory.toEnd(isTail);
    for (let i = 0; i < depth; i++) {
      if (directory.entry === entry && directory.slot === slot) return true;
      if (!directory.step(!isTail)) return true;
    }
    return false;
  }

  /** Compresses every node that is not near an end. */
  protected settleAll(): void {
    const { directory } = this;
    this.addedNodes = directory.nodeCount;
    this.settle();
  }
}
