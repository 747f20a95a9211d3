/**
 * The table of a large sorted set as a whole: a Dict of scored members with the order of them beside
 * it. Making it, freeing, copying, measuring and moving it, whole or a slice at a time.
 */
import { type Arena, NONE, type Ref } from "../../memory/arena.ts";
import { RefList } from "../../memory/ref-list.ts";
import { Dict } from "../../table/dict.ts";
import { MovableDict } from "../../table/movable-dict.ts";
import { freeElements } from "../element.ts";
import { tableMemory } from "../entry-table.ts";
import type { MoveBlock, Pieces, SliceFreeing, SliceMoving, ValueKind } from "../kind.ts";
import { copyBlock } from "../one-block.ts";
import { TableFreeing } from "../table-freeing.ts";
import { openTableWalk } from "../table-walk.ts";
import {
  childOf,
  countOf,
  createNode,
  elementsAt,
  freeNodes,
  levelOf,
  nodeAt,
  nodeDoubles,
  nodesBytes,
  nodeWords,
  placesOf,
  SCORES,
  setChild,
} from "./score-node.ts";
import { rootAt, setRootAt, TREE_BYTES } from "./score-path.ts";
import { createTree, ScoreTree } from "./score-tree.ts";

/** Leaves that are dealt with where so many elements are asked for: an eighth of it. */
const ELEMENTS_PER_NODE = 8;

/** A new, empty table, made for so many members: its first block. Throws ArenaFullError. */
export function createTable(arena: Arena, seed: number, expected = 0): Ref {
  const header = Dict.create(arena, seed, TREE_BYTES, expected);
  try {
    createTree(arena, header, expected);
  } catch (full) {
    new Dict(arena).attach(header).free();
    throw full;
  }
  return header;
}

/** Frees a table with all its elements. */
export function freeTable(arena: Arena, header: Ref): void {
  const root = rootAt(arena, header);
  if (root !== NONE) freeNodes(arena, root);
  freeElements(new Dict(arena).attach(header));
}

function memory(arena: Arena, header: Ref, samples: number): number {
  return tableMemory(arena, header, samples) + nodesBytes(arena, rootAt(arena, header));
}

function copy(arena: Arena, header: Ref): Ref {
  const source = new Dict(arena).attach(header);
  const twin = new Dict(arena).attach(Dict.create(arena, source.seed, TREE_BYTES));
  try {
    setRootAt(arena, twin.header, copyNode(twin, rootAt(arena, header)));
  } catch (full) {
    freeElements(twin);
    throw full;
  }
  return twin.header;
}

/** A copy of a node and of all below it; its elements are copied into the Dict. */
function copyNode(twin: Dict, node: Ref): Ref {
  const { arena } = twin;
  const level = levelOf(arena, node);
  const copied = createNode(arena, level, placesOf(arena, node));
  const words = nodeWords(arena, copied);
  const at = nodeAt(copied);
  const source = nodeWords(arena, node);
  const from = nodeAt(node);
  const count = countOf(arena, node);
  const elements = elementsAt(words, at);
  const sourceElements = elementsAt(source, from);
  try {
    for (let i = 0; i < count; i++) {
      if (level > 0) {
        setChild(arena, copied, i, copyNode(twin, childOf(arena, node, i)));
      } else {
        words[elements + i] = copyMember(twin, source[sourceElements + i] as number);
        nodeDoubles(arena, copied)[(at >>> 1) + SCORES + i] = nodeDoubles(arena, node)[
          (from >>> 1) + SCORES + i
        ] as number;
      }
      words[at] = i + 1;
    }
  } catch (full) {
    freeNodes(arena, copied);
    throw full;
  }
  return copied;
}

function copyMember(twin: Dict, element: Ref): Ref {
  const { arena } = twin;
  const copied = copyBlock(arena, element);
  try {
    twin.insert(copied, twin.hashOfEntry(copied));
  } catch (full) {
    arena.free(copied);
    throw full;
  }
  return copied;
}

/** First the nodes of the order, leaf by leaf from the last one on, then the table. */
class SortedTableFreeing implements SliceFreeing {
  private readonly arena: Arena;
  private readonly table: TableFreeing;
  private root: Ref;

