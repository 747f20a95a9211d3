/**
 * The bytes of a quicklist: a list too long for one listpack, as nodes of several elements each, and a
 * directory that finds the node of an index without walking over the nodes before it.
 *
 *      header   elements u32 | nodes u32 | fill i16 | depth u16 | top ref | first u32 | used u32 |
 *               capacity u32 | 0
 *      top      ... free ... | page ref, its elements u32 | page ref, its elements | ... free ...
 *      page     nodes u32 | lineage u32 | cell | cell | ...              up to 127 cells, 1 KiB
 *      cell     block ref | elements, 29 bits; bit 29 OWNED, bit 30 PLAIN, bit 31 COMPRESSED
 *
 * `first` and `used` say which entries of the top are in use; both of its ends are free to grow. A
 * cell is one unit of the arena, so a ref names it: that is how a node is handed from here to there.
 * The lineage means something while a snapshot walks the list: see list-hold.ts.
 *
 * What a cell's block holds:
 *
 *      packed                 a listpack; of the first node perhaps with room around it: list-room.ts
 *      PLAIN                  length u32 | the bytes of one large element
 *      COMPRESSED             raw bytes u32 | LZF bytes u32 | LZF of a listpack
 *      PLAIN and COMPRESSED   the same, of the bytes of one element
 *
 * Example, the cell of a packed node of 3 elements at ref 0x1200: 00 12 00 00 | 03 00 00 00.
 *
 * A million elements of 8 bytes in nodes of 8 KiB are 1,250 nodes on 10 pages: their cells and pages
 * take 10 bytes a node, where links between nodes would take 32.
 */
import type { Arena, Ref } from "../../memory/arena.ts";
import { byteIndex, viewOf, wordIndex, wordsOf } from "../../table/entry.ts";

export const HEADER_BYTES = 32;
/** Words of the header. */
export const Field = {
  ELEMENTS: 0,
  NODES: 1,
  OPTIONS: 2,
  TOP: 3,
  FIRST: 4,
  USED: 5,
  CAPACITY: 6,
} as const;
/** Cells of a full page, and what it takes with its head. */
export const PAGE_CELLS_MAX = 127;
export const PAGE_HEAD_BYTES = 8;
export const CELL_BYTES = 8;

/** The node is one large element. */
export const PLAIN = 0x40000000;
/** The node's block is LZF. */
export const COMPRESSED = 0x80000000 | 0;
/** On a page that a snapshot keeps: the block is the snapshot's, the list has it no more. */
export const OWNED = 0x20000000;
/** No listpack has as many elements as these 29 bits tell. */
const COUNT_MASK = 0x1fffffff;
/** Bytes before the element of a plain node, and before the LZF of a compressed one. */
export const PLAIN_HEAD_BYTES = 4;
export const LZF_HEAD_BYTES = 8;
/** In the first word of a packed node: the other bits say where in the block its listpack begins. */
export const ROOMY = 0x80000000 | 0;

/** A word of the block at `ref`. */
export function wordAt(arena: Arena, ref: Ref, index: number): number {
  return wordsOf(arena, ref)[wordIndex(ref) + index] as number;
}

/** Sets a word of the block at `ref`. */
export function setWordAt(arena: Arena, ref: Ref, index: number, value: number): void {
  wordsOf(arena, ref)[wordIndex(ref) + index] = value;
}

/** The cell of this number on a page. */
export function cellOn(page: Ref, slot: number): Ref {
  return (page + 1 + slot) | 0;
}

/** The block of a cell. */
export function blockOf(arena: Arena, cell: Ref): Ref {
  return wordAt(arena, cell, 0);
}

/** The second word of a cell: elements and flags. */
export function shapeOf(arena: Arena, cell: Ref): number {
  return wordAt(arena, cell, 1);
}

/** Elements of a node, of the second word of its cell. */
export function elementsOf(shape: number): number {
  return shape & COUNT_MASK;
}

/** Fills a cell. */
export function setCell(arena: Arena, cell: Ref, block: Ref, shape: number): void {
  const words = wordsOf(arena, cell);
  const at = wordIndex(cell);
  words[at] = block;
  words[at + 1] = shape;
}

/** Nodes on a page. */
export function nodesOn(arena: Arena, page: Ref): number {
  return wordAt(arena, page, 0);
}

/** The lineage of a page. */
export function lineageOf(arena: Arena, page: Ref): number {
  return wordAt(arena, page, 1);
}

/** The page of a list's top entry, the first one in use being number 0. */
export function pageAt(arena: Arena, header: Ref, entry: number): Ref {
  const first = wordAt(arena, header, Field.FIRST);
  return wordAt(arena, wordAt(arena, header, Field.TOP), (first + entry) * 2);
}

/** Where in its block the listpack of a packed node begins: 0, unless there is room before it. */
export function packedStartOf(arena: Arena, block: Ref): number {
  const word = wordAt(arena, block, 0);
  return word < 0 ? word & ~ROOMY : 0;
}

/** Bytes of the listpack of a packed node. */
export function packedBytesOf(arena: Arena, block: Ref): number {
  const word = wordAt(arena, block, 0);
  return word < 0 ? viewOf(arena, block).getInt32(byteIndex(block) + (word & ~ROOMY), true) : word;
}

/** Bytes of a node as they would be uncompressed: of the listpack, or of the one element. */
export function rawBytesOf(arena: Arena, cell: Ref): number {
  const shape = shapeOf(arena, cell);
  const block = blockOf(arena, cell);
  if ((shape & (PLAIN | COMPRESSED)) === 0) return packedBytesOf(arena, block);
  return wordAt(arena, block, 0) >>> 0;
}
