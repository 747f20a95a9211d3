/**
 * ScorePath: finding elements in the ordered index of a large sorted set, and walking over them: by
 * rank, by score, by member. The index itself, and how it changes, is score-tree.ts.
 *
 * Whatever is looked for, the answer is a path: a node and a place in it for each level. From the
 * sizes beside the path follows the rank, and next() and previous() go on from there.
 */
import { assert } from "../../assert.ts";
import { type Arena, NONE, type Ref } from "../../memory/arena.ts";
import type { RefList } from "../../memory/ref-list.ts";
import { Dict } from "../../table/dict.ts";
import { keyLength, viewOf, wordIndex, wordsOf } from "../../table/entry.ts";
import {
  childOf,
  countOf,
  elementsAt,
  levelOf,
  nodeAt,
  nodeDoubles,
  nodeWords,
  SCORES,
  SIZES,
} from "./score-node.ts";
import { compareMember, memberIndex } from "./scored-member.ts";

/** Bytes that the tree keeps behind the header of its owner's Dict. */
export const TREE_BYTES = 8;
/** In words from the header's start: where the root's ref stands. */
const ROOT = 8;
/** With a third of the places taken this is more than 2^32 elements. */
export const LEVELS_MAX = 24;

/** The root of the tree whose owner's Dict has this header. */
export function rootAt(arena: Arena, header: Ref): Ref {
  return wordsOf(arena, header)[wordIndex(header) + ROOT] as number;
}

/** Says where the root is. */
export function setRootAt(arena: Arena, header: Ref, root: Ref): void {
  wordsOf(arena, header)[wordIndex(header) + ROOT] = root;
}

/** A place in the ordered index: see the head of this file. */
export class ScorePath {
  /** Where the tree lies. */
  readonly arena: Arena;
  /** The header of the owner's Dict. */
  protected header: Ref = NONE;
  /** The root of the tree. */
  protected root: Ref = NONE;
  /** Levels above the leaves. */
  protected height = 0;
  /** The nodes on the path of the last search or seek, by level. */
  protected readonly nodes = new Int32Array(LEVELS_MAX);
  /** The place in each of `nodes`. */
  protected readonly places = new Int32Array(LEVELS_MAX);

  constructor(arena: Arena) {
    this.arena = arena;
    this.leafWords = arena.words[0] as Int32Array;
    this.leafDoubles = arena.doubles[0] as Float64Array;
  }

  /** Makes this object the window on the tree of the sorted set whose Dict has this header. */
  attach(header: Ref): this {
    this.header = header;
    this.root = rootAt(this.arena, header);
    this.height = levelOf(this.arena, this.root);
    return this;
  }

  // --- Searching -----------------------------------------------------------------------------

  /** Places of a node that are not behind `score` and the member in view[start, end). */
  private upTo(node: Ref, score: number, view: DataView, start: number, end: number): number {
    const { arena } = this;
    const words = nodeWords(arena, node);
    const doubles = nodeDoubles(arena, node);
    const at = nodeAt(node);
    const scores = (at >>> 1) + SCORES;
    const elements = elementsAt(words, at);
    let low = 0;
    let high = words[at] as number;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const other = doubles[scores + middle] as number;
      if (
        other < score ||
        (other === score &&
          compareMember(arena, words[elements + middle] as number, view, start, end) <= 0)
      ) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }

  /** Leads the path to the last place that is not behind the key; -1 in the leaf: there is none. */
  protected descend(score: number, view: DataView, start: number, end: number): void {
    const { arena, nodes, places } = this;
    let node = this.root;
    for (let level = this.height; level > 0; level--) {
      const place = Math.max(0, this.upTo(node, score, view, start, end) - 1);
      nodes[level] = node;
      places[level] = place;
      node = childOf(arena, node, place);
    }
    nodes[0] = node;
    places[0] = this.upTo(node, score, view, start, end) - 1;
  }

  /** Leads the path to an element that is in the tree with this score. */
  protected locate(element: Ref, score: number): void {
    const { arena } = this;
    const at = memberIndex(element);
    this.descend(score, viewOf(arena, element), at, at + keyLength(arena, element));
    const place = this.places[0] as number;
    const leaf = this.nodes[0] as number;
    const words = nodeWords(arena, leaf);
    const found = words[elementsAt(words, nodeAt(leaf)) + place];
    assert(place >= 0 && found === element, "an element has its place in the order");
  }

  /** Elements before the place that the path leads to. */
  private rankOfPath(): number {
    const { arena, nodes, places } = this;
    let rank = places[0] as number;
    let total = Dict.countAt(arena, this.header);
    for (let level = this.height; level > 0; level--) {
      const node = nodes[level] as number;
      const words = nodeWords(arena, node);
      const sizes = nodeAt(node) + SIZES;
      const place = places[level] as number;
      const count = words[nodeAt(node)] as number;
      // Those to the left, or all but the others.
      if (place * 2 < count) {
        for (let i = 0; i < place; i++) rank += words[sizes + i] as number;
      } else {
        rank += total;
        for (let i = place; i < count; i++) rank -= words[sizes + i] as number;
      }
      total = words[sizes + place] as number;
    }
    return rank;
  }

  /** How many elements come before this one, which is in the tree with this score. */
  rankOf(element: Ref, score: number): number {
    this.locate(element, score);
    return this.rankOfPath();
  }

