/**
 * IdTree: refs in the order of stream IDs. The blocks of a stream stand in one, and so do the pending
 * entries of each group and of each consumer.
 *
 * A B+-tree. A node is one block of the arena:
 *
 *      word 0   slots in use (lower half), level (upper half; 0: a leaf)
 *           1   version: see stream-space.ts
 *           2   slots of five words: an ID, and what stands under it: in a leaf a ref of the
 *               owner's, above a node all of whose IDs are at least this one
 *
 * The ID in the first slot of an inner node is never compared: it stands for "anything lower". A node
 * has up to SLOTS_MAX slots and its block as many as are needed and some more, so that a tree of one
 * is one small block. What is appended fills nodes to the brim (20 bytes an entry and 2 % for the
 * nodes above); a split elsewhere leaves two halves. A node goes when it is empty, and its block
 * shrinks with it; nodes are not joined.
 *
 * The root and the number of entries are two words of the owner's block, which attach() is told.
 * One window does for all trees of a stream. Every method that looks leaves the window at the entry it
 * came to, whose ID is in `id`, and `value` reads what is under it. Whoever walks may not change the
 * tree meanwhile, but by replace().
 *
 * The window remembers the leaf that it came to, and looks there first: IDs that are asked for in
 * order cost no way down from the root. So when a tree has been changed through another window, this
 * one has to be attached anew.
 *
 * insert() throws ArenaFullError and has changed nothing then; nothing else can fail.
 */
import { assert } from "../../assert.ts";
import { type Arena, NONE, type Ref, roundedBytes } from "../../memory/arena.ts";
import { wordIndex, wordsOf } from "../../table/entry.ts";
import type { MoveBlock } from "../kind.ts";
import { StreamId } from "./stream-id.ts";
import type { StreamSpace } from "./stream-space.ts";

const SLOTS_MAX = 50;
const SLOT_WORDS = 5;
const VALUE_WORD = 4;
const HEAD_WORDS = 2;
const HEAD_BYTES = HEAD_WORDS * 4;
const SLOT_BYTES = SLOT_WORDS * 4;
/** Slots of a node that begins where IDs are appended. */
const APPENDED_SLOTS = 20;
const DEPTH_MAX = 12;

function bytesFor(slots: number): number {
  return HEAD_BYTES + slots * SLOT_BYTES;
}

/** Refs in the order of IDs: see the head of this file. */
export class IdTree {
  /** The ID that the tree came to. */
  readonly id = new StreamId();
  private readonly space: StreamSpace;
  private readonly arena: Arena;
  /** The block that has the root and the count, and where. */
  private owner: Ref = NONE;
  private ownerWord = 0;
  private depth = 0;
  /** From the root down to the leaf at hand: nodes, and in each the slot. */
  private readonly nodes = new Int32Array(DEPTH_MAX);
  private readonly slots = new Int32Array(DEPTH_MAX);
  /** Whether these are the way to a leaf of the tree as it is. */
  private knowsLeaf = false;
  private readonly spare = new Int32Array(DEPTH_MAX + 1);
  private readonly bound = new StreamId();

  constructor(space: StreamSpace) {
    this.space = space;
    this.arena = space.arena;
  }

  /** Goes on with the tree whose root is word `word` of the block `owner`. */
  attach(owner: Ref, word: number): this {
    this.owner = owner;
    this.ownerWord = word;
    this.knowsLeaf = false;
    return this;
  }

  /** Number of entries. */
  get count(): number {
    return wordsOf(this.arena, this.owner)[wordIndex(this.owner) + this.ownerWord + 1] as number;
  }

  private get root(): Ref {
    return wordsOf(this.arena, this.owner)[wordIndex(this.owner) + this.ownerWord] as number;
  }

  private setRoot(root: Ref): void {
    wordsOf(this.arena, this.owner)[wordIndex(this.owner) + this.ownerWord] = root;
  }

  private addToCount(change: number): void {
    const words = wordsOf(this.arena, this.owner);
    const at = wordIndex(this.owner) + this.ownerWord + 1;
    words[at] = (words[at] as number) + change;
  }

  // --- Looking ---------------------------------------------------------------------------------

  /** What is under the ID at hand. */
  get value(): Ref {
    const node = this.nodes[this.depth - 1] as number;
    const at = wordIndex(node) + HEAD_WORDS + (this.slots[this.depth - 1] as number) * SLOT_WORDS;
    return wordsOf(this.arena, node)[at + VALUE_WORD] as number;
  }

