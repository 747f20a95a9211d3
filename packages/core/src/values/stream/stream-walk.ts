/**
 * StreamWalk: a stream as it was at the instant of a snapshot, on its way to it, a slice at a time and in
 * the order of the file: the blocks, what the header says, then each group with its pending entries and
 * its consumers with theirs.
 *
 * The instant is a copy of the header (stream-space.ts says why that is enough): what hangs on it stays as
 * it is while the walk is on, so that the live stream may change, go to another key or be deleted. Each
 * part is handed over as a small block, which the walk fills anew for each (StreamPart reads it):
 *
 *      word 0   which part: one of Part
 *           1   the block that it is about: a listpack, header, group, pending entry, or consumer
 *           2   the ID, four words: of a block, or of a pending entry
 */
import { type Arena, ArenaFullError, NONE, type Ref } from "../../memory/arena.ts";
import { RefList } from "../../memory/ref-list.ts";
import { wordIndex, wordsOf } from "../../table/entry.ts";
import type { CutPiece, CutWalk } from "../kind.ts";
import { copyBlock } from "../one-block.ts";
import { WalkHold } from "../walk-hold.ts";
import { IdTree } from "./id-tree.ts";
import { NameList } from "./name-list.ts";
import { StreamGroup } from "./stream-group.ts";
import { StreamId } from "./stream-id.ts";
import {
  BLOCKS_WORD,
  CONSUMERS_WORD,
  GROUPS_WORD,
  PENDING_WORD,
  VERSION_WORD,
} from "./stream-layout.ts";
import { type SharedBlocks, StreamSpace } from "./stream-space.ts";

/** The parts of a stream in the order of a file. */
export const Part = {
  /** A block of entries. */
  BLOCK: 0,
  /** What the header says, behind the blocks. */
  HEADER: 1,
  /** A group, before its pending entries. */
  GROUP: 2,
  /** A pending entry of the group. */
  PENDING: 3,
  /** All pending entries of the group have come: its consumers follow. */
  CONSUMERS: 4,
  /** A consumer, before its pending entries. */
  CONSUMER: 5,
  /** A pending entry of the consumer. */
  CONSUMER_PENDING: 6,
} as const;

/** A block, with its many entries, is as much work as so many other parts. */
const BLOCK_WORK = 16;
const PART_BYTES = 24;
const BLOCK_WORD = 1;
const ID_WORD = 2;

/** A part: which it is, the block that it is about, and the ID of what is a block or pending. */
export class StreamPart {
  /** One of Part. */
  part: number = Part.BLOCK;
  /** A listpack, a header, a group, a pending entry, or a consumer. */
  block: Ref = NONE;
  /** The ID of a block of entries or of a pending entry. */
  readonly id = new StreamId();

  /** Reads what write() has written. */
  read(arena: Arena, ref: Ref): this {
    const words = wordsOf(arena, ref);
    const at = wordIndex(ref);
    this.part = words[at] as number;
    this.block = words[at + BLOCK_WORD] as number;
    this.id.read(words, at + ID_WORD);
    return this;
  }

  /** @internal Writes the part into a block of PART_BYTES. */
  write(arena: Arena, ref: Ref): void {
    const words = wordsOf(arena, ref);
    const at = wordIndex(ref);
    words[at] = this.part;
    words[at + BLOCK_WORD] = this.block;
    this.id.write(words, at + ID_WORD);
  }
}

/** Shows the parts of a stream, in their order, one after the other. */
export class PartWalk extends StreamPart {
  /** True behind the last part. */
  isDone = false;
  private header: Ref = NONE;
  private readonly blocks: IdTree;
  private readonly groups: NameList;
  private readonly pending: IdTree;
  private readonly consumers: NameList;
  private readonly noId = new StreamId();
  private state: number = Part.BLOCK;
  private groupIndex = 0;
  private consumerIndex = 0;
  /** The tree at hand has another entry. */
  private hasNext = false;

  /** Walks over streams of one arena, one after the other. */
  constructor(arena: Arena) {
    super();
    const space = new StreamSpace(arena);
    this.blocks = new IdTree(space);
    this.groups = new NameList(space);
    this.pending = new IdTree(space);
    this.consumers = new NameList(space);
  }

  /** Comes before the first part of the stream with this header. */
  attach(header: Ref): this {
    this.header = header;
    this.blocks.attach(header, BLOCKS_WORD);
    this.groups.attach(header, GROUPS_WORD);
    this.state = Part.BLOCK;
    this.groupIndex = 0;
    this.hasNext = this.blocks.first();
    this.isDone = false;
    return this;
  }

  private show(part: number, block: Ref, id: StreamId): void {
    this.part = part;
    this.block = block;
    this.id.copy(id);
  }