  constructor(arena: Arena, header: Ref) {
    this.arena = arena;
    this.root = rootAt(arena, header);
    this.table = new TableFreeing(new Dict(arena).attach(header));
  }

  get count(): number {
    return this.table.count;
  }

  get isDone(): boolean {
    return this.table.isDone;
  }

  step(wanted: number): number {
    for (let left = wanted; left > 0 && this.root !== NONE; left -= ELEMENTS_PER_NODE)
      this.freeLast();
    return this.root === NONE ? this.table.step(wanted) : 0;
  }

  end(): void {
    if (this.root !== NONE) freeNodes(this.arena, this.root);
    this.root = NONE;
    this.table.end();
  }

  /** Frees the last leaf, and what is above it alone. */
  private freeLast(): void {
    const { arena } = this;
    let node = this.root;
    let parent: Ref = NONE;
    // A node whose children have been freed has a count of none.
    while (levelOf(arena, node) > 0 && countOf(arena, node) > 0) {
      parent = node;
      node = childOf(arena, node, countOf(arena, node) - 1);
    }
    arena.free(node);
    if (parent === NONE) this.root = NONE;
    else nodeWords(arena, parent)[nodeAt(parent)] = countOf(arena, parent) - 1;
  }
}

/** First the elements, then the nodes of the order, the pages of the table, the rest of it. */
class SortedTableMoving implements SliceMoving {
  isDone = false;
  private readonly table: MovableDict;
  private readonly tree: ScoreTree;
  private readonly slice = new RefList(16);
  private phase: "elements" | "nodes" | "pages" = "elements";
  /** A hash, a rank, and a hash again. */
  private cursor = 0;

  constructor(arena: Arena) {
    this.table = new MovableDict(arena);
    this.tree = new ScoreTree(arena);
  }

  step(ref: Ref, wanted: number, move: MoveBlock): Ref {
    const { table, tree } = this;
    table.attach(ref);
    tree.attach(ref);
    if (this.phase === "elements") {
      this.moveElements(wanted, move);
      if (this.cursor === 0) this.phase = "nodes";
      return ref;
    }
    if (this.phase === "nodes") {
      this.moveNodes(wanted, move);
      return ref;
    }
    for (let left = wanted; left > 0; left--) {
      this.cursor = table.movePage(this.cursor, move);
      if (this.cursor !== 0) continue;
      this.isDone = true;
      table.moveDirectory(move);
      return table.moveHeader(move);
    }
    return ref;
  }

  private moveElements(wanted: number, move: MoveBlock): void {
    const { slice, table, tree } = this;
    slice.clear();
    this.cursor = table.scan(this.cursor, wanted, slice);
    for (let i = 0; i < slice.count; i++) {
      const old = slice.at(i);
      const moved = move(old);
      if (moved === old) continue;
      table.findRef(old, table.hashOfEntry(moved));
      table.replaceFound(moved);
      tree.replace(old, moved);
    }
  }

  private moveNodes(wanted: number, move: MoveBlock): void {
    const { table, tree } = this;
    for (let left = wanted; left > 0 && this.cursor < table.count; left -= ELEMENTS_PER_NODE)
      this.cursor = tree.moveNodes(this.cursor, move);
    if (this.cursor < table.count) return;
    this.phase = "pages";
    this.cursor = 0;
  }
}

function moveWhole(arena: Arena, ref: Ref, move: MoveBlock): Ref {
  const moving = new SortedTableMoving(arena);
  const wanted = (Dict.countAt(arena, ref) + 1) * ELEMENTS_PER_NODE;
  let place = ref;
  while (!moving.isDone) place = moving.step(place, wanted, move);
  return place;
}

const pieces: Pieces = {
  count: Dict.countAt,
  free: (arena, ref) => new SortedTableFreeing(arena, ref),
  move: (arena) => new SortedTableMoving(arena),
  walk: openTableWalk,
};

/** The part of a ValueKind that deals with blocks. */
export const sortedTable: Pick<
  ValueKind,
  "table" | "free" | "memory" | "copy" | "move" | "pieces"
> = {
  table: (_arena, ref) => ref,
  free: freeTable,
  memory,
  copy,
  move: moveWhole,
  pieces,
};
