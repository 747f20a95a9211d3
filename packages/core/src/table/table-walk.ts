/**
 * TableWalk: the table of one large value, for one snapshot cut, a slice at a time.
 *
 * The cut opens a walk when it comes to the key, or just before the key first changes, so that the
 * table is still what it was at the instant of the cut. From then on the key does not matter: it
 * may be renamed, moved or deleted. The table is known by its header block, which never moves, and
 * is held (`arena.holds`): whoever changes a field says so first, and whoever frees the table leaves
 * it to the hold.
 *
 * Each field of the instant is handed over exactly once, by step() or when it is about to change.
 * A Dict is ordered by hash, so all fields below the cursor are done; those above it that changed
 * are remembered by name and passed over. After a reseed the table is walked again in its new
 * order, leaving out what lay below the cursor under the old seed.
 *
 * The names are entries of a dict of their own, in the arena: they may be as many as the fields and
 * count as memory in use. Where there is no room for another one, the change goes on and the
 * snapshot fails: it must neither stand in the way of a write nor become a wrong file.
 */

import { assert } from "../assert.ts";
import { type Arena, ArenaFullError, type BlockHold, NONE, type Ref } from "../memory/arena.ts";
import { RefList } from "../memory/ref-list.ts";
import { freeTable } from "../values/value.ts";
import { Dict } from "./dict.ts";
import {
  bytesOf,
  createEntry,
  Encoding,
  keyIndex,
  keyLength,
  kindOf,
  Type,
  viewOf,
} from "./entry.ts";
import { hashBytes } from "./hash.ts";

/** Who gets the fields of a large value. Called from within step() and before changes. */
export interface CutPiece {
  /** The walk starts: no other piece of this cut begins before the end of this one. */
  begin(): void;
  /** The entry of a field, with its value. May come before begin(): the field is to change. */
  field(entry: Ref): void;
  /** All fields have been handed over. */
  end(): void;
}

/** Everything with a hash below `cursor` under `seed` is done; all when `isComplete`. */
interface Pass {
  readonly seed: number;
  cursor: number;
  isComplete: boolean;
}

/** Fields that step() fetches at a time. */
const SLICE = 64;
const NAME_KIND = kindOf(Type.STRING, Encoding.RAW);
const slice = new RefList();

export class TableWalk {
  readonly hold: TableHold;
  isDone = false;
  private readonly piece: CutPiece;
  private left: number;
  private hasBegun = false;
  /** One, and one more after each reseed. */
  private readonly passes: Pass[] = [];
  /** Names of fields that changed before the walk came to them; null while there are none. */
  private changed: Dict | null = null;
  private readonly fail: (reason: ArenaFullError) => void;

  /** `fail` is told when the walk cannot go on: it is to give up the cut, and with it this walk. */
  constructor(
    hold: TableHold,
    fieldCount: number,
    piece: CutPiece,
    fail: (reason: ArenaFullError) => void,
  ) {
    this.fail = fail;
    this.hold = hold;
    this.left = fieldCount;
    this.piece = piece;
    hold.walks.push(this);
  }

  /** Hands over about `wanted` fields. Returns a measure of the work, at least 1. */
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
    slice.clear();
    const next = dict.scan(pass.cursor, Math.min(wanted, SLICE), slice);
    for (let i = 0; i < slice.count; i++) this.meet(slice.at(i));
    pass.cursor = next;
    pass.isComplete = next === 0;
    if (next === 0) {
      assert(this.left === 0, "a walk hands over the fields of its instant");
      this.isDone = true;
      this.piece.end();
    }
    return Math.max(8, slice.count);
  }

  private meet(entry: Ref): void {
    if (this.passes.length > 1 || this.changed !== null) {
      const { arena } = this.hold;
      const start = keyIndex(arena, entry);
      const end = start + keyLength(arena, entry);
      const bytes = bytesOf(arena, entry);
      const older = this.passes.length - 1;
      if (this.isPassed(bytes, viewOf(arena, entry), start, end, older)) return;
      if (this.hasChanged(bytes, viewOf(arena, entry), start, end)) return;
    }
    this.give(entry);
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

  /** The names are of no use any more. */
  forget(): void {
    if (this.changed !== null) freeTable(this.changed);
    this.changed = null;
  }

  private give(entry: Ref): void {
    this.left--;
    this.piece.field(entry);
  }

  /** True when one of the first `count` passes has come past this field. */
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

  /** The field bytes[start, end), present as `entry` or not (NONE), is about to change. */
  beforeChange(entry: Ref, bytes: Uint8Array, view: DataView, start: number, end: number): void {
    if (this.isDone || this.isPassed(bytes, view, start, end, this.passes.length)) return;
    if (this.hasChanged(bytes, view, start, end)) return;
    try {
      this.remember(bytes, view, start, end);
    } catch (full) {
      if (!(full instanceof ArenaFullError)) throw full;
      this.fail(full);
      return;
    }
    if (entry !== NONE) this.give(entry);
  }
}

/** A table that walks still need. It goes when its owner has let go and the last walk is over. */
export class TableHold implements BlockHold {
  readonly arena: Arena;
  readonly header: Ref;
  readonly walks: TableWalk[] = [];
  private isLetGo = false;
  private readonly release: (dict: Dict) => void;

  constructor(arena: Arena, header: Ref, release: (dict: Dict) => void) {
    this.arena = arena;
    this.header = header;
    this.release = release;
    arena.holds.set(header, this);
  }

  /** @internal The owner would free the table. */
  letGo(): void {
    this.isLetGo = true;
  }

  /** @internal */
  beforeChange(entry: Ref, bytes: Uint8Array, view: DataView, start: number, end: number): void {
    // A copy, because a walk may give up.
    for (const walk of this.walks.slice()) walk.beforeChange(entry, bytes, view, start, end);
  }

  /** `walk` is over, or has been given up. */
  leave(walk: TableWalk): void {
    walk.forget();
    this.walks.splice(this.walks.indexOf(walk), 1);
    if (this.walks.length > 0) return;
    this.arena.holds.delete(this.header);
    if (this.isLetGo) this.release(new Dict(this.arena).attach(this.header));
  }
}
