/**
 * Evacuation: which blocks of the arena are to move, and where to, so that whole spans fall empty
 * and their pages become free.
 *
 * After many removals a class may have blocks on a hundred spans for which ten would do. plan()
 * sorts the class's spans with room, the fullest first, and lets as many of them stay as hold all
 * the blocks; the others are being left. As alloc() takes from the first one, whatever is new lands
 * among what stays, and so does what move() copies:
 *
 *      used, of 64      60 41 | 9 3 2 1        115 blocks need 2 spans; four are left
 *                       alloc() fills from the left, move() empties from the right
 *
 * So the least is moved that frees the most. Nothing here costs alloc() and free() anything, and a
 * plan that time has passed by is no danger: a block moves only to a span that is at least as full
 * as its own.
 */
import { type Arena, type Ref, spanCapacity } from "./arena.ts";

/** Decides what moves, and where to. */
export interface MovePlan {
  /** Forgets the last plan. False: there is nothing to do. To be called before plan() of each class. */
  begin(): boolean;
  /** Number of size classes: plan() is called for each, from 0 on. */
  readonly classCount: number;
  /** Plans for a size class. Returns how many spans it looked at. */
  plan(sizeClass: number): number;
  /** Where the block lies from now on: `ref`, or a copy, `ref` being free then. Never fails. */
  move(ref: Ref): Ref;
  /** The pass is over. */
  end(): void;
}

/** Decides which spans are emptied: see the head of this file. */
export class Evacuation implements MovePlan {
  private readonly arena: Arena;
  /** For each span: 1 when it is being left. Its number may be another span's by now. */
  private leaving = new Uint8Array(0);
  private order = new Int32Array(64);

  constructor(arena: Arena) {
    this.arena = arena;
  }

  /** A pass begins: no span is being left yet. */
  begin(): boolean {
    this.leaving = new Uint8Array(this.arena.spanCount);
    return true;
  }

  /** The pass is over. */
  end(): void {}

  /** Number of size classes. */
  get classCount(): number {
    return this.arena.partial.length;
  }

  /** Plans for a size class. Returns how many spans it looked at. */
  plan(sizeClass: number): number {
    const { arena } = this;
    const count = this.sort(sizeClass);
    if (count < 2) return count;
    let blocks = 0;
    for (let i = 0; i < count; i++) blocks += arena.spanUsed[this.order[i] as number] as number;
    const leftCount = count - Math.max(1, Math.ceil(blocks / spanCapacity(sizeClass)));
    for (let i = 0; i < count; i++) {
      const span = this.order[i] as number;
      arena.unlinkPartial(span, sizeClass);
      // Linking is to the front: the fullest comes last and stands first.
      arena.linkPartial(span, sizeClass);
      if (i < leftCount) this.leaving[span] = 1;
    }
    return count;
  }

  /** Puts the class's spans with room in `order`, the emptiest first. Returns how many. */
  private sort(sizeClass: number): number {
    const { arena } = this;
    const { spanUsed, spanNext } = arena;
    const first = arena.partial[sizeClass] as number;
    const ends = new Int32Array(spanCapacity(sizeClass) + 1);
    let count = 0;
    for (let span = first; span !== 0; span = spanNext[span] as number, count++) {
      const used = spanUsed[span] as number;
      ends[used] = (ends[used] as number) + 1;
    }
    if (count > this.order.length) this.order = new Int32Array(count * 2);
    for (let used = 1; used < ends.length; used++)
      ends[used] = (ends[used] as number) + (ends[used - 1] as number);
    for (let span = first; span !== 0; span = spanNext[span] as number) {
      const used = spanUsed[span] as number;
      const place = (ends[used] as number) - 1;
      ends[used] = place;
      this.order[place] = span;
    }
    return count;
  }

  /**
   * A copy of the block on a fuller span, if its span is being left: `ref` is free then. Otherwise
   * `ref`. Never fails, as it takes no new pages.
   */
  move(ref: Ref): Ref {
    if (!this.isToMove(ref)) return ref;
    const { arena } = this;
    const bytes = arena.blockBytes(ref);
    const moved = arena.alloc(bytes);
    arena.copy(moved, 0, ref, 0, bytes);
    arena.free(ref);
    return moved;
  }

  private isToMove(ref: Ref): boolean {
    const { arena } = this;
    const span = arena.spanOf(ref);
    if (this.leaving[span] !== 1) return false;
    const sizeClass = arena.spanClass[span] as number;
    if (sizeClass < 0) return false;
    const target = arena.partial[sizeClass] as number;
    if (target === 0 || target === span) return false;
    return (arena.spanUsed[target] as number) >= (arena.spanUsed[span] as number);
  }
}
