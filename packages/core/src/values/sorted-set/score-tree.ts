/**
 * ScoreTree: the order of a large sorted set: a counted B+-tree over its elements, by score and, where
 * scores are equal, by the bytes of the members.
 *
 *      nodes (score-node.ts)      [ -3 | 1.5 | 8 ]            a place repeats the first element below
 *                                  /     |     \              it and counts all that are below it
 *      leaves              [-3 -3 0]  [1.5 2]  [8 9 40]
 *
 * So the rank of an element is the sum of the sizes left of the path to it, and the element at a rank
 * is found the same way back. Its owner keeps the elements in a Dict; the root's ref stands in the
 * words behind the Dict's header, and goes where that goes:
 *
 *      bytes 0..31 the Dict's header | root u32 | 0
 *
 * A node that is full is split in halves; at the right end of the tree the old one stays full and the
 * new one begins empty, at the left end likewise, so that elements that come in their order fill the
 * nodes. A node that is less than a third full joins a neighbour if the two leave room. A leaf that stands
 * alone begins small, and is put into a larger one until it is as large as all.
 *
 * True whenever no method is running; check() verifies it:
 *   - elements ascend, and no two are equal in score and member;
 *   - a place above the leaves repeats the first element below it and counts those below it;
 *   - all leaves are on one level; no node but the root is empty; a root above leaves has two children.
 *
 * An insertion comes in two parts: prepare() has all that can fail, insert() cannot. What a search or
 * a seek has found is void after the next change.
 */
import { assert } from "../../assert.ts";
import { type Arena, NONE, type Ref } from "../../memory/arena.ts";
import { keyLength, viewOf } from "../../table/entry.ts";
import {
  CHILDREN,
  childOf,
  closePlace,
  countOf,
  createNode,
  elementsAt,
  freeNodes,
  initialise,
  levelOf,
  movePlaces,
  NODE_MAX,
  nodeAt,
  nodeDoubles,
  nodeWords,
  openPlace,
  placesFor,
  placesOf,
  repeatFirst,
  SCORES,
  SIZES,
  setChild,
  sizeOf,
} from "./score-node.ts";
import { LEVELS_MAX, rootAt, ScorePath, setRootAt } from "./score-path.ts";
import { compareMember, memberIndex, scoreOf } from "./scored-member.ts";

/** A node with fewer places than this joins a neighbour, if there is room for both up to JOINED_MAX. */
const SPARSE = 21;
const JOINED_MAX = 48;

/** The ordered index of a sorted set: see the head of this file. */
export class ScoreTree extends ScorePath {
  /** Nodes for the splits of an insertion, by level. */
  private readonly spare = new Int32Array(LEVELS_MAX + 1);
  private spareCount = 0;

  private setRoot(root: Ref, height: number): void {
    this.root = root;
    this.height = height;
    setRootAt(this.arena, this.header, root);
  }

  // --- Inserting -----------------------------------------------------------------------------

  /**
   * Finds the place for a member, in view[start, end), with this score, and the memory for it.
   * insert() or cancel() is to follow at once. Throws ArenaFullError, and nothing has changed.
   */
  prepare(score: number, view: DataView, start: number, end: number): void {
    this.descend(score, view, start, end);
    const { arena, nodes, spare } = this;
    this.spareCount = 0;
    const leaf = nodes[0] as number;
    const leafPlaces = placesOf(arena, leaf);
    if (leafPlaces < NODE_MAX) {
      if (countOf(arena, leaf) < leafPlaces) return;
      spare[0] = createNode(arena, 0, placesFor(leafPlaces + 1));
      this.spareCount = 1;
      return;
    }
    try {
      for (let level = 0; countOf(arena, nodes[level] as number) === NODE_MAX; level++) {
        spare[this.spareCount] = createNode(arena, level);
        this.spareCount++;
        if (level < this.height) continue;
        assert(level + 2 < LEVELS_MAX, "a tree is not as high as that");
        spare[this.spareCount] = createNode(arena, level + 1);
        this.spareCount++;
        break;
      }
    } catch (full) {
      this.cancel();
      throw full;
    }
  }

  /** Gives back what prepare() has made ready. */
  cancel(): void {
    for (let i = 0; i < this.spareCount; i++) this.arena.free(this.spare[i] as number);
    this.spareCount = 0;
  }

