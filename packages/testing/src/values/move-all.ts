/** MoveAll: a plan by which every block moves, each time. */
import type { Arena, MovePlan, Ref } from "@kv/core";

/** Every block is somewhere else afterwards. */
export class MoveAll implements MovePlan {
  readonly classCount = 0;
  count = 0;
  private readonly arena: Arena;

  constructor(arena: Arena) {
    this.arena = arena;
  }

  begin(): boolean {
    return true;
  }

  plan(): number {
    return 0;
  }

  move(ref: Ref): Ref {
    const { arena } = this;
    const bytes = arena.blockBytes(ref);
    const moved = arena.alloc(bytes);
    arena.copy(moved, 0, ref, 0, bytes);
    // Whoever still looks at the old place sees rubbish.
    (arena.bytes[ref >>> 27] as Uint8Array).fill(
      0xee,
      (ref & 0x7ffffff) << 3,
      ((ref & 0x7ffffff) << 3) + bytes,
    );
    arena.free(ref);
    this.count++;
    return moved;
  }

  end(): void {}
}
