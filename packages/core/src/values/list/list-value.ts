/**
 * ListValue: the value of a list key, in either of its two encodings.
 *
 *   LISTPACK     one flat block, as long as one node has room for all of it;
 *   QUICKLIST    many nodes and a directory of them: quicklist.ts.
 *
 * The key's entry has type LIST, the flags WORD and EXTERNAL, and refers to the listpack or to the
 * quicklist's header. A ListValue is a window: attach() it to an entry, use it, attach it to the next
 * one. Writing may move the listpack, and then the entry is told.
 *
 * As in Redis a list changes its encoding at the seams of a command: grow() before something is
 * added, shrink() when something was removed, with half the limit so that it does not go to and fro.
 * A list that a snapshot is walking stays a quicklist meanwhile.
 *
 * Elements are read a node at a time: open() shows the node of an index in `node`, and tells which of
 * its elements that is; openBeside() goes on from there.
 *
 * What throws ArenaFullError has left the elements as they were. An empty list is to be deleted by
 * who emptied it.
 */
import { assert } from "../../assert.ts";
import type { Arena, Ref } from "../../memory/arena.ts";
import {
  append,
  checkListpack,
  createListpack,
  deleteAt,
  first,
  insertAt,
  type ListpackValue,
  last,
  listpackBytes,
  listpackCount,
  listpackFromBytes,
  prepend,
  readAt,
  replaceAt,
} from "../../memory/listpack.ts";
import { countMatches, deleteMatches, truncate } from "../../memory/listpack-parts.ts";
import { positionOf, type TextMatcher } from "../../memory/listpack-walk.ts";
import {
  byteIndex,
  bytesOf,
  Encoding,
  encodingOf,
  flagsOf,
  setEncoding,
  setValueRef,
  Type,
  typeOf,
  valueRef,
} from "../../table/entry.ts";
import { createBlockEntry, EXTERNAL_VALUE } from "../block-entry.ts";
import { ListDirectory } from "./list-directory.ts";
import { COMPRESSED, elementsOf, PLAIN, rawBytesOf, shapeOf } from "./list-layout.ts";
import { exceeds, fitsListpack, type ListLimits } from "./list-limits.ts";
import { createPlain, NodeView } from "./list-node.ts";
import { closeRoom } from "./list-room.ts";
import { Quicklist } from "./quicklist.ts";

/** A new entry for the key bytes[start, end), holding an empty list. `expiryMs`: its expiry, or -1. */
export function createList(
  arena: Arena,
  epoch: number,
  bytes: Uint8Array,
  start: number,
  end: number,
  expiryMs = -1,
): Ref {
  return createListOf(arena, createListpack(arena), epoch, bytes, start, end, expiryMs);
}

/** As createList(), of the elements of a listpack, which is freed when there is no room for the entry. */
export function createListOf(
  arena: Arena,
  listpack: Ref,
  epoch: number,
  bytes: Uint8Array,
  start: number,
  end: number,
  expiryMs: number,
): Ref {
  try {
    return createBlockEntry(
      arena,
      Type.LIST,
      Encoding.LISTPACK,
      listpack,
      epoch,
      bytes,
      start,
      end,
      expiryMs,
    );
  } catch (full) {
    arena.free(listpack);
    throw full;
  }
}

/** A window on the list that an entry holds: see the head of this file. */
export class ListValue {
  /** Where the lists live. */
  readonly arena: Arena;
  /** The key's entry. */
  entry: Ref = 0;
  /** True when the list is many nodes. */
  isQuicklist = false;
  /** The nodes, if it is that. */
  private readonly quicklist: Quicklist;
  /** The node that open() came to. In place: void when the list changes. */
  readonly node = new NodeView();
  private listpack: Ref = 0;

  constructor(arena: Arena) {
    this.arena = arena;
    this.quicklist = new Quicklist(arena);
  }

  /** Makes this object the window on the list that `entry` holds. */
  attach(entry: Ref): this {
    assert(typeOf(this.arena, entry) === Type.LIST, "the entry holds a list");
    this.entry = entry;
    this.isQuicklist = encodingOf(this.arena, entry) === Encoding.QUICKLIST;
    if (this.isQuicklist) this.quicklist.attach(valueRef(this.arena, entry));
    else this.listpack = valueRef(this.arena, entry);
    return this;
  }

  /** Number of elements. */
  get length(): number {
    return this.isQuicklist ? this.quicklist.length : listpackCount(this.arena, this.listpack);
  }

  private moveTo(listpack: Ref): void {
    if (listpack === this.listpack) return;
    this.listpack = listpack;
    setValueRef(this.arena, this.entry, listpack);
  }

