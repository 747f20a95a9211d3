/**
 * The nodes of a quicklist, one by one: what their blocks hold (list-layout.ts draws them), how they
 * are read, compressed and brought back.
 *
 * Whether a node is compressed is a matter of memory, never of content. So compressing is given up
 * where it does not pay or finds no room, and whoever reads can read either form; only who writes
 * into a node has to bring it back first.
 */
import { assert } from "../../assert.ts";
import { type Arena, ArenaFullError, NONE, type Ref } from "../../memory/arena.ts";
import { type ListpackValue, listpackBytes } from "../../memory/listpack.ts";
import { positionOf, readPosition } from "../../memory/listpack-walk.ts";
import { compress, decompress } from "../../memory/lzf.ts";
import { isRangeError } from "../../realm.ts";
import { byteIndex, bytesOf, viewOf } from "../../table/entry.ts";
import {
  blockOf,
  COMPRESSED,
  elementsOf,
  LZF_HEAD_BYTES,
  PLAIN,
  PLAIN_HEAD_BYTES,
  packedBytesOf,
  packedStartOf,
  rawBytesOf,
  setWordAt,
  shapeOf,
  wordAt,
} from "./list-layout.ts";

/** A shorter node is not worth compressing, and one that shrinks by less has not been. */
const COMPRESSED_RAW_BYTES_MIN = 48;
const SAVED_BYTES_MIN = 8;
/** Room for decompressing is kept up to this size. */
const SCRATCH_KEPT_BYTES = 2 ** 20;
const NO_BYTES = new Uint8Array(0);
const NO_VIEW = new DataView(NO_BYTES.buffer);

/** A new block for a plain node that is bytes[start, end). */
export function createPlain(arena: Arena, bytes: Uint8Array, start: number, end: number): Ref {
  const block = arena.alloc(PLAIN_HEAD_BYTES + end - start);
  setWordAt(arena, block, 0, end - start);
  arena.write(block, PLAIN_HEAD_BYTES, bytes, start, end);
  return block;
}

/** A new block for a compressed node, of LZF that stands for `rawBytes` bytes. */
function createCompressed(
  arena: Arena,
  rawBytes: number,
  lzf: Uint8Array,
  start: number,
  end: number,
): Ref {
  const block = arena.alloc(LZF_HEAD_BYTES + end - start);
  setWordAt(arena, block, 0, rawBytes);
  setWordAt(arena, block, 1, end - start);
  arena.write(block, LZF_HEAD_BYTES, lzf, start, end);
  return block;
}

/** Bytes of LZF in the block of a compressed node. */
function lzfBytesOf(arena: Arena, block: Ref): number {
  return wordAt(arena, block, 1);
}

/**
 * A window on the content of one node, in place or brought back into memory of its own: a listpack
 * at bytes[start, end), or one element that is bytes[start, end).
 */
export class NodeView {
  /** The bytes in which the content lies. */
  bytes: Uint8Array = NO_BYTES;
  /** A view over the memory of `bytes`. */
  view: DataView = NO_VIEW;
  /** Index of the first byte of the content. */
  start = 0;
  /** Index behind its last byte. */
  end = 0;
  /** The content is one element, not a listpack. */
  isPlain = false;
  /** Elements of the node. */
  count = 0;
  private scratch = NO_BYTES;
  private scratchView = NO_VIEW;

  /** Looks at the node of a cell. In place, and void when the node changes. */
  open(arena: Arena, cell: Ref): this {
    const shape = shapeOf(arena, cell);
    const block = blockOf(arena, cell);
    this.isPlain = (shape & PLAIN) !== 0;
    this.count = elementsOf(shape);
    if ((shape & COMPRESSED) !== 0) return this.decompressed(arena, block);
    this.bytes = bytesOf(arena, block);
    this.view = viewOf(arena, block);
    const { isPlain } = this;
    this.start = byteIndex(block) + (isPlain ? PLAIN_HEAD_BYTES : packedStartOf(arena, block));
    this.end = this.start + (isPlain ? wordAt(arena, block, 0) : packedBytesOf(arena, block));
    return this;
  }

  /** Looks at a listpack of so many elements. */
  openListpack(arena: Arena, listpack: Ref, count: number): this {
    this.isPlain = false;
    this.count = count;
    this.bytes = bytesOf(arena, listpack);
    this.view = viewOf(arena, listpack);
    this.start = byteIndex(listpack);
    this.end = this.start + listpackBytes(arena, listpack);
    return this;
  }