  /** What is under an ID, or NONE. */
  find(id: StreamId): Ref {
    if (!this.seekAtMost(id) || this.id.compare(id) !== 0) return NONE;
    return this.value;
  }

  /** Comes to the last ID that is not above `id`. False when there is none. */
  seekAtMost(id: StreamId): boolean {
    if (!this.descend(id)) return false;
    if ((this.slots[this.depth - 1] as number) === -1) return this.toPreviousLeaf();
    this.readId();
    return true;
  }

  /** Comes to the first ID that is not below `id`. False when there is none. */
  seekAtLeast(id: StreamId): boolean {
    if (!this.descend(id)) return false;
    const last = this.depth - 1;
    if ((this.slots[last] as number) >= 0) {
      this.readId();
      if (this.id.compare(id) === 0) return true;
    }
    return this.next();
  }

  /** Comes to the first ID of all. */
  first(): boolean {
    return this.toEdge(0, true);
  }

  /** Comes to the last ID of all. */
  last(): boolean {
    return this.toEdge(0, false);
  }

  /** Comes to the next ID. False when that was the last. */
  next(): boolean {
    const last = this.depth - 1;
    const slot = (this.slots[last] as number) + 1;
    if (slot < this.countOf(this.nodes[last] as number)) {
      this.slots[last] = slot;
      this.readId();
      return true;
    }
    for (let level = last - 1; level >= 0; level--) {
      const up = (this.slots[level] as number) + 1;
      if (up === this.countOf(this.nodes[level] as number)) continue;
      this.slots[level] = up;
      return this.toEdge(level + 1, true);
    }
    return false;
  }

  /** Comes to the ID before. False when that was the first. */
  previous(): boolean {
    const last = this.depth - 1;
    const slot = (this.slots[last] as number) - 1;
    if (slot >= 0) {
      this.slots[last] = slot;
      this.readId();
      return true;
    }
    return this.toPreviousLeaf();
  }

  private toPreviousLeaf(): boolean {
    for (let level = this.depth - 2; level >= 0; level--) {
      const up = (this.slots[level] as number) - 1;
      if (up < 0) continue;
      this.slots[level] = up;
      return this.toEdge(level + 1, false);
    }
    return false;
  }

  /** From the node that the slot above `level` names, down to its first or last ID. */
  private toEdge(level: number, isFirst: boolean): boolean {
    let node = level === 0 ? this.root : this.childAt(level - 1);
    if (node === NONE) return false;
    if (level === 0) this.knowsLeaf = true;
    for (let at = level; ; at++) {
      this.nodes[at] = node;
      this.slots[at] = isFirst ? 0 : this.countOf(node) - 1;
      if (this.levelOf(node) === 0) {
        this.depth = at + 1;
        break;
      }
      node = this.childAt(at);
    }
    this.readId();
    return true;
  }

  private readId(): void {
    const node = this.nodes[this.depth - 1] as number;
    const slot = this.slots[this.depth - 1] as number;
    this.id.read(wordsOf(this.arena, node), wordIndex(node) + HEAD_WORDS + slot * SLOT_WORDS);
  }

  private childAt(level: number): Ref {
    const node = this.nodes[level] as number;
    const at = wordIndex(node) + HEAD_WORDS + (this.slots[level] as number) * SLOT_WORDS;
    return wordsOf(this.arena, node)[at + VALUE_WORD] as number;
  }

  private countOf(node: Ref): number {
    return (wordsOf(this.arena, node)[wordIndex(node)] as number) & 0xffff;
  }

  private levelOf(node: Ref): number {
    return (wordsOf(this.arena, node)[wordIndex(node)] as number) >>> 16;
  }

  /**
   * Down to the leaf where the ID belongs. In each node the slot is the last one that is not above
   * it; in the leaf that may be -1. False for an empty tree.
   */
  private descend(id: StreamId): boolean {
    if (this.knowsLeaf && this.stay(id)) return true;
    let node = this.root;
    if (node === NONE) return false;
    this.knowsLeaf = true;
    for (let at = 0; ; at++) {
      const words = wordsOf(this.arena, node);
      const base = wordIndex(node);
      const head = words[base] as number;
      const isLeaf = head >>> 16 === 0;
      let low = isLeaf ? -1 : 0;
      const high = (head & 0xffff) - 1;
      // The end is where IDs are asked for most often.
      if (high > low && id.compareWords(words, base + HEAD_WORDS + high * SLOT_WORDS) >= 0) {
        low = high;
      }
      low = lastUpTo(id, words, base + HEAD_WORDS, low, high);
      this.nodes[at] = node;
      this.slots[at] = low;
      if (isLeaf) {
        this.depth = at + 1;
        return true;
      }
      node = words[base + HEAD_WORDS + low * SLOT_WORDS + VALUE_WORD] as number;
    }
  }

