/**
 * SortedSetBuilder: a sorted set that is made as a whole, of members that come in any order and may
 * come again: the result of a union, say.
 *
 *      builder.begin();
 *      try {
 *        const known = builder.find(...);           an element, or NONE
 *        builder.add(...);                          a member that is not there yet
 *        const entry = builder.finish(...);         the caller's
 *      } catch (full) { builder.discard(); throw full; }
 *
 * Until finish() there is a Dict of elements and no order: that is made in one go then, its nodes filled
 * one after the other. What is small becomes a listpack.
 */
import type { Arena, Ref } from "../../memory/arena.ts";
import { ListpackValue } from "../../memory/listpack.ts";
import { Dict } from "../../table/dict.ts";
import { keyLength, setValueRef } from "../../table/entry.ts";
import { freeElements } from "../element.ts";
import { freeEntry } from "../value.ts";
import {
  createNode,
  elementsAt,
  freeNodes,
  NODE_MAX,
  nodeAt,
  nodeDoubles,
  nodeWords,
  placesFor,
  SCORES,
  setChild,
} from "./score-node.ts";
import { setRootAt, TREE_BYTES } from "./score-path.ts";
import { sortElements } from "./score-sort.ts";
import { createMember, scoreOf, setScore, showMember } from "./scored-member.ts";
import {
  createEmptyKey,
  createSortedSet,
  type SortedSetLimits,
  SortedSetValue,
} from "./sorted-set-value.ts";

/** Places of a new node that are taken: some room is left for what comes later. */
const FILLED = NODE_MAX - 7;

/** Makes one sorted set after the other: see the head of this file. */
export class SortedSetBuilder {
  private readonly arena: Arena;
  private readonly seed: number;
  private readonly dict: Dict;
  private readonly set: SortedSetValue;
  private readonly member = new ListpackValue();
  private isOpen = false;
  /** The hash of what find() looked for last. */
  private hash = 0;

  /** `seed` is the hash seed of the tables to be made. */
  constructor(arena: Arena, seed: number) {
    this.arena = arena;
    this.seed = seed;
    this.dict = new Dict(arena);
    this.set = new SortedSetValue(arena, seed);
  }

  /** Begins another sorted set. Throws ArenaFullError. */
  begin(): void {
    this.dict.attach(Dict.create(this.arena, this.seed, TREE_BYTES));
    this.isOpen = true;
  }

  /** Members so far. */
  get count(): number {
    return this.dict.count;
  }

  /** The element of the member bytes[start, end), or NONE: add() may follow, of the same bytes. */
  find(bytes: Uint8Array, view: DataView, start: number, end: number): Ref {
    this.hash = this.dict.hash(bytes, view, start, end);
    return this.dict.find(bytes, view, start, end, this.hash);
  }

  /** Adds a member that find() has just not found. Throws ArenaFullError. */
  add(bytes: Uint8Array, start: number, end: number, score: number): Ref {
    const { arena, dict } = this;
    const element = createMember(arena, bytes, start, end, score);
    try {
      dict.insert(element, this.hash);
    } catch (full) {
      arena.free(element);
      throw full;
    }
    return element;
  }

  /** The score of an element. */
  scoreOf(element: Ref): number {
    return scoreOf(this.arena, element);
  }

  /** Gives an element another score. */
  setScore(element: Ref, score: number): void {
    setScore(this.arena, element, score);
  }

  /** Takes the member out that find() has just found. */
  removeFound(element: Ref): void {
    this.dict.removeFound();
    this.arena.free(element);
  }

  /** Gives back what there is, if anything. */
  discard(): void {
    if (this.isOpen) freeElements(this.dict);
    this.isOpen = false;
  }

  /** All elements in their order, for who wants no more than to see them. */
  sorted(): Int32Array<ArrayBuffer> {
    const refs = new Int32Array(this.dict.count);
    let at = 0;
    this.dict.eachEntry((element) => {
      refs[at++] = element;
    });
    sortElements(this.arena, refs, at);
    return refs;
  }

  /** Shows the member of an element, in place. */
  show(element: Ref, text: ListpackValue): void {
    showMember(this.arena, element, text);
  }

  /**
   * A new entry for the key key[start, end) with all members; an empty sorted set when there are none.
   * Throws ArenaFullError: discard() is to follow.
   */
  finish(epoch: number, key: Uint8Array, start: number, end: number, limits: SortedSetLimits): Ref {
    const { arena, dict } = this;
    const { count } = dict;
    const refs = this.sorted();
    let longest = 0;
    for (let i = 0; i < count; i++)
      longest = Math.max(longest, keyLength(arena, refs[i] as number));
    const isTable =
      count > limits.listpackEntriesMax || (count > 0 && longest > limits.listpackValueBytesMax);
    const entry = isTable
      ? createEmptyKey(arena, isTable, epoch, key, start, end, -1)
      : createSortedSet(arena, epoch, key, start, end);
    try {
      if (isTable) {
        setRootAt(arena, dict.header, this.build(refs, count));
        setValueRef(arena, entry, dict.header);
        this.isOpen = false;
      } else {
        this.fillListpack(entry, refs, count, limits);
      }
    } catch (full) {
      if (isTable) arena.free(entry);
      else freeEntry(arena, entry);
      throw full;
    }
    refs.buffer.transfer(0);
    this.discard();
    return entry;
  }

  private fillListpack(entry: Ref, refs: Int32Array, count: number, limits: SortedSetLimits): void {
    const { arena, member, set } = this;
    set.attach(entry);
    for (let i = 0; i < count; i++) {
      const element = refs[i] as number;
      showMember(arena, element, member);
      const { bytes, view, start, end } = member;
      set.add(bytes, view, start, end, scoreOf(arena, element), limits);
    }
  }

  /** The nodes over sorted elements, level by level: the root. */
  private build(refs: Int32Array, count: number): Ref {
    const { arena } = this;
    let below = refs;
    let left = count;
    for (let level = 0; ; level++) {
      const nodes = new Int32Array(Math.ceil(left / FILLED));
      const standsAlone = level === 0 && nodes.length === 1;
      let made = 0;
      try {
        for (; made < nodes.length; made++) {
          nodes[made] = createNode(arena, level, standsAlone ? placesFor(left) : NODE_MAX);
          const first = made * FILLED;
          this.fill(nodes[made] as number, level, below, first, Math.min(left, first + FILLED));
        }
      } catch (full) {
        for (let i = 0; i < made; i++) freeNodes(arena, nodes[i] as number);
        for (let i = made * FILLED; level > 0 && i < left; i++)
          freeNodes(arena, below[i] as number);
        throw full;
      }
      if (nodes.length === 1) return nodes[0] as number;
      below = nodes;
      left = nodes.length;
    }
  }

  /** Fills a new node with what is below it. */
  private fill(node: Ref, level: number, below: Int32Array, first: number, end: number): void {
    const { arena } = this;
    const words = nodeWords(arena, node);
    const doubles = nodeDoubles(arena, node);
    const at = nodeAt(node);
    const elements = elementsAt(words, at);
    for (let i = first; i < end; i++) {
      const ref = below[i] as number;
      if (level > 0) {
        setChild(arena, node, i - first, ref);
        continue;
      }
      words[elements + i - first] = ref;
      doubles[(at >>> 1) + SCORES + i - first] = scoreOf(arena, ref);
    }
    words[at] = end - first;
  }
}