  /** Puts the element of this number in the node in `out`. In place. */
  read(index: number, out: ListpackValue): void {
    const { bytes, view, start, end } = this;
    if (this.isPlain) out.setString(bytes, view, start, end);
    else readPosition(bytes, view, positionOf(bytes, start, end, this.count, index), out);
  }

  private decompressed(arena: Arena, block: Ref): this {
    const rawBytes = wordAt(arena, block, 0);
    let { scratch, scratchView } = this;
    if (scratch.length < rawBytes) {
      scratch = newBytes(rawBytes);
      scratchView = new DataView(scratch.buffer);
      if (rawBytes <= SCRATCH_KEPT_BYTES) {
        this.scratch = scratch;
        this.scratchView = scratchView;
      }
    }
    const from = byteIndex(block) + LZF_HEAD_BYTES;
    const isWhole = decompress(
      viewOf(arena, block),
      from,
      from + lzfBytesOf(arena, block),
      scratchView,
      rawBytes,
    );
    assert(isWhole, "a compressed node can be brought back");
    this.bytes = scratch;
    this.view = scratchView;
    this.start = 0;
    this.end = rawBytes;
    return this;
  }
}

function newBytes(length: number): Uint8Array<ArrayBuffer> {
  try {
    return new Uint8Array(length);
  } catch (error) {
    if (isRangeError(error)) throw new ArenaFullError(`no room for ${length} bytes`);
    throw error;
  }
}

/** What a file stores of a node: bytes[start, end), which stand for `rawBytes` if compressed. */
export interface NodeImage {
  /** The bytes in which it lies. */
  readonly bytes: Uint8Array;
  /** A view over the memory of `bytes`. */
  readonly view: DataView;
  /** Index of its first byte. */
  readonly start: number;
  /** Index behind its last byte. */
  readonly end: number;
  /** The bytes are one element, not a listpack. */
  readonly isPlain: boolean;
  /** The bytes are LZF. */
  readonly isCompressed: boolean;
  /** Length of what is stored when it is decompressed. */
  readonly rawBytes: number;
}

/** The node of a cell as a file stores it: in place. */
export function nodeImage(arena: Arena, cell: Ref): NodeImage {
  const shape = shapeOf(arena, cell);
  const block = blockOf(arena, cell);
  const isPlain = (shape & PLAIN) !== 0;
  const isCompressed = (shape & COMPRESSED) !== 0;
  const rawBytes = rawBytesOf(arena, cell);
  let start = byteIndex(block);
  if (isCompressed) start += LZF_HEAD_BYTES;
  else start += isPlain ? PLAIN_HEAD_BYTES : packedStartOf(arena, block);
  const end = start + (isCompressed ? lzfBytesOf(arena, block) : rawBytes);
  const [bytes, view] = [bytesOf(arena, block), viewOf(arena, block)];
  return { bytes, view, start, end, isPlain, isCompressed, rawBytes };
}

/** A new block with what a compressed node holds, as it was before. Throws ArenaFullError. */
export function inflated(arena: Arena, cell: Ref, view: NodeView): Ref {
  const { bytes, start, end, isPlain } = view.open(arena, cell);
  if (isPlain) return createPlain(arena, bytes, start, end);
  const block = arena.alloc(end - start);
  arena.write(block, 0, bytes, start, end);
  return block;
}

/** Compresses nodes of one arena. */
export class NodePress {
  private scratch = NO_BYTES;
  private scratchView = NO_VIEW;

  /** A new block with the content of a node that is not compressed; NONE: it had better stay so. */
  deflated(arena: Arena, cell: Ref, view: NodeView): Ref {
    const rawBytes = rawBytesOf(arena, cell);
    if (rawBytes < COMPRESSED_RAW_BYTES_MIN) return NONE;
    const { view: source, start, end } = view.open(arena, cell);
    try {
      let { scratch, scratchView } = this;
      if (scratch.length < rawBytes) {
        scratch = newBytes(rawBytes);
        scratchView = new DataView(scratch.buffer);
        if (rawBytes <= SCRATCH_KEPT_BYTES) {
          this.scratch = scratch;
          this.scratchView = scratchView;
        }
      }
      const size = compress(source, start, end, scratchView, 0, rawBytes - SAVED_BYTES_MIN);
      return size === -1 ? NONE : createCompressed(arena, rawBytes, scratch, 0, size);
    } catch (full) {
      if (full instanceof ArenaFullError) return NONE;
      throw full;
    }
  }
}
