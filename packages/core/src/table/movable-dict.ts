/**
 * MovableDict: a dict whose own blocks (pages, directory, header) go where they are told to.
 *
 * `move` is handed each block's ref and answers where the block lies from now on: the same ref, or
 * that of a copy, the block itself being free then. Other windows on the same dict remember where
 * the directory and the header are: they are to be attached again when those have moved. Pages are
 * looked up with each access.
 */
import { NONE, type Ref } from "../memory/arena.ts";
import { Dict } from "./dict.ts";
import { DIRECTORY } from "./dict-header.ts";
import { USED_SHIFT } from "./dict-table.ts";

export class MovableDict extends Dict {
  /**
   * Moves the page where a hash `cursor` belongs (0 at first). Returns where the next page begins,
   * as a hash; 0 at the end. The table may change between two calls.
   */
  movePage(cursor: number, move: (ref: Ref) => Ref): number {
    const index = (cursor >>> 1) >>> (31 - this.depth);
    const depth = (this.directoryWords[this.directoryAt + (index << 1) + 1] as number) & 31;
    const shared = this.depth - depth;
    const own = (index >>> shared) << shared;
    const at = this.directoryAt + (own << 1);
    const page = this.directoryWords[at] as number;
    const meta = this.directoryWords[at + 1] as number;
    const moved = move(page);
    if (moved !== page) this.namePage(own, moved, depth, (meta >>> 5) & 31, meta >>> USED_SHIFT);
    const next = (own + (1 << shared)) * 2 ** (32 - this.depth);
    return next === 2 ** 32 ? 0 : next;
  }

  /** Moves the directory, unless it stands in the header. True when it is elsewhere now. */
  moveDirectory(move: (ref: Ref) => Ref): boolean {
    const at = this.headerAt + DIRECTORY;
    const directory = this.headerWords[at] as number;
    if (directory === NONE) return false;
    const moved = move(directory);
    if (moved === directory) return false;
    this.headerWords[at] = moved;
    this.attach(this.header);
    return true;
  }

  /** Moves the header. Returns where it is. */
  moveHeader(move: (ref: Ref) => Ref): Ref {
    return this.attach(move(this.header)).header;
  }
}
