/**
 * ScoreNode: the nodes of the ordered index of a large sorted set (score-tree.ts), as blocks.
 *
 *      bytes   0   count u32 | level u16: 0 is a leaf | places u16: 63, as a rule
 *              8   63 scores, as doubles
 *            512   63 elements: refs
 *            764   63 children: refs           only above the leaves
 *           1016   63 sizes: elements below each child
 *
 * A leaf names the elements themselves, in their order, each with its score: a search visits an
 * element only where scores are equal. Above, a place stands for a child, with the score and the ref
 * of the first element below it. A leaf takes 768 bytes, another node 1280. At 42 elements a leaf,
 * which is two thirds full, an element costs 19 bytes. A leaf without anything above it may have fewer
 * places, 7, 15 or 31, and its elements stand behind as many scores.
 *
 * Example, a leaf of 7 places with "a" at 1 and "b" at 2.5, whose elements are at 4096 and 4102:
 *      02 00 00 00 | 00 00 07 00 | 1.0, 2.5, ... | 00 10 00 00 | 06 10 00 00 | ...
 */
import { assert } from "../../assert.ts";
import { type Arena, type Ref, SEGMENT_SHIFT, UNIT_MASK } from "../../memory/arena.ts";

/** Places of a node. */
export const NODE_MAX = 63;
/** Places of the smallest leaf. */
const NODE_MIN = 7;
/** Of a node's second word: its level, and its places above that. */
const LEVEL = 0xffff;
const PLACES_SHIFT = 16;
/** Bytes of a leaf: so many, and so many for each place. */
const HEADER_BYTES = 8;
const PLACE_BYTES = 12;
/** Bytes of a node that has children. */
const INNER_BYTES = 1268;
/** In doubles from a node's start: its scores. */
export const SCORES = 1;
/** Words from a node's start to its children. */
export const CHILDREN = 191;
/** Words from a node's start to the sizes of what is below its children. */
export const SIZES = 254;

/** The words of the segment that a node lies in. */
export function nodeWords(arena: Arena, node: Ref): Int32Array {
  return arena.words[node >>> SEGMENT_SHIFT] as Int32Array;
}

/** The doubles of the segment that a node lies in. */
export function nodeDoubles(arena: Arena, node: Ref): Float64Array {
  return arena.doubles[node >>> SEGMENT_SHIFT] as Float64Array;
}

/** Index of a node's first word. */
export function nodeAt(node: Ref): number {
  return (node & UNIT_MASK) << 1;
}

/** Places of a node that are taken. */
export function countOf(arena: Arena, node: Ref): number {
  return nodeWords(arena, node)[nodeAt(node)] as number;
}

/** Levels between a node and the leaves. */
export function levelOf(arena: Arena, node: Ref): number {
  return (nodeWords(arena, node)[nodeAt(node) + 1] as number) & LEVEL;
}

/** Places of a node. */
export function placesOf(arena: Arena, node: Ref): number {
  return (nodeWords(arena, node)[nodeAt(node) + 1] as number) >>> PLACES_SHIFT;
}

/** Index of the first element's ref in `words`, of the node that begins at `at`. */
export function elementsAt(words: Int32Array, at: number): number {
  return at + 2 + (((words[at + 1] as number) >>> PLACES_SHIFT) << 1);
}

/** Places of a leaf that so many elements fit, and that stands alone while they do. */
export function placesFor(count: number): number {
  let places = NODE_MIN;
  while (places < count && places < NODE_MAX) places = places * 2 + 1;
  return places;
}

/** The child at a place of a node above the leaves. */
export function childOf(arena: Arena, node: Ref, place: number): Ref {
  return nodeWords(arena, node)[nodeAt(node) + CHILDREN + place] as number;
}

/** A new node without anything in it; a leaf may have fewer places (placesFor). Throws ArenaFullError. */
export function createNode(arena: Arena, level: number, places = NODE_MAX): Ref {
  assert(level === 0 || places === NODE_MAX, "only a leaf has fewer places");
  const node = arena.alloc(level === 0 ? HEADER_BYTES + places * PLACE_BYTES : INNER_BYTES);
  initialise(arena, node, level, places);
  return node;
}

/** Makes a block of a node's size an empty node. */
export function initialise(arena: Arena, node: Ref, level: number, places = NODE_MAX): void {
  const words = nodeWords(arena, node);
  words[nodeAt(node)] = 0;
  words[nodeAt(node) + 1] = level | (places << PLACES_SHIFT);
}

/** Elements below a node. */
export function sizeOf(arena: Arena, node: Ref): number {
  const words = nodeWords(arena, node);
  const at = nodeAt(node);
  const count = words[at] as number;
  if (((words[at + 1] as number) & LEVEL) === 0) return count;
  let sum = 0;
  for (let i = 0; i < count; i++) sum += words[at + SIZES + i] as number;
  return sum;
}