  /** Puts the element in the place that prepare() has found for it. */
  insert(element: Ref, score: number): void {
    const { arena, nodes, places, spare, height } = this;
    let right = this.insertInLeaf(element, score);
    for (let level = 1; level <= height; level++) {
      const node = nodes[level] as number;
      const place = places[level] as number;
      const child = nodes[level - 1] as number;
      if (right === NONE) {
        const at = nodeAt(node) + SIZES + place;
        const words = nodeWords(arena, node);
        words[at] = (words[at] as number) + 1;
        repeatFirst(arena, node, place, child);
        continue;
      }
      setChild(arena, node, place, child);
      const added = right;
      right = this.roomIn(level, place + 1);
      const target = this.splitTarget;
      openPlace(arena, target, this.splitPlace);
      setChild(arena, target, this.splitPlace, added);
    }
    if (right !== NONE) {
      const root = spare[height + 1] as number;
      initialise(arena, root, height + 1);
      nodeWords(arena, root)[nodeAt(root)] = 2;
      setChild(arena, root, 0, nodes[height] as number);
      setChild(arena, root, 1, right);
      this.setRoot(root, height + 1);
    }
    this.spareCount = 0;
  }

  /** Where roomIn() has made room. */
  private splitTarget: Ref = NONE;
  private splitPlace = 0;

  /** Puts the element in its leaf. Returns the new leaf to the right of it, if it had to be split. */
  private insertInLeaf(element: Ref, score: number): Ref {
    const { arena } = this;
    const right = this.roomIn(0, (this.places[0] as number) + 1);
    const { splitTarget: leaf, splitPlace: place } = this;
    openPlace(arena, leaf, place);
    const at = nodeAt(leaf);
    const words = nodeWords(arena, leaf);
    words[elementsAt(words, at) + place] = element;
    nodeDoubles(arena, leaf)[(at >>> 1) + SCORES + place] = score;
    return right;
  }

  /** Makes room at a place of the path's node on a level. Returns the other half, if it was full. */
  private roomIn(level: number, place: number): Ref {
    const { arena } = this;
    const node = this.nodes[level] as number;
    this.splitTarget = node;
    this.splitPlace = place;
    const nodePlaces = placesOf(arena, node);
    if (countOf(arena, node) < nodePlaces) return NONE;
    const right = this.spare[level] as number;
    if (nodePlaces < NODE_MAX) {
      this.growLeaf(right);
      return NONE;
    }
    const kept = this.keptInSplit(level, place);
    movePlaces(arena, node, kept, right);
    if (place > kept || kept === NODE_MAX) {
      this.splitTarget = right;
      this.splitPlace = place - kept;
    }
    return right;
  }

  /** Puts the leaf that stands alone into a larger one. */
  private growLeaf(larger: Ref): void {
    const { arena, nodes } = this;
    const leaf = nodes[0] as number;
    movePlaces(arena, leaf, 0, larger);
    arena.free(leaf);
    nodes[0] = larger;
    this.splitTarget = larger;
    this.setRoot(larger, 0);
  }

  /** Places that stay where they are: half of them, but for the ends of the tree. */
  private keptInSplit(level: number, place: number): number {
    const atStart = level === 0 ? 0 : 1;
    if (place === NODE_MAX && this.isLast(level)) return NODE_MAX;
    if (place === atStart && this.isFirst(level)) return atStart;
    return (NODE_MAX + 1) >>> 1;
  }

  private isLast(level: number): boolean {
    for (let above = level + 1; above <= this.height; above++) {
      const count = countOf(this.arena, this.nodes[above] as number);
      if ((this.places[above] as number) < count - 1) return false;
    }
    return true;
  }

  private isFirst(level: number): boolean {
    for (let above = level + 1; above <= this.height; above++)
      if (this.places[above] !== 0) return false;
    return true;
  }

  // --- Removing, and changing ----------------------------------------------------------------

  /** Takes an element out that is in the tree with this score. Never fails. */
  remove(element: Ref, score: number): void {
    this.locate(element, score);
    this.removeFound();
  }

  /** Takes out the element that the last seek(), next() or previous() came to. */
  removeFound(): void {
    const { arena, nodes, places, height } = this;
    closePlace(arena, nodes[0] as number, places[0] as number);
    for (let level = 1; level <= height; level++) {
      const node = nodes[level] as number;
      const place = places[level] as number;
      const child = nodes[level - 1] as number;
      const left = countOf(arena, child);
      if (left === 0) {
        arena.free(child);
        closePlace(arena, node, place);
        continue;
      }
      const words = nodeWords(arena, node);
      const at = nodeAt(node) + SIZES + place;
      words[at] = (words[at] as number) - 1;
      repeatFirst(arena, node, place, child);
      if (left < SPARSE) this.join(node, place);
    }
    this.lowerRoot();
  }