  /** As descend(), when the ID lies between the first and the last one of the leaf at hand; else false. */
  private stay(id: StreamId): boolean {
    const last = this.depth - 1;
    const node = this.nodes[last] as number;
    const words = wordsOf(this.arena, node);
    const first = wordIndex(node) + HEAD_WORDS;
    let high = ((words[first - HEAD_WORDS] as number) & 0xffff) - 1;
    if (id.compareWords(words, first) < 0) return false;
    if (id.compareWords(words, first + high * SLOT_WORDS) > 0) return false;
    let low = 0;
    // Most likely it is the ID at hand, or the next one.
    const near = this.slots[last] as number;
    if (near > 0 && near < high && id.compareWords(words, first + near * SLOT_WORDS) >= 0)
      low = near;
    if (low < high && id.compareWords(words, first + (low + 1) * SLOT_WORDS) < 0) high = low;
    else if (low + 1 < high && id.compareWords(words, first + (low + 2) * SLOT_WORDS) < 0) {
      low++;
      high = low;
    }
    this.slots[last] = lastUpTo(id, words, first, low, high);
    return true;
  }

  // --- Changing --------------------------------------------------------------------------------

  /** Puts a ref under the ID at hand in the place of the one that is there. */
  replace(value: Ref): void {
    this.ownPath();
    this.setValue(this.depth - 1, value);
  }

  private setValue(level: number, value: Ref): void {
    const node = this.nodes[level] as number;
    const at = wordIndex(node) + HEAD_WORDS + (this.slots[level] as number) * SLOT_WORDS;
    wordsOf(this.arena, node)[at + VALUE_WORD] = value;
  }

  /** The node at a level is another block now. */
  private setNode(level: number, node: Ref): void {
    this.nodes[level] = node;
    if (level === 0) this.setRoot(node);
    else this.setValue(level - 1, node);
  }

  /** Makes all nodes from the root to the leaf at hand the live tree's own. */
  private ownPath(): void {
    if (this.space.hold === null) return;
    for (let level = 0; level < this.depth; level++) {
      const node = this.nodes[level] as number;
      const own = this.space.owned(node, 1);
      if (own !== node) this.setNode(level, own);
    }
  }

  private create(level: number, slots: number): Ref {
    const node = this.arena.alloc(bytesFor(slots));
    const words = wordsOf(this.arena, node);
    const at = wordIndex(node);
    words[at] = level << 16;
    words[at + 1] = this.space.version;
    return node;
  }

  private capacityOf(node: Ref): number {
    const slots = Math.floor((this.arena.blockBytes(node) - HEAD_BYTES) / SLOT_BYTES);
    return Math.min(slots, SLOTS_MAX);
  }

  /** Puts a ref under an ID. False when there is one already: it stays. */
  insert(id: StreamId, value: Ref): boolean {
    if (!this.descend(id)) {
      const root = this.create(0, 1);
      this.put(root, 0, id, value);
      this.setRoot(root);
      this.addToCount(1);
      return true;
    }
    const leaf = this.depth - 1;
    if ((this.slots[leaf] as number) >= 0) {
      this.readId();
      if (this.id.compare(id) === 0) return false;
    }
    this.ownPath();
    let level = leaf;
    while (level >= 0 && this.countOf(this.nodes[level] as number) === SLOTS_MAX) level--;
    if (level >= 0) this.grow(level);
    if (level < leaf) {
      this.split(id, value, level);
      this.knowsLeaf = false;
    } else this.put(this.nodes[leaf] as number, (this.slots[leaf] as number) + 1, id, value);
    this.addToCount(1);
    return true;
  }

  /** Sees to it that the node at a level has room for one more. */
  private grow(level: number): void {
    const node = this.nodes[level] as number;
    const count = this.countOf(node);
    if (count < this.capacityOf(node)) return;
    const wanted = Math.min(SLOTS_MAX, count + 1 + (count >> 1));
    const grown = this.arena.resize(node, bytesFor(wanted), bytesFor(count));
    if (grown !== node) this.setNode(level, grown);
  }