/** Frees a node with all that are below it. The elements stay. */
export function freeNodes(arena: Arena, node: Ref): void {
  if (levelOf(arena, node) > 0) {
    for (let i = countOf(arena, node) - 1; i >= 0; i--) freeNodes(arena, childOf(arena, node, i));
  }
  arena.free(node);
}

/** Bytes of a node and all that are below it. */
export function nodesBytes(arena: Arena, node: Ref): number {
  let sum = arena.blockBytes(node);
  if (levelOf(arena, node) > 0) {
    for (let i = countOf(arena, node) - 1; i >= 0; i--)
      sum += nodesBytes(arena, childOf(arena, node, i));
  }
  return sum;
}

/** Opens a gap at `place` of a node that is not full. */
export function openPlace(arena: Arena, node: Ref, place: number): void {
  const words = nodeWords(arena, node);
  const doubles = nodeDoubles(arena, node);
  const at = nodeAt(node);
  const count = words[at] as number;
  const scores = (at >>> 1) + SCORES;
  const elements = elementsAt(words, at);
  for (let i = count; i > place; i--) {
    doubles[scores + i] = doubles[scores + i - 1] as number;
    words[elements + i] = words[elements + i - 1] as number;
  }
  if (((words[at + 1] as number) & LEVEL) !== 0) {
    for (let i = count; i > place; i--) {
      words[at + CHILDREN + i] = words[at + CHILDREN + i - 1] as number;
      words[at + SIZES + i] = words[at + SIZES + i - 1] as number;
    }
  }
  words[at] = count + 1;
}

/** Closes the place of what is gone. */
export function closePlace(arena: Arena, node: Ref, place: number): void {
  const words = nodeWords(arena, node);
  const doubles = nodeDoubles(arena, node);
  const at = nodeAt(node);
  const count = (words[at] as number) - 1;
  const scores = (at >>> 1) + SCORES;
  const elements = elementsAt(words, at);
  for (let i = place; i < count; i++) {
    doubles[scores + i] = doubles[scores + i + 1] as number;
    words[elements + i] = words[elements + i + 1] as number;
  }
  if (((words[at + 1] as number) & LEVEL) !== 0) {
    for (let i = place; i < count; i++) {
      words[at + CHILDREN + i] = words[at + CHILDREN + i + 1] as number;
      words[at + SIZES + i] = words[at + SIZES + i + 1] as number;
    }
  }
  words[at] = count;
}

/** Moves what stands from `place` on in one node behind the last of another on the same level. */
export function movePlaces(arena: Arena, from: Ref, place: number, to: Ref): void {
  const words = nodeWords(arena, from);
  const doubles = nodeDoubles(arena, from);
  const target = nodeWords(arena, to);
  const targetDoubles = nodeDoubles(arena, to);
  const at = nodeAt(from);
  const targetAt = nodeAt(to);
  const isLeaf = ((words[at + 1] as number) & LEVEL) === 0;
  const elements = elementsAt(words, at);
  const targetElements = elementsAt(target, targetAt);
  const count = words[at] as number;
  let next = target[targetAt] as number;
  for (let i = place; i < count; i++, next++) {
    targetDoubles[(targetAt >>> 1) + SCORES + next] = doubles[(at >>> 1) + SCORES + i] as number;
    target[targetElements + next] = words[elements + i] as number;
    if (isLeaf) continue;
    target[targetAt + CHILDREN + next] = words[at + CHILDREN + i] as number;
    target[targetAt + SIZES + next] = words[at + SIZES + i] as number;
  }
  target[targetAt] = next;
  words[at] = place;
}

/** Makes a place of a node stand for `child`: with its first element, and all that is below it. */
export function setChild(arena: Arena, node: Ref, place: number, child: Ref): void {
  const words = nodeWords(arena, node);
  const at = nodeAt(node);
  words[at + CHILDREN + place] = child;
  words[at + SIZES + place] = sizeOf(arena, child);
  repeatFirst(arena, node, place, child);
}

/** The first element below a child may be another one now. */
export function repeatFirst(arena: Arena, node: Ref, place: number, child: Ref): void {
  const at = nodeAt(node);
  const childAt = nodeAt(child);
  const words = nodeWords(arena, node);
  const childWords = nodeWords(arena, child);
  words[elementsAt(words, at) + place] = childWords[elementsAt(childWords, childAt)] as number;
  nodeDoubles(arena, node)[(at >>> 1) + SCORES + place] = nodeDoubles(arena, child)[
    (childAt >>> 1) + SCORES
  ] as number;
}