  // --- Encodings -------------------------------------------------------------------------------

  /**
   * So many elements of so many bytes together are about to be added: a list that would not fit one
   * node becomes a quicklist. Throws ArenaFullError, and has changed nothing then.
   */
  grow(limits: ListLimits, addedElements: number, addedBytes: number): void {
    if (this.isQuicklist) return;
    const { arena, listpack } = this;
    const bytes = listpackBytes(arena, listpack) + addedBytes;
    if (exceeds(limits.fill, bytes, listpackCount(arena, listpack) + addedElements))
      this.toQuicklist(limits);
  }

  /** Something was removed, or (`isShrinking` false) the list is new: it may fit a listpack. */
  shrink(limits: ListLimits, isShrinking = true): void {
    if (!this.isQuicklist) return;
    const { directory } = this.quicklist;
    if (directory.nodeCount !== 1 || directory.isHeld) return;
    directory.toFirst();
    const { cell } = directory;
    const shape = shapeOf(this.arena, cell);
    if ((shape & (PLAIN | COMPRESSED)) !== 0) return;
    const bytes = rawBytesOf(this.arena, cell);
    if (fitsListpack(limits.fill, bytes, elementsOf(shape), isShrinking)) this.toListpack();
  }

  /** The listpack came as a whole: if it is more than one may be, it becomes the node of a quicklist. */
  fit(limits: ListLimits): void {
    const { arena, listpack } = this;
    const bytes = listpackBytes(arena, listpack);
    if (!fitsListpack(limits.fill, bytes, listpackCount(arena, listpack), false))
      this.toQuicklist(limits);
  }

  /** Makes the listpack the first node of a quicklist. */
  toQuicklist(limits: ListLimits): void {
    const { arena, entry, listpack, quicklist } = this;
    const count = listpackCount(arena, listpack);
    quicklist.attach(ListDirectory.create(arena, limits.fill, limits.compressDepth));
    if (count !== 0) {
      try {
        quicklist.directory.insert(false, listpack, count);
      } catch (full) {
        quicklist.directory.free();
        throw full;
      }
    } else {
      arena.free(listpack);
    }
    this.isQuicklist = true;
    setValueRef(arena, entry, quicklist.directory.header);
    setEncoding(arena, entry, Encoding.QUICKLIST);
  }

  /** Makes the only node of the quicklist, a packed one, the whole value. */
  private toListpack(): void {
    const { arena, entry } = this;
    const { directory } = this.quicklist;
    directory.toFirst();
    const bytes = rawBytesOf(arena, directory.cell);
    this.listpack = arena.resize(closeRoom(arena, directory.block), bytes, bytes);
    directory.free();
    this.isQuicklist = false;
    setValueRef(arena, entry, this.listpack);
    setEncoding(arena, entry, Encoding.LISTPACK);
  }

  // --- Changes ---------------------------------------------------------------------------------

  /** Adds an element at one end. grow() comes before, settle() after the last one. */
  push(isTail: boolean, bytes: Uint8Array, start: number, end: number, limits: ListLimits): void {
    if (this.isQuicklist) {
      this.quicklist.push(isTail, bytes, start, end, limits.plainBytesMin);
      return;
    }
    const { arena, listpack } = this;
    this.moveTo(
      isTail
        ? append(arena, listpack, bytes, start, end)
        : prepend(arena, listpack, bytes, start, end),
    );
  }

  /**
   * Adds a node of foreign bytes at the end: a listpack that has been validated and is not empty, or
   * one large element. The list is a quicklist. settle() is to follow.
   */
  appendNode(bytes: Uint8Array, start: number, end: number, isPlain: boolean): void {
    const { arena, quicklist } = this;
    const block = isPlain
      ? createPlain(arena, bytes, start, end)
      : listpackFromBytes(arena, bytes, start, end);
    quicklist.appendBlock(block, isPlain ? PLAIN | 1 : listpackCount(arena, block));
  }

  /** Takes back what push() has added since settle(), and grow() before it. Never fails. */
  undoPushes(isTail: boolean, count: number, wasQuicklist: boolean): void {
    if (count > 0) this.remove(isTail ? this.length - count : 0, count);
    if (!wasQuicklist && this.isQuicklist && this.length > 0) this.toListpack();
  }

  /** The change is complete: what lies deep in the list may be compressed. */
  settle(): void {
    if (this.isQuicklist) this.quicklist.settle();
  }

  /** Puts an element before the one at `index`, or behind the last one if `index` is the length. */
  insert(index: number, bytes: Uint8Array, start: number, end: number, limits: ListLimits): void {
    if (this.isQuicklist) {
      this.quicklist.insert(index, bytes, start, end, limits.plainBytesMin);
      return;
    }
    const { arena, listpack } = this;
    this.moveTo(insertAt(arena, listpack, this.offsetOf(index), bytes, start, end));
  }

