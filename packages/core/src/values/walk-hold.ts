/**
 * WalkHold: what keeps a value whole for the snapshots that walk over it. It is known by the value's
 * first block (`arena.holds`) from the first walk on, and goes with the last one; a value that its
 * owner has let go meanwhile is released then.
 *
 * What is to be done before a change differs from kind to kind: see table-walk.ts, list-hold.ts and
 * stream-walk.ts.
 */
import type { Arena, BlockHold, Ref } from "../memory/arena.ts";

/** A value that walks still need: see the head of this file. */
export abstract class WalkHold<Walk> implements BlockHold {
  /** Where the value lies. */
  readonly arena: Arena;
  /** Its first block. */
  readonly header: Ref;
  /** Those that are not over. */
  readonly walks: Walk[] = [];
  private isLetGo = false;
  private letGoBytes = 0;
  private readonly release: () => void;

  constructor(arena: Arena, header: Ref, release: () => void) {
    this.arena = arena;
    this.header = header;
    this.release = release;
    arena.holds.set(header, this);
  }

  letGo(bytes: number): void {
    this.isLetGo = true;
    this.letGoBytes = this.arena.countHeld(bytes);
  }

  abstract beforeChange(
    element: Ref,
    bytes: Uint8Array,
    view: DataView,
    start: number,
    end: number,
  ): void;

  /** `walk` is over, or has been given up: once, however often it says so. */
  walkEnds(walk: Walk): void {
    const index = this.walks.indexOf(walk);
    if (index === -1) return;
    this.walks.splice(index, 1);
    if (this.walks.length > 0) return;
    this.arena.holds.delete(this.header);
    this.lastWalkEnded();
    if (!this.isLetGo) return;
    this.arena.heldBytes -= this.letGoBytes;
    this.release();
  }

  /** Nobody needs the value as it was any more. */
  protected lastWalkEnded(): void {}
}