  /** How many elements have a score below `score`, or up to it. */
  countByScore(score: number, isIncluded: boolean): number {
    const { arena, nodes, places } = this;
    let node = this.root;
    for (let level = this.height; level >= 0; level--) {
      const doubles = nodeDoubles(arena, node);
      const scores = (nodeAt(node) >>> 1) + SCORES;
      let low = 0;
      let high = countOf(arena, node);
      while (low < high) {
        const middle = (low + high) >>> 1;
        const other = doubles[scores + middle] as number;
        if (other < score || (isIncluded && other === score)) low = middle + 1;
        else high = middle;
      }
      nodes[level] = node;
      places[level] = level === 0 ? low : Math.max(0, low - 1);
      if (level > 0) node = childOf(arena, node, places[level] as number);
    }
    return this.rankOfPath();
  }

  /**
   * How many elements have a member below view[start, end), or up to it. To be asked where all
   * scores are equal; elsewhere the answer is some number.
   */
  countByMember(view: DataView, start: number, end: number, isIncluded: boolean): number {
    const { arena, nodes, places } = this;
    let node = this.root;
    const most = isIncluded ? 0 : -1;
    for (let level = this.height; level >= 0; level--) {
      const words = nodeWords(arena, node);
      const elements = elementsAt(words, nodeAt(node));
      let low = 0;
      let high = countOf(arena, node);
      while (low < high) {
        const middle = (low + high) >>> 1;
        const order = compareMember(arena, words[elements + middle] as number, view, start, end);
        if (Math.sign(order) <= most) low = middle + 1;
        else high = middle;
      }
      nodes[level] = node;
      places[level] = level === 0 ? low : Math.max(0, low - 1);
      if (level > 0) node = childOf(arena, node, places[level] as number);
    }
    return this.rankOfPath();
  }

  // --- Walking -------------------------------------------------------------------------------

  /** Goes to the element at a rank below the number of elements, which is then `element`. */
  seek(rank: number): void {
    const { arena, nodes, places } = this;
    let node = this.root;
    let total = Dict.countAt(arena, this.header);
    for (let level = this.height; level > 0; level--) {
      const words = nodeWords(arena, node);
      const sizes = nodeAt(node) + SIZES;
      let place = 0;
      let size = words[sizes] as number;
      if (rank * 2 < total) {
        for (; rank >= size; size = words[sizes + ++place] as number) rank -= size;
      } else {
        // What is asked for most is at an end: from the nearer one it is a step, not sixty.
        let fromEnd = total - rank;
        place = countOf(arena, node) - 1;
        size = words[sizes + place] as number;
        for (; fromEnd > size; size = words[sizes + --place] as number) fromEnd -= size;
        rank = size - fromEnd;
      }
      total = size;
      nodes[level] = node;
      places[level] = place;
      node = childOf(arena, node, place);
    }
    nodes[0] = node;
    places[0] = rank;
    this.openLeaf();
  }

  /**
   * Adds to `out` the elements that a walk of `count` comes to in this leaf: what is to be read at once,
   * since each lies somewhere else.
   */
  ahead(count: number, isReverse: boolean, out: RefList): void {
    const place = this.places[0] as number;
    const elements = this.leafElements;
    const from = isReverse ? Math.max(0, place + 1 - count) : place;
    const end = isReverse ? place + 1 : Math.min(this.leafCount, place + count);
    for (let i = from; i < end; i++) out.push(this.leafWords[elements + i] as number);
  }

  /** The leaf of the path, as next() and previous() read it. */
  private leafWords: Int32Array;
  private leafDoubles: Float64Array;
  private leafAt = 0;
  private leafElements = 0;
  private leafCount = 0;

  private openLeaf(): void {
    const leaf = this.nodes[0] as number;
    this.leafWords = nodeWords(this.arena, leaf);
    this.leafDoubles = nodeDoubles(this.arena, leaf);
    this.leafAt = nodeAt(leaf);
    this.leafElements = elementsAt(this.leafWords, this.leafAt);
    this.leafCount = this.leafWords[this.leafAt] as number;
  }

  /** The element that a walk has come to. Void when the path leads elsewhere. */
  get element(): Ref {
    return this.leafWords[this.leafElements + (this.places[0] as number)] as Ref;
  }

  /** Its score: read only when asked for, since it lies apart from the elements. */
  get score(): number {
    return this.leafDoubles[(this.leafAt >>> 1) + SCORES + (this.places[0] as number)] as number;
  }

  /** Goes one element on. False at the end. */
  next(): boolean {
    const { arena, nodes, places } = this;
    const place = (places[0] as number) + 1;
    if (place < this.leafCount) {
      places[0] = place;
      return true;
    }
    let level = 0;
    while ((places[level] as number) + 1 >= countOf(arena, nodes[level] as number)) {
      if (level === this.height) return false;
      level++;
    }
    places[level] = (places[level] as number) + 1;
    for (; level > 0; level--) {
      nodes[level - 1] = childOf(arena, nodes[level] as number, places[level] as number);
      places[level - 1] = 0;
    }
    this.openLeaf();
    return true;
  }

  /** Goes one element back. False at the beginning. */
  previous(): boolean {
    const { arena, nodes, places } = this;
    const place = (places[0] as number) - 1;
    if (place >= 0) {
      places[0] = place;
      return true;
    }
    let level = 0;
    while (places[level] === 0) {
      if (level === this.height) return false;
      level++;
    }
    places[level] = (places[level] as number) - 1;
    for (; level > 0; level--) {
      nodes[level - 1] = childOf(arena, nodes[level] as number, places[level] as number);
      places[level - 1] = countOf(arena, nodes[level - 1] as number) - 1;
    }
    this.openLeaf();
    return true;
  }
}