  /** Makes bytes[start, end) the element at `index`, which exists. */
  set(index: number, bytes: Uint8Array, start: number, end: number, limits: ListLimits): void {
    if (this.isQuicklist) {
      this.quicklist.replace(index, bytes, start, end, limits.plainBytesMin);
      return;
    }
    const { arena, listpack } = this;
    this.moveTo(replaceAt(arena, listpack, this.offsetOf(index), bytes, start, end));
  }

  /** Removes the element at one end of a list that is not empty. */
  removeEnd(isTail: boolean): void {
    if (this.isQuicklist) {
      this.quicklist.removeEnd(isTail);
      return;
    }
    const { arena, listpack } = this;
    const count = listpackCount(arena, listpack);
    if (isTail) this.moveTo(truncate(arena, listpack, this.offsetOf(count - 1), count - 1));
    else this.moveTo(deleteAt(arena, listpack, this.offsetOf(0)));
  }

  /** Leaves `count` elements from `index` on, which exist. */
  trim(index: number, count: number): void {
    const behind = this.length - index - count;
    this.prepareRemoval(index + count, behind);
    this.prepareRemoval(0, index);
    this.remove(index + count, behind);
    this.remove(0, index);
  }

  /** Removes `count` elements from `index` on, which exist. */
  removeRange(index: number, count: number): void {
    this.prepareRemoval(index, count);
    this.remove(index, count);
  }

  private prepareRemoval(index: number, count: number): void {
    if (this.isQuicklist) this.quicklist.prepareRemoval(index, count);
  }

  private remove(index: number, count: number): void {
    if (count === 0) return;
    if (this.isQuicklist) this.quicklist.remove(index, count);
    else this.moveTo(deleteAt(this.arena, this.listpack, this.offsetOf(index), count));
  }

  /** Removes up to `wanted` elements that are the text, from one end on. Returns how many there were. */
  removeMatches(matcher: TextMatcher, wanted: number, isForward: boolean): number {
    if (this.isQuicklist) return this.quicklist.removeMatches(matcher, wanted, isForward);
    const { arena, listpack } = this;
    const found = countMatches(bytesOf(arena, listpack), byteIndex(listpack), matcher);
    const taken = Math.min(found, wanted);
    if (taken === 0) return 0;
    const skipped = isForward ? 0 : found - taken;
    const count = listpackCount(arena, listpack);
    this.moveTo(deleteMatches(arena, listpack, count, matcher, skipped, taken));
    return taken;
  }

  private offsetOf(index: number): number {
    const { arena, listpack } = this;
    const base = byteIndex(listpack);
    const end = base + listpackBytes(arena, listpack);
    const count = listpackCount(arena, listpack);
    return positionOf(bytesOf(arena, listpack), base, end, count, index) - base;
  }

  // --- Reading ---------------------------------------------------------------------------------

  /** Shows the node of element `index`, which exists, in `node`. Returns its number in the node. */
  open(index: number): number {
    if (this.isQuicklist) return this.quicklist.open(index, this.node);
    const { arena, listpack } = this;
    this.node.openListpack(arena, listpack, listpackCount(arena, listpack));
    return index;
  }

  /** Shows the node after the one at hand, or before it, in `node`; false when there is none. */
  openBeside(isForward: boolean): boolean {
    return this.isQuicklist && this.quicklist.openBeside(isForward, this.node);
  }

  /** Puts the element `index`, which exists, in `out`. In place: read it before writing. */
  read(index: number, out: ListpackValue): void {
    this.node.read(this.open(index), out);
  }

  /** Puts the element at one end of a list that is not empty in `out`. In place, as read(). */
  readEnd(isTail: boolean, out: ListpackValue): void {
    if (this.isQuicklist) this.quicklist.readEnd(isTail, out);
    else
      readAt(
        this.arena,
        this.listpack,
        isTail ? last(this.arena, this.listpack) : first(this.arena, this.listpack),
        out,
      );
  }

  /** Throws unless the list is whole. For tests and fuzzers: slow. */
  check(): void {
    const { arena, entry } = this;
    assert(flagsOf(arena, entry) >>> 1 === EXTERNAL_VALUE >>> 1, "a list has a block of its own");
    if (this.isQuicklist) {
      this.quicklist.check();
      return;
    }
    assert(encodingOf(arena, entry) === Encoding.LISTPACK, "the entry knows its encoding");
    assert(valueRef(arena, entry) === this.listpack, "the entry knows its listpack");
    checkListpack(arena, this.listpack);
  }
}
