/** The kinds of lists: one listpack, or many nodes. See list-value.ts. */
import type { Arena, Ref } from "../../memory/arena.ts";
import { END } from "../../memory/listpack-element.ts";
import { LISTPACK_HEADER_BYTES, positionAfter, readPosition } from "../../memory/listpack-walk.ts";
import { Encoding, Type, valueRef } from "../../table/entry.ts";
import type { ElementVisitor, MoveBlock, Pieces, ValueKind } from "../kind.ts";
import { copyBlock, oneBlock } from "../one-block.ts";
import { ListDirectory } from "./list-directory.ts";
import { openListWalk } from "./list-hold.ts";
import { Field, rawBytesOf, shapeOf, wordAt } from "./list-layout.ts";
import { NodeView } from "./list-node.ts";
import { ListFreeing, ListMoving } from "./list-slices.ts";
import { ListValue } from "./list-value.ts";

/** Shows each element of a node to the visitor. */
export function eachOfNode(node: NodeView, visitor: ElementVisitor): void {
  const { bytes, view, start, end } = node;
  if (node.isPlain) {
    visitor.text.setString(bytes, view, start, end);
    visitor.element();
    return;
  }
  for (let at = start + LISTPACK_HEADER_BYTES; bytes[at] !== END; at = positionAfter(bytes, at)) {
    readPosition(bytes, view, at, visitor.text);
    visitor.element();
  }
}

function eachOfListpack(arena: Arena, entry: Ref, visitor: ElementVisitor): void {
  eachOfNode(new NodeView().openListpack(arena, valueRef(arena, entry), 0), visitor);
}

function eachOfNodes(arena: Arena, entry: Ref, visitor: ElementVisitor): void {
  const directory = new ListDirectory(arena).attach(valueRef(arena, entry));
  if (directory.nodeCount === 0) return;
  const node = new NodeView();
  directory.toFirst();
  do eachOfNode(node.open(arena, directory.cell), visitor);
  while (directory.next());
}

function memory(arena: Arena, ref: Ref, samples: number): number {
  const directory = new ListDirectory(arena).attach(ref);
  const { nodeCount, bytes } = directory;
  if (nodeCount === 0) return bytes;
  let measured = 0;
  let count = 0;
  directory.toFirst();
  do {
    measured += arena.blockBytes(directory.block);
    count++;
  } while (count !== samples && directory.next());
  return bytes + Math.round((measured * nodeCount) / count);
}

function free(arena: Arena, ref: Ref): void {
  const freeing = new ListFreeing(arena, ref);
  while (freeing.count > 0) freeing.step(freeing.count);
  if (!freeing.isDone) freeing.end();
}

function copy(arena: Arena, ref: Ref): Ref {
  const source = new ListDirectory(arena).attach(ref);
  const twin = ListDirectory.create(arena, source.fill, source.depth);
  const target = new ListDirectory(arena).attach(twin);
  try {
    source.toFirst();
    do {
      const block = copyBlock(arena, source.block);
      try {
        target.insert(true, block, shapeOf(arena, source.cell));
      } catch (full) {
        arena.free(block);
        throw full;
      }
    } while (source.next());
  } catch (full) {
    free(arena, twin);
    throw full;
  }
  return twin;
}

function move(arena: Arena, ref: Ref, moveBlock: MoveBlock): Ref {
  const moving = new ListMoving(arena);
  let place = ref;
  while (!moving.isDone) place = moving.step(place, 1024, moveBlock);
  return place;
}

/** What a node counts for more, for this many of its elements: what has to be looked at one by one. */
const ELEMENTS_PER_WORK_SHIFT = 5;

const pieces: Pieces = {
  count: (arena, ref) => {
    const nodes = wordAt(arena, ref, Field.NODES);
    return nodes < 2
      ? nodes
      : nodes + (wordAt(arena, ref, Field.ELEMENTS) >>> ELEMENTS_PER_WORK_SHIFT);
  },
  free: (arena, ref) => new ListFreeing(arena, ref),
  move: (arena) => new ListMoving(arena),
  walk: openListWalk,
};

const common = {
  type: Type.LIST,
  typeName: "list",
  shape: "sequence",
  check: (arena: Arena, entry: Ref) => new ListValue(arena).attach(entry).check(),
} as const;

export const listKinds: readonly ValueKind[] = [
  {
    ...common,
    encoding: Encoding.LISTPACK,
    encodingName: "listpack",
    ...oneBlock,
    each: eachOfListpack,
  },
  {
    ...common,
    encoding: Encoding.QUICKLIST,
    encodingName: "quicklist",
    free,
    memory,
    copy,
    move,
    each: eachOfNodes,
    pieces,
  },
];

/** Shows the cell of each node of a quicklist, in order. */
export function eachNode(arena: Arena, ref: Ref, show: (cell: Ref) => void): void {
  const directory = new ListDirectory(arena).attach(ref);
  directory.toFirst();
  do show(directory.cell);
  while (directory.next());
}

/** What DEBUG OBJECT tells of a quicklist. */
export interface QuicklistFacts {
  /** Nodes of the list. */
  readonly nodes: number;
  /** Elements of the list. */
  readonly elements: number;
  /** The fill that the list was made with: list-max-listpack-size. */
  readonly fill: number;
  /** The depth that it was made with: list-compress-depth. */
  readonly depth: number;
  /** Bytes of all nodes as they would be if none was compressed. */
  readonly rawBytes: number;
}

/** Facts about the quicklist whose header is `ref`. */
export function quicklistFacts(arena: Arena, ref: Ref): QuicklistFacts {
  const { nodeCount, elementCount, fill, depth } = new ListDirectory(arena).attach(ref);
  let rawBytes = 0;
  eachNode(arena, ref, (cell) => {
    rawBytes += rawBytesOf(arena, cell);
  });
  return { nodes: nodeCount, elements: elementCount, fill, depth, rawBytes };
}

/** Nodes of a quicklist. */
export function nodeCountOf(arena: Arena, ref: Ref): number {
  return wordAt(arena, ref, Field.NODES);
}