  /** Comes to the next part. False, and isDone, when there is none. */
  next(): boolean {
    const { blocks, pending } = this;
    if (this.state === Part.BLOCK) {
      if (this.hasNext) {
        this.show(Part.BLOCK, blocks.value, blocks.id);
        this.hasNext = blocks.next();
        return true;
      }
      this.state = Part.GROUP;
      this.show(Part.HEADER, this.header, this.noId);
      return true;
    }
    if (this.state === Part.PENDING || this.state === Part.CONSUMER_PENDING) {
      if (this.hasNext) {
        this.show(this.state, pending.value, pending.id);
        this.hasNext = pending.next();
        return true;
      }
      if (this.state === Part.PENDING) {
        this.consumerIndex = 0;
        this.state = Part.CONSUMER;
        const group = this.groups.at(this.groupIndex);
        this.show(Part.CONSUMERS, group, this.noId);
        this.consumers.attach(group, CONSUMERS_WORD);
        return true;
      }
      this.consumerIndex++;
      this.state = Part.CONSUMER;
    }
    if (this.state === Part.CONSUMER) {
      if (this.consumerIndex < this.consumers.count) {
        this.enter(Part.CONSUMER, this.consumers.at(this.consumerIndex), Part.CONSUMER_PENDING);
        return true;
      }
      this.groupIndex++;
      this.state = Part.GROUP;
    }
    if (this.groupIndex < this.groups.count) {
      this.enter(Part.GROUP, this.groups.at(this.groupIndex), Part.PENDING);
      return true;
    }
    this.isDone = true;
    return false;
  }

  /** Shows a group or a consumer, whose pending entries are the next parts. */
  private enter(part: number, block: Ref, next: number): void {
    this.show(part, block, this.noId);
    this.state = next;
    this.hasNext = this.pending.attach(block, PENDING_WORD).first();
  }
}

/** Pieces.walk() of a stream. */
export function openStreamWalk(
  arena: Arena,
  header: Ref,
  piece: CutPiece,
  fail: (reason: ArenaFullError) => void,
  release: () => void,
): CutWalk {
  const known = arena.holds.get(header);
  const hold = known instanceof StreamHold ? known : new StreamHold(arena, header, release);
  return new StreamWalk(hold, piece, fail);
}

class StreamWalk implements CutWalk {
  isDone = false;
  /** The header as it was; NONE: there was no room for it, and the walk fails when it begins. */
  kept: Ref = NONE;
  readonly fail: (reason: ArenaFullError) => void;
  private readonly hold: StreamHold;
  private readonly piece: CutPiece;
  private part: Ref = NONE;
  private parts: PartWalk | null = null;
  private full: ArenaFullError | null = null;

  constructor(hold: StreamHold, piece: CutPiece, fail: (reason: ArenaFullError) => void) {
    this.hold = hold;
    this.piece = piece;
    this.fail = fail;
    const { arena } = hold;
    try {
      this.kept = copyBlock(arena, hold.header);
      this.part = arena.alloc(PART_BYTES);
    } catch (full) {
      if (!(full instanceof ArenaFullError)) throw full;
      this.full = full;
    }
    hold.enter(this);
  }

  step(wanted: number): number {
    const { piece, hold } = this;
    if (this.full !== null) {
      this.fail(this.full);
      return 1;
    }
    if (this.parts === null) {
      this.parts = new PartWalk(hold.arena).attach(this.kept);
      piece.begin();
    }
    let done = 0;
    while (done < wanted && this.parts.next()) {
      this.parts.write(hold.arena, this.part);
      piece.element(this.part);
      done += this.parts.part === Part.BLOCK ? BLOCK_WORK : 1;
    }
    if (this.parts.isDone) {
      this.isDone = true;
      piece.end();
    }
    return Math.max(1, done);
  }

  leave(): void {
    const { arena } = this.hold;
    this.hold.walkEnds(this);
    if (this.kept !== NONE) arena.free(this.kept);
    if (this.part !== NONE) arena.free(this.part);
    this.kept = NONE;
    this.part = NONE;
  }
}

/** A stream that walks still need. It goes when its owner has let go and the last walk is over. */
class StreamHold extends WalkHold<StreamWalk> implements SharedBlocks {
  private readonly left = new RefList();
  private readonly leftGroups = new RefList();
  private readonly tree = new IdTree(new StreamSpace(this.arena));

  beforeChange(): void {
    // What changes is copied by who changes it.
  }

  leave(ref: Ref): void {
    this.left.push(ref);
  }

  leaveGroup(group: Ref): void {
    this.leftGroups.push(group);
  }

  hasListpack(id: StreamId, listpack: Ref): boolean {
    for (const { kept } of this.walks)
      if (kept !== NONE && this.tree.attach(kept, BLOCKS_WORD).find(id) === listpack) return true;
    return false;
  }

  giveUp(reason: ArenaFullError): void {
    // A copy, because each of them leaves.
    for (const walk of this.walks.slice()) walk.fail(reason);
  }

  /** Another walk begins: what is there from now on is what it needs. */
  enter(walk: StreamWalk): void {
    this.walks.push(walk);
    const words = wordsOf(this.arena, this.header);
    const at = wordIndex(this.header) + VERSION_WORD;
    words[at] = (words[at] as number) + 1;
  }

  protected override lastWalkEnded(): void {
    const { arena, left, leftGroups } = this;
    for (let i = 0; i < left.count; i++) arena.free(left.at(i));
    const group = new StreamGroup(new StreamSpace(arena));
    for (let i = 0; i < leftGroups.count; i++) group.attach(leftGroups.at(i)).free();
  }
}
