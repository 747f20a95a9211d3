/** Quicklists that are freed, or whose blocks are moved, some nodes at a time. */
import type { Arena, Ref } from "../../memory/arena.ts";
import type { MoveBlock, SliceFreeing, SliceMoving } from "../kind.ts";
import { ListDirectory } from "./list-directory.ts";
import { shapeOf } from "./list-layout.ts";

/** Frees the nodes from the last one on. */
export class ListFreeing implements SliceFreeing {
  isDone = false;
  private readonly arena: Arena;
  private readonly directory: ListDirectory;

  constructor(arena: Arena, ref: Ref) {
    this.arena = arena;
    this.directory = new ListDirectory(arena).attach(ref);
  }

  get count(): number {
    return this.isDone ? 0 : this.directory.nodeCount;
  }

  step(wanted: number): number {
    const { arena, directory } = this;
    const count = Math.min(wanted, directory.nodeCount);
    for (let i = 0; i < count; i++) {
      directory.toLast();
      arena.free(directory.block);
      directory.remove();
    }
    if (directory.nodeCount === 0) this.end();
    return count;
  }

  end(): void {
    this.isDone = true;
    this.directory.free();
  }
}

/**
 * Moves the nodes of one page after the other, each page behind its nodes, then the rest. What
 * changes meanwhile may be met twice or not at all.
 */
export class ListMoving implements SliceMoving {
  isDone = false;
  private readonly arena: Arena;
  private readonly directory: ListDirectory;
  private entry = 0;
  private slot = 0;

  constructor(arena: Arena) {
    this.arena = arena;
    this.directory = new ListDirectory(arena);
  }

  step(ref: Ref, wanted: number, move: MoveBlock): Ref {
    const directory = this.directory.attach(ref);
    for (let left = wanted; left > 0; left--) {
      if (this.entry >= directory.pageCount) {
        this.isDone = true;
        return directory.moveHead(move);
      }
      directory.entry = this.entry;
      directory.slot = this.slot++;
      if (directory.slot < directory.cellCount) this.moveNode(move);
      else {
        directory.movePage(this.entry++, move);
        this.slot = 0;
      }
    }
    return ref;
  }

  private moveNode(move: MoveBlock): void {
    const { arena, directory } = this;
    const block = directory.block;
    const moved = move(block);
    if (moved !== block) directory.replace(moved, shapeOf(arena, directory.cell));
  }
}
