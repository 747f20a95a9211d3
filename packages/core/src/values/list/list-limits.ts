/**
 * How much a node of a list holds: list-max-listpack-size (the "fill"), as Redis reads it.
 *
 *      -1 ... -5      4, 8, 16, 32, 64 KiB a node
 *      1, 2, 3 ...    so many elements a node, and no more than 8 KiB
 *
 * A list that one node has room for is kept as that one listpack.
 */

/** When a list stops being one listpack, and what its nodes are like then. */
export interface ListLimits {
  /** list-max-listpack-size. */
  readonly fill: number;
  /** list-compress-depth: nodes at either end that are never compressed; 0: none is. */
  readonly compressDepth: number;
  /** Elements of so many bytes are nodes of their own; 0: those that a node has no room for. */
  readonly plainBytesMin: number;
}

const NODE_BYTES = [4096, 8192, 16384, 32768, 65536] as const;
/** Nodes that are measured in elements have no more bytes than this. */
const SAFE_BYTES = 8192;
/** More than any element takes beyond its text: what a node is thought to grow by. */
const ELEMENT_OVERHEAD = 8;

/** Bytes that a node may have under a negative fill. */
function nodeBytesMax(fill: number): number {
  return NODE_BYTES[Math.min(-fill, NODE_BYTES.length) - 1] as number;
}

/** Bytes that a packed node may have. */
export function packedBytesMax(fill: number): number {
  return fill < 0 ? nodeBytesMax(fill) : SAFE_BYTES;
}

/** True when a node of so many bytes and elements is more than one node may be. */
export function exceeds(fill: number, bytes: number, elements: number): boolean {
  if (fill < 0) return bytes > nodeBytesMax(fill);
  return bytes > SAFE_BYTES || elements > (fill === 0 ? 1 : fill);
}

/** True when a node of so many bytes and elements has room for another element. */
export function hasRoomFor(fill: number, bytes: number, elements: number, length: number): boolean {
  return !exceeds(fill, bytes + length + ELEMENT_OVERHEAD, elements + 1);
}

/** True when an element of so many bytes is a node of its own. */
export function isPlain(fill: number, plainBytesMin: number, length: number): boolean {
  if (plainBytesMin !== 0) return length >= plainBytesMin;
  return length > packedBytesMax(fill);
}

/** True when a listpack of so many bytes and elements is small enough for a list to be that again. */
export function fitsListpack(
  fill: number,
  bytes: number,
  elements: number,
  isShrinking: boolean,
): boolean {
  const share = isShrinking ? 2 : 1;
  if (fill < 0) return bytes <= nodeBytesMax(fill) / share;
  return elements <= Math.floor((fill === 0 ? 1 : fill) / share);
}