  /** Joins the sparse child at a place with one beside it, where there is room for both. */
  private join(node: Ref, place: number): void {
    const { arena } = this;
    const count = countOf(arena, node);
    const own = countOf(arena, childOf(arena, node, place));
    let left = -1;
    if (place + 1 < count && own + countOf(arena, childOf(arena, node, place + 1)) <= JOINED_MAX)
      left = place;
    else if (place > 0 && own + countOf(arena, childOf(arena, node, place - 1)) <= JOINED_MAX)
      left = place - 1;
    if (left === -1) return;
    const target = childOf(arena, node, left);
    const source = childOf(arena, node, left + 1);
    movePlaces(arena, source, 0, target);
    arena.free(source);
    closePlace(arena, node, left + 1);
    setChild(arena, node, left, target);
  }

  /** A root with a single child makes way for it; one without any becomes a leaf. */
  private lowerRoot(): void {
    const { arena } = this;
    let { root } = this;
    while (levelOf(arena, root) > 0 && countOf(arena, root) === 1) {
      const child = childOf(arena, root, 0);
      arena.free(root);
      root = child;
    }
    if (levelOf(arena, root) > 0 && countOf(arena, root) === 0) initialise(arena, root, 0);
    const height = levelOf(arena, root);
    if (root !== this.root || height !== this.height) this.setRoot(root, height);
  }

  /**
   * Gives an element that is in the tree with the score `from` the score `to`, another one. The
   * element itself does not know yet. Throws ArenaFullError, and nothing has changed.
   */
  rescore(element: Ref, from: number, to: number): void {
    this.locate(element, from);
    if (this.fitsBetween(element, to)) {
      const leaf = this.nodes[0] as number;
      const scores = (nodeAt(leaf) >>> 1) + SCORES;
      nodeDoubles(this.arena, leaf)[scores + (this.places[0] as number)] = to;
      return;
    }
    this.insertAgain(element, to);
    this.remove(element, from);
  }

  /** Inserts an element that is there already, under another score: it then has two places. */
  insertAgain(element: Ref, score: number): void {
    const { arena } = this;
    const at = memberIndex(element);
    this.prepare(score, viewOf(arena, element), at, at + keyLength(arena, element));
    this.insert(element, score);
  }

  /** True when the element just located may take the score where it is, and is no leaf's first. */
  private fitsBetween(element: Ref, score: number): boolean {
    const { arena } = this;
    const leaf = this.nodes[0] as number;
    const place = this.places[0] as number;
    if (place === 0 && this.height > 0) return false;
    const isEnd = place === countOf(arena, leaf) - 1;
    if (isEnd && !this.isLast(0)) return false;
    if (place > 0 && this.order(leaf, place - 1, element, score) >= 0) return false;
    return isEnd || this.order(leaf, place + 1, element, score) > 0;
  }

  /** How what stands at a place of a leaf compares with an element and a score. */
  private order(leaf: Ref, place: number, element: Ref, score: number): number {
    const { arena } = this;
    const at = nodeAt(leaf);
    const other = nodeDoubles(arena, leaf)[(at >>> 1) + SCORES + place] as number;
    if (other !== score) return other < score ? -1 : 1;
    const start = memberIndex(element);
    const end = start + keyLength(arena, element);
    const words = nodeWords(arena, leaf);
    const neighbour = words[elementsAt(words, at) + place] as number;
    return compareMember(arena, neighbour, viewOf(arena, element), start, end);
  }

  // --- Moving --------------------------------------------------------------------------------

  /** An element, in the tree with its score, lies elsewhere now: `moved` is a copy of `old`. */
  replace(old: Ref, moved: Ref): void {
    const { arena, nodes, places, height } = this;
    // The old block is void: what is compared is the copy, and the old ref where it is met.
    this.locateCopy(old, moved);
    for (let level = 0; level <= height; level++) {
      const node = nodes[level] as number;
      const words = nodeWords(arena, node);
      const at = elementsAt(words, nodeAt(node)) + (places[level] as number);
      if (words[at] !== old) return;
      words[at] = moved;
    }
  }