  /** Inserts into a full leaf. All nodes below `room` are full; -1: all are. */
  private split(id: StreamId, value: Ref, room: number): void {
    const { arena, spare } = this;
    const leaf = this.depth - 1;
    let made = 0;
    try {
      for (let level = leaf; level > room; level--) {
        const isAppended = (this.slots[level] as number) === SLOTS_MAX - 1;
        spare[made] = this.create(leaf - level, isAppended ? APPENDED_SLOTS : SLOTS_MAX);
        made++;
      }
      if (room === -1) {
        spare[made] = this.create(leaf + 1, APPENDED_SLOTS);
        made++;
      }
    } catch (full) {
      while (made > 0) arena.free(spare[--made] as number);
      throw full;
    }
    const { bound } = this;
    bound.copy(id);
    let under = value;
    let used = 0;
    for (let level = leaf; level > room; level--) {
      const right = spare[used++] as number;
      this.divide(level, right, bound, under);
      bound.read(wordsOf(arena, right), wordIndex(right) + HEAD_WORDS);
      under = right;
    }
    if (room >= 0) {
      this.put(this.nodes[room] as number, (this.slots[room] as number) + 1, bound, under);
      return;
    }
    const root = spare[used] as number;
    const old = this.root;
    this.put(root, 0, bound, old);
    this.put(root, 1, bound, under);
    this.setRoot(root);
  }

  /** Parts the full node at a level in two, the right one being new, and inserts into one of them. */
  private divide(level: number, right: Ref, id: StreamId, value: Ref): void {
    const node = this.nodes[level] as number;
    const slot = (this.slots[level] as number) + 1;
    if (slot === SLOTS_MAX) {
      this.put(right, 0, id, value);
      return;
    }
    const { arena } = this;
    const kept = SLOTS_MAX >> 1;
    arena.copy(right, HEAD_BYTES, node, bytesFor(kept), (SLOTS_MAX - kept) * SLOT_BYTES);
    this.setCount(right, SLOTS_MAX - kept);
    this.setCount(node, kept);
    if (slot <= kept) this.put(node, slot, id, value);
    else this.put(right, slot - kept, id, value);
  }

  private setCount(node: Ref, count: number): void {
    const words = wordsOf(this.arena, node);
    const at = wordIndex(node);
    words[at] = ((words[at] as number) & ~0xffff) | count;
  }

  /** Inserts a slot into a node that has room. */
  private put(node: Ref, slot: number, id: StreamId, value: Ref): void {
    const words = wordsOf(this.arena, node);
    const base = wordIndex(node);
    const count = (words[base] as number) & 0xffff;
    const at = base + HEAD_WORDS + slot * SLOT_WORDS;
    if (slot < count) words.copyWithin(at + SLOT_WORDS, at, at + (count - slot) * SLOT_WORDS);
    id.write(words, at);
    words[at + VALUE_WORD] = value;
    words[base] = (words[base] as number) + 1;
  }

  /** Takes the ID at hand out of the tree. What was under it is the caller's. */
  remove(): void {
    this.ownPath();
    this.addToCount(-1);
    for (let level = this.depth - 1; level >= 0; level--) {
      const node = this.nodes[level] as number;
      const count = this.countOf(node) - 1;
      if (count > 0) {
        this.takeOut(node, this.slots[level] as number, count);
        this.shrink(level, count);
        break;
      }
      this.arena.free(node);
      this.knowsLeaf = false;
      if (level === 0) this.setRoot(NONE);
    }
    this.lowerRoot();
  }

  private takeOut(node: Ref, slot: number, countAfter: number): void {
    const words = wordsOf(this.arena, node);
    const base = wordIndex(node);
    const at = base + HEAD_WORDS + slot * SLOT_WORDS;
    words.copyWithin(at, at + SLOT_WORDS, base + HEAD_WORDS + (countAfter + 1) * SLOT_WORDS);
    words[base] = (words[base] as number) - 1;
  }

  private shrink(level: number, count: number): void {
    const node = this.nodes[level] as number;
    if (this.arena.blockBytes(node) <= roundedBytes(bytesFor(2 * count + 4))) return;
    const smaller = this.arena.resize(node, bytesFor(count + 2), bytesFor(count));
    if (smaller !== node) this.setNode(level, smaller);
  }

