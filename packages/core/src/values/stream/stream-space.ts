/**
 * StreamSpace: the blocks of one stream while a snapshot may be reading it.
 *
 * A stream is a tree of blocks: its header, index nodes, listpacks, groups, consumers, pending
 * entries. A snapshot fixes the instant by keeping a copy of the header, and raises the header's
 * `version`. From then on whatever hangs on the kept header must stay as it is: a block that was
 * there at that instant is *shared*. Who is about to change a shared block changes a copy of it,
 * which takes its place in the live tree, and the old one is left to the hold, which frees it when
 * the last snapshot has done with the stream. So a change costs a few copied blocks at the most,
 * the snapshot reads at its leisure, in order, and nothing has to be remembered beforehand.
 *
 * Blocks with a version of their own are shared when it is not the header's. Without a hold nothing
 * is shared, whatever the versions say.
 *
 * There may be no room for a copy. Then the hold is given up, its snapshots fail, and the block is
 * changed in place: a write does not fail for a snapshot's sake.
 */
import { type Arena, ArenaFullError, type Ref } from "../../memory/arena.ts";
import { wordIndex, wordsOf } from "../../table/entry.ts";
import { copyBlock } from "../one-block.ts";
import type { StreamId } from "./stream-id.ts";
import { OTHERS_WORD, VERSION_WORD } from "./stream-layout.ts";

/** What keeps the blocks of an earlier instant: stream-walk.ts has it. */
export interface SharedBlocks {
  /** Takes over a block that the live stream has no use for any more. */
  leave(ref: Ref): void;
  /** Takes over a group that is destroyed, with all that it has. */
  leaveGroup(group: Ref): void;
  /** True when the listpack of the block with this ID was there at the instant of a snapshot. */
  hasListpack(id: StreamId, listpack: Ref): boolean;
  /** Fails all snapshots of the stream: there is no room for what they need. */
  giveUp(reason: ArenaFullError): void;
}

/** The blocks of the stream at hand: see the head of this file. */
export class StreamSpace {
  /** Where the blocks live. */
  readonly arena: Arena;
  /** The header's block. */
  header: Ref = 0;
  /** The version of new blocks. */
  version = 0;
  /** The snapshots that read the stream; null when there are none. */
  hold: SharedBlocks | null = null;

  constructor(arena: Arena) {
    this.arena = arena;
  }

  /** Goes on with the stream of this header. */
  attach(header: Ref): this {
    const { arena } = this;
    this.header = header;
    this.version = wordsOf(arena, header)[wordIndex(header) + VERSION_WORD] as number;
    // Only streams are held under the ref of a stream's header.
    this.hold =
      arena.holds.size === 0
        ? null
        : ((arena.holds.get(header) as SharedBlocks | undefined) ?? null);
    return this;
  }

  /** True when the block of this version must stay as it is. */
  isShared(version: number): boolean {
    return this.hold !== null && version !== this.version;
  }

  /** A copy of a block for the live tree, the block itself being left; or the block, see the head. */
  replaced(ref: Ref): Ref {
    let copy: Ref;
    try {
      copy = copyBlock(this.arena, ref);
    } catch (full) {
      if (!(full instanceof ArenaFullError)) throw full;
      this.giveUp(full);
      return ref;
    }
    this.hold?.leave(ref);
    return copy;
  }

  /** The block itself or, if it is shared, what replaced() has; its version is word `versionWord`. */
  owned(ref: Ref, versionWord: number): Ref {
    if (this.hold === null) return ref;
    const version = wordsOf(this.arena, ref)[wordIndex(ref) + versionWord] as number;
    if (version === this.version) return ref;
    const copy = this.replaced(ref);
    wordsOf(this.arena, copy)[wordIndex(copy) + versionWord] = this.version;
    return copy;
  }

  /** Frees a block that has left the live tree, or leaves it to the hold. */
  release(ref: Ref, version: number): void {
    if (this.isShared(version)) this.hold?.leave(ref);
    else this.arena.free(ref);
  }

  /** So many groups, consumers and pending entries more. */
  addToOthers(change: number): void {
    const words = wordsOf(this.arena, this.header);
    const at = wordIndex(this.header) + OTHERS_WORD;
    words[at] = (words[at] as number) + change;
  }

  private giveUp(reason: ArenaFullError): void {
    const { hold } = this;
    this.hold = null;
    hold?.giveUp(reason);
  }
}
