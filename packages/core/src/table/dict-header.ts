/**
 * DictHeader: the state of a dict (dict-table.ts), a block in the arena. An object is a window on it
 * (attach()), so that a million small tables cost no JavaScript objects:
 *
 *      word 0             entries in the dict
 *           1 STATE       finest << 16 | times reseeded << 8 | depth of the directory, where `finest`
 *                         is the most bits of depth and slot that a page has (0: to be counted)
 *           2 SEED        of the hash
 *           3 DIRECTORY   its ref; 0: inline
 *           4 INLINE      page, and in word 5 meta: the inline directory of a one-page dict
 *           6 ATTACHMENT  the owner's: a block that belongs to the table, or 0
 *           7 DEEPEST     pages whose depth is the directory's
 *
 * Spare bytes may follow for whoever keeps something beside the table.
 */
import { type Arena, NONE, type Ref, SEGMENT_SHIFT, UNIT_MASK } from "../memory/arena.ts";
import { pageBits } from "./dict-page.ts";

/** Bytes of a dict's header: behind them stand the spare ones. */
export const HEADER_BYTES = 32;
/** Words of the header, as drawn above. */
export const STATE = 1;
const SEED = 2;
export const DIRECTORY = 3;
export const INLINE = 4;
export const ATTACHMENT = 6;
export const DEEPEST = 7;

/** The state of a dict, in the arena: see the head of this file. */
export class DictHeader {
  /** Where the table and its entries live. */
  readonly arena: Arena;
  /** The block that holds the state; NONE before attach(). */
  header: Ref = NONE;
  /** Number of entries. */
  count = 0;
  /** Seed of the hashes. */
  seed = 0;
  /** Bits of a hash that name a page in the directory. */
  protected depth = 0;
  /** The words in which the directory lies. */
  protected directoryWords: Int32Array;
  /** Index of the directory's first word. */
  protected directoryAt = 0;
  /** The words in which the header lies. */
  protected headerWords: Int32Array;
  /** Index of the header's first word. */
  protected headerAt = 0;

  constructor(arena: Arena) {
    this.arena = arena;
    this.directoryWords = arena.words[0] as Int32Array;
    this.headerWords = this.directoryWords;
  }

  /**
   * A new, empty dict in the arena; attach() to use it. `spareBytes` follow its header, zero at
   * first, for whoever keeps something beside the table: they go where the header goes. Its page has
   * room for `expected` entries, up to what a page has.
   */
  static create(arena: Arena, seed: number, spareBytes = 0, expected = 0): Ref {
    const bits = pageBits(expected);
    const page = arena.allocZeroed(8 << bits);
    let header: Ref;
    try {
      header = arena.allocZeroed(HEADER_BYTES + spareBytes);
    } catch (full) {
      arena.free(page);
      throw full;
    }
    const words = arena.words[header >>> SEGMENT_SHIFT] as Int32Array;
    const at = (header & UNIT_MASK) << 1;
    words[at + SEED] = seed;
    words[at + INLINE] = page;
    words[at + INLINE + 1] = bits << 5;
    words[at + DEEPEST] = 1;
    return header;
  }

  /** Makes this object the window on the dict whose header block is `header`. */
  attach(header: Ref): this {
    const words = this.arena.words[header >>> SEGMENT_SHIFT] as Int32Array;
    const at = (header & UNIT_MASK) << 1;
    this.header = header;
    this.headerWords = words;
    this.headerAt = at;
    // Each command on a large collection comes here, and a name costs a load where a number costs none.
    this.count = words[at] as number;
    this.depth = (words[at + 1] as number) & 255;
    this.seed = words[at + 2] as number;
    const directory = words[at + 3] as number;
    if (directory === NONE) {
      this.directoryWords = words;
      this.directoryAt = at + INLINE;
    } else {
      this.directoryWords = this.arena.words[directory >>> SEGMENT_SHIFT] as Int32Array;
      this.directoryAt = (directory & UNIT_MASK) << 1;
    }
    return this;
  }

  /** Times that the dict took a new seed: hashes and cursors from before are void. */
  get generation(): number {
    return ((this.headerWords[this.headerAt + STATE] as number) >>> 8) & 255;
  }

  /** A block that whoever owns the table has put there; NONE at first. Nobody here looks at it. */
  get attachment(): Ref {
    return this.headerWords[this.headerAt + ATTACHMENT] as number;
  }

  set attachment(ref: Ref) {
    this.headerWords[this.headerAt + ATTACHMENT] = ref;
  }

  /** Sets what `generation` tells. */
  protected setGeneration(generation: number): void {
    const at = this.headerAt + STATE;
    this.headerWords[at] = (generation << 8) | ((this.headerWords[at] as number) & 255);
  }

  /** The most bits of depth and slot that a page has, as counted once; 0 after a page has changed. */
  protected get finest(): number {
    return (this.headerWords[this.headerAt + STATE] as number) >>> 16;
  }

  protected set finest(bits: number) {
    const at = this.headerAt + STATE;
    this.headerWords[at] = (bits << 16) | ((this.headerWords[at] as number) & 0xffff);
  }
}