  /** A root above one node alone is none. */
  private lowerRoot(): void {
    for (let root = this.root; root !== NONE; ) {
      if (this.levelOf(root) === 0 || this.countOf(root) > 1) return;
      const words = wordsOf(this.arena, root);
      const child = words[wordIndex(root) + HEAD_WORDS + VALUE_WORD] as number;
      const version = words[wordIndex(root) + 1] as number;
      this.space.release(root, version);
      this.setRoot(child);
      this.knowsLeaf = false;
      root = child;
    }
  }

  // --- All nodes -------------------------------------------------------------------------------

  /** Takes the last entry out of a tree that is nobody's any more. Its ref, or NONE at the end. */
  takeLast(): Ref {
    if (!this.last()) return NONE;
    const { value } = this;
    this.knowsLeaf = false;
    this.addToCount(-1);
    for (let level = this.depth - 1; level >= 0; level--) {
      const node = this.nodes[level] as number;
      const count = this.countOf(node) - 1;
      if (count > 0) {
        this.setCount(node, count);
        break;
      }
      this.arena.free(node);
      if (level === 0) this.setRoot(NONE);
    }
    return value;
  }

  /** Bytes of the nodes. */
  nodeBytes(): number {
    return this.root === NONE ? 0 : this.bytesBelow(this.root);
  }

  private bytesBelow(node: Ref): number {
    let sum = this.arena.blockBytes(node);
    if (this.levelOf(node) === 0) return sum;
    const words = wordsOf(this.arena, node);
    const base = wordIndex(node) + HEAD_WORDS + VALUE_WORD;
    for (let slot = this.countOf(node) - 1; slot >= 0; slot--)
      sum += this.bytesBelow(words[base + slot * SLOT_WORDS] as number);
    return sum;
  }

  /** Moves the nodes above the entry at hand, of which this is the first one. */
  moveNodes(move: MoveBlock): void {
    for (let level = this.depth - 1; level >= 0; level--) {
      if ((this.slots[level] as number) !== 0) return;
      const node = this.nodes[level] as number;
      const moved = move(node);
      if (moved !== node) this.setNode(level, moved);
    }
  }

  /** Puts a ref in the place of the one at hand: the same block, elsewhere. */
  moved(value: Ref): void {
    this.setValue(this.depth - 1, value);
  }

  /** Throws unless the tree is whole. For tests: slow. */
  check(): void {
    const { root } = this;
    if (root === NONE) {
      assert(this.count === 0, "an empty tree counts nothing");
      return;
    }
    const low = new StreamId();
    const seen = this.checkBelow(root, this.levelOf(root), low, true);
    assert(seen === this.count, "a tree counts its entries");
  }

  private checkBelow(node: Ref, level: number, low: StreamId, isFirst: boolean): number {
    assert(this.levelOf(node) === level, "a tree's leaves are all at one depth");
    const words = wordsOf(this.arena, node);
    const base = wordIndex(node);
    const count = this.countOf(node);
    assert(
      count > 0 && count <= this.capacityOf(node),
      "a node has some slots, and fits its block",
    );
    let seen = 0;
    let isLowest = isFirst;
    for (let slot = 0; slot < count; slot++) {
      const at = base + HEAD_WORDS + slot * SLOT_WORDS;
      const value = words[at + VALUE_WORD] as number;
      assert(value !== NONE, "a slot refers to something");
      if (level === 0) {
        assert(isLowest || low.compareWords(words, at) < 0, "IDs ascend");
        low.read(words, at);
        seen++;
      } else {
        if (slot > 0) assert(low.compareWords(words, at) < 0, "IDs ascend from node to node");
        const bound = slot > 0 ? new StreamId().read(words, at) : null;
        seen += this.checkBelow(value, level - 1, low, isLowest);
        if (bound !== null) {
          // What is below is not below its bound: the first of it was compared with what came before.
          assert(low.compare(bound) >= 0, "a node's IDs are at least its bound");
        }
      }
      isLowest = false;
    }
    return seen;
  }
}

/** The last slot from `low` to `high` whose ID is not above this one; `low`, unseen, when all others are. */
function lastUpTo(
  id: StreamId,
  words: Int32Array,
  first: number,
  low: number,
  high: number,
): number {
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (id.compareWords(words, first + middle * SLOT_WORDS) >= 0) low = middle;
    else high = middle - 1;
  }
  return low;
}