  /** As locate(), where the tree still has the void ref `old` for the element. */
  private locateCopy(old: Ref, moved: Ref): void {
    const { arena, nodes, places } = this;
    const score = scoreOf(arena, moved);
    const start = memberIndex(moved);
    const end = start + keyLength(arena, moved);
    const view = viewOf(arena, moved);
    let node = this.root;
    for (let level = this.height; level >= 0; level--) {
      const words = nodeWords(arena, node);
      const doubles = nodeDoubles(arena, node);
      const at = nodeAt(node);
      const elements = elementsAt(words, at);
      let low = 0;
      let high = words[at] as number;
      while (low < high) {
        const middle = (low + high) >>> 1;
        const other = doubles[(at >>> 1) + SCORES + middle] as number;
        const element = words[elements + middle] as number;
        const isUpTo =
          other < score ||
          (other === score &&
            (element === old || compareMember(arena, element, view, start, end) <= 0));
        if (isUpTo) low = middle + 1;
        else high = middle;
      }
      nodes[level] = node;
      places[level] = Math.max(0, low - 1);
      if (level > 0) node = words[at + CHILDREN + (low === 0 ? 0 : low - 1)] as number;
    }
    const leaf = nodes[0] as number;
    const words = nodeWords(arena, leaf);
    const found = words[elementsAt(words, nodeAt(leaf)) + (places[0] as number)];
    assert(found === old, "an element that moves has its place in the order");
  }

  /**
   * Moves the leaf with the element at `rank`, and the nodes above it that begin with it. Returns the
   * rank where the next leaf begins.
   */
  moveNodes(rank: number, move: (ref: Ref) => Ref): number {
    const { arena, nodes, places } = this;
    this.seek(rank);
    const next = rank - (places[0] as number) + countOf(arena, nodes[0] as number);
    let isFirst = true;
    for (let level = 0; level <= this.height && isFirst; level++) {
      const node = nodes[level] as number;
      const moved = move(node);
      if (moved !== node) {
        if (level === this.height) this.setRoot(moved, this.height);
        else {
          const parent = nodes[level + 1] as number;
          const place = places[level + 1] as number;
          nodeWords(arena, parent)[nodeAt(parent) + CHILDREN + place] = moved;
        }
      }
      isFirst = level === this.height || places[level + 1] === 0;
    }
    return next;
  }

  /** Frees all nodes. The elements stay. */
  free(): void {
    freeNodes(this.arena, this.root);
    this.root = NONE;
  }

  /** Throws unless every promise in the header holds. For tests and fuzzers: slow. */
  check(elementCount: number): void {
    const { arena, root } = this;
    assert(rootAt(arena, this.header) === root, "the header knows the root");
    assert(this.spareCount === 0, "no node is left over");
    const isLeaf = levelOf(arena, root) === 0;
    assert(isLeaf || countOf(arena, root) > 1, "a root above leaves has two children");
    this.checkNode(root, this.height);
    assert(sizeOf(arena, root) === elementCount, "the order has every element");
    if (elementCount === 0) return;
    this.seek(0);
    for (;;) {
      const { element, score } = this;
      assert(score === scoreOf(arena, element), "an element knows its score");
      if (!this.next()) break;
      const start = memberIndex(element);
      const end = start + keyLength(arena, element);
      const order = compareMember(arena, this.element, viewOf(arena, element), start, end);
      assert(this.score > score || (this.score === score && order > 0), "elements ascend");
    }
  }

  private checkNode(node: Ref, level: number): void {
    const { arena } = this;
    assert(levelOf(arena, node) === level, "all leaves are on one level");
    const count = countOf(arena, node);
    const most = placesOf(arena, node);
    const standsAlone = node === this.root && level === 0;
    assert(most === NODE_MAX || standsAlone, "only a leaf that stands alone is small");
    assert(
      count <= most && (count > 0 || node === this.root),
      "no node is empty, and none too full",
    );
    if (level === 0) return;
    const words = nodeWords(arena, node);
    const at = nodeAt(node);
    for (let i = 0; i < count; i++) {
      const child = childOf(arena, node, i);
      this.checkNode(child, level - 1);
      const childAt = nodeAt(child);
      const childWords = nodeWords(arena, child);
      const first = childWords[elementsAt(childWords, childAt)];
      assert(words[at + SIZES + i] === sizeOf(arena, child), "a place counts what is below it");
      assert(
        words[elementsAt(words, at) + i] === first,
        "a place repeats the first element below it",
      );
      assert(
        nodeDoubles(arena, node)[(at >>> 1) + SCORES + i] ===
          nodeDoubles(arena, child)[(childAt >>> 1) + SCORES],
        "a place repeats the first score below it",
      );
    }
  }
}

/** Makes an empty tree for a Dict's header, with room for so many elements. Throws ArenaFullError. */
export function createTree(arena: Arena, header: Ref, expected: number): void {
  setRootAt(arena, header, createNode(arena, 0, placesFor(expected)));
}
