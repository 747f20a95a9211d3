/**
 * TableWalk: the table of one large value, for one snapshot cut, a slice at a time.
 *
 * The cut opens a walk when it comes to the key, or just before the key first changes, so that the
 * table is still what it was at the instant of the cut. From then on the key does not matter: it
 * may be renamed, moved or deleted. The table is known by its header block, which never moves, and
 * is held (`arena.holds`): whoever changes an element says so first, and whoever frees the table leaves
 * it to the hold.
 *
 * Each element of the instant is handed over exactly once, by step() or when it is about to change.
 * A Dict is ordered by hash, so all elements below the cursor are done; those above it that changed
 * are remembered by name and passed over. After a reseed the table is walked again in its new
 * order, leaving out what lay below the cursor under the old seed.
 *
 * The names are entries of a dict of their own, in the arena: they may be as many as the elements and
 * count as memory in use. Where there is no room for another one, the change goes on and the
 * snapshot fails: it must neither stand in the way of a write nor become a wrong file.
 */
import { assert } from "../assert.ts";
import { type Arena, ArenaFullError, NONE, type Ref } from "../memory/arena.ts";
import { RefList } from "../memory/ref-list.ts";
import { Dict } from "../table/dict.ts";
import {
  bytesOf,
  createEntry,
  Encoding,
  keyIndex,
  keyLength,
  kindOf,
  Type,
  viewOf,
} from "../table/entry.ts";
import { hashBytes } from "../table/hash.ts";
import { freeElements } from "./element.ts";
import type { CutPiece, CutWalk } from "./kind.ts";
import { WalkHold } from "./walk-hold.ts";

/** Everything with a hash below `cursor` under `seed` is done; all when `isComplete`. */
interface Pass {
  readonly seed: number;
  cursor: number;
  isComplete: boolean;
}

/** Elements that step() fetches at a time. */
const SLICE = 64;
const NAME_KIND = kindOf(Type.STRING, Encoding.RAW);

/** Pieces.walk() of a value that is a table. */
export function openTableWalk(
  arena: Arena,
  header: Ref,
  piece: CutPiece,
  fail: (reason: ArenaFullError) => void,
  release: () => void,
): CutWalk {
  const known = arena.holds.get(header);
  const hold = known instanceof TableHold ? known : new TableHold(arena, header, release);
  return new TableWalk(hold, piece, fail);
}

class TableWalk implements CutWalk {
  isDone = false;
  private readonly hold: TableHold;
  private readonly slice = new RefList();
  private readonly piece: CutPiece;
  private left: number;
  private hasBegun = false;
  /** One, and one more after each reseed. */
  private readonly passes: Pass[] = [];
  /** Names of elements that changed before the walk came to them; null while there are none. */
  private changed: Dict | null = null;
  private readonly fail: (reason: ArenaFullError) => void;

  /** `fail` is told when the walk cannot go on: it is to give up the cut, and with it this walk. */
  constructor(hold: TableHold, piece: CutPiece, fail: (reason: ArenaFullError) => void) {
    this.fail = fail;
    this.hold = hold;
    this.left = new Dict(hold.arena).attach(hold.header).count;
    this.piece = piece;
    hold.walks.push(this);
  }

  leave(): void {
    if (this.changed !== null) freeElements(this.changed);
    this.changed = null;
    this.hold.walkEnds(this);
  }

  step(wanted: number): number {
    if (!this.hasBegun) {
      this.hasBegun = true;
      this.piece.begin();
    }
    const dict = new Dict(this.hold.arena).attach(this.hold.header);
    let pass = this.passes[this.passes.length - 1];
    if (pass === undefined || pass.seed !== dict.seed) {
      pass = { seed: dict.seed, cursor: 0, isComplete: false };
      this.passes.push(pass);
    }
    const { slice } = this;
    slice.clear();
    const next = dict.scan(pass.cursor, Math.min(wanted, SLICE), slice);
    // In the order of hashes nearly every element is a cache miss: those of a slice overlap.
    this.hold.arena.touch(slice.refs, slice.count);
    for (let i = 0; i < slice.count; i++) this.meet(slice.at(i));
    pass.cursor = next;
    pass.isComplete = next === 0;
    if (next === 0) {
      assert(this.left === 0, "a walk hands over the elements of its instant");
      this.isDone = true;
      this.piece.end();
    }
    return Math.max(8, slice.count);
  }

  private meet(element: Ref): void {
    if (this.passes.length > 1 || this.changed !== null) {
      const { arena } = this.hold;
      const start = keyIndex(arena, element);
      const end = start + keyLength(arena, element);
      const bytes = bytesOf(arena, element);
      const view = viewOf(arena, element);
      if (this.isPassed(bytes, view, start, end, this.passes.length - 1)) return;
      if (this.hasChanged(bytes, view, start, end)) return;
    }
    this.give(element);
  }

  private hasChanged(bytes: Uint8Array, view: DataView, start: number, end: number): boolean {
    const { changed } = this;
    if (changed === null) return false;
    return changed.find(bytes, view, start, end, changed.hash(bytes, view, start, end)) !== NONE;
  }

  /** Remembers a name that is not there yet. Throws ArenaFullError, and then has not. */
  private remember(bytes: Uint8Array, view: DataView, start: number, end: number): void {
    const { arena, header } = this.hold;
    this.changed ??= new Dict(arena).attach(
      // The seed is as hard to guess as that of the table.
      Dict.create(arena, new Dict(arena).attach(header).seed),
    );
    const { changed } = this;
    const name = createEntry(arena, NAME_KIND, 0, 0, bytes, start, end, 0);
    try {
      changed.insert(name, changed.hash(bytes, view, start, end));
    } catch (full) {
      arena.free(name);
      throw full;
    }
  }

  private give(element: Ref): void {
    this.left--;
    this.piece.element(element);
  }

  /** True when one of the first `count` passes has come past this element. */
  private isPassed(
    bytes: Uint8Array,
    view: DataView,
    start: number,
    end: number,
    count: number,
  ): boolean {
    for (let i = 0; i < count; i++) {
      const { seed, cursor, isComplete } = this.passes[i];
      if (isComplete || hashBytes(bytes, view, start, end, seed) >>> 0 < cursor) return true;
    }
    return false;
  }

  /** The element bytes[start, end), present or not (NONE), is about to change. */
  beforeChange(element: Ref, bytes: Uint8Array, view: DataView, start: number, end: number): void {
    if (this.isDone || this.isPassed(bytes, view, start, end, this.passes.length)) return;
    if (this.hasChanged(bytes, view, start, end)) return;
    try {
      this.remember(bytes, view, start, end);
    } catch (full) {
      if (!(full instanceof ArenaFullError)) throw full;
      this.fail(full);
      return;
    }
    if (element !== NONE) this.give(element);
  }
}

/** A table that walks still need. It goes when its owner has let go and the last walk is over. */
class TableHold extends WalkHold<TableWalk> {
  beforeChange(element: Ref, bytes: Uint8Array, view: DataView, start: number, end: number): void {
    // A copy, because a walk may give up.
    for (const walk of this.walks.slice()) walk.beforeChange(element, bytes, view, start, end);
  }
}
