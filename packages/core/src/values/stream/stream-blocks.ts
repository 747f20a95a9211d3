/**
 * What can be done with the blocks of a stream, whatever they say: freeing, measuring, copying and
 * moving them, all at once or a slice at a time. The unit is a block of entries, a group, a consumer or a
 * pending entry.
 */
import { type Arena, NONE, type Ref, SEGMENT_SHIFT, UNIT_MASK } from "../../memory/arena.ts";
import { listpackBytes } from "../../memory/listpack.ts";
import { byteIndex, bytesOf, wordIndex, wordsOf } from "../../table/entry.ts";
import type { MoveBlock, Pieces, SliceFreeing, SliceMoving, ValueKind } from "../kind.ts";
import { IdTree } from "./id-tree.ts";
import { NameList } from "./name-list.ts";
import { slackBytes, totalCount } from "./stream-block.ts";
import { StreamId } from "./stream-id.ts";
import {
  BLOCKS_WORD,
  CONSUMERS_WORD,
  DELIVERED_WORD,
  GROUPS_WORD,
  LENGTH_DOUBLE,
  NAME_HEAD_BYTES,
  NAME_LENGTH_WORD,
  NAME_OWNER_WORD,
  NAME_WORD,
  OTHERS_WORD,
  PENDING_WORD,
  SEEN_WORD,
} from "./stream-layout.ts";
import { StreamSpace } from "./stream-space.ts";
import { createStreamHeader, StreamValue } from "./stream-value.ts";
import { openStreamWalk } from "./stream-walk.ts";

/** The name of a consumer with more pending entries, which all refer to it, stays where it is. */
const RENAMED_MAX = 1000;

function nameOf(arena: Arena, block: Ref): Ref {
  return wordsOf(arena, block)[wordIndex(block) + NAME_WORD] as number;
}

function count(arena: Arena, header: Ref): number {
  const words = wordsOf(arena, header);
  const at = wordIndex(header);
  return (words[at + BLOCKS_WORD + 1] as number) + (words[at + OTHERS_WORD] as number);
}

/** What a block counts for more, for this many of its entries: what has to be looked at one by one. */
const ENTRIES_PER_WORK_SHIFT = 5;

/** As count(), with the entries of who has more than one block. */
function workOf(arena: Arena, header: Ref): number {
  const units = count(arena, header);
  if (units < 2) return units;
  const doubles = arena.doubles[header >>> SEGMENT_SHIFT] as Float64Array;
  const entries = doubles[(header & UNIT_MASK) + LENGTH_DOUBLE] as number;
  return units + Math.floor(entries / 2 ** ENTRIES_PER_WORK_SHIFT);
}

// --- Freeing -----------------------------------------------------------------------------------------

/** Frees a stream that is nobody's any more, from its end: blocks first, then group by group. */
class StreamFreeing implements SliceFreeing {
  isDone = false;
  private left: number;
  private readonly arena: Arena;
  private readonly header: Ref;
  private readonly tree: IdTree;
  private readonly groups: NameList;
  private readonly consumers: NameList;
  /** The group at hand; NONE: the next one is to be taken. */
  private group: Ref = NONE;
  private consumer: Ref = NONE;

  constructor(arena: Arena, header: Ref) {
    const space = new StreamSpace(arena);
    this.arena = arena;
    this.header = header;
    this.left = count(arena, header);
    this.tree = new IdTree(space);
    this.groups = new NameList(space).attach(header, GROUPS_WORD);
    this.consumers = new NameList(space);
  }

  get count(): number {
    return this.left;
  }

  step(wanted: number): number {
    let freed = 0;
    while (freed < wanted && this.left > 0) {
      if (this.freeOne()) {
        freed++;
        this.left--;
      }
    }
    if (this.left === 0) this.end();
    return freed;
  }

  /** Frees one unit; false when it only went on to the next thing. */
  private freeOne(): boolean {
    const { arena, tree } = this;
    const block = tree.attach(this.header, BLOCKS_WORD).takeLast();
    if (block !== NONE) {
      arena.free(block);
      return true;
    }
    if (this.group === NONE) {
      this.group = this.groups.takeLast();
      this.consumers.attach(this.group, CONSUMERS_WORD);
    }
    if (this.consumer !== NONE) {
      // Its pending entries are the group's: they go, and are counted, with that.
      const entry = tree.attach(this.consumer, PENDING_WORD).takeLast();
      if (entry !== NONE) {
        arena.free(entry);
        return true;
      }
      arena.free(nameOf(arena, this.consumer));
      arena.free(this.consumer);
      this.consumer = NONE;
      return true;
    }
    this.consumer = this.consumers.takeLast();
    if (this.consumer !== NONE) return false;
    // What is pending is freed by now: only the nodes are left, one for fifty or so.
    tree.attach(this.group, PENDING_WORD);
    while (tree.takeLast() !== NONE);
    arena.free(nameOf(arena, this.group));
    arena.free(this.group);
    this.group = NONE;
    return true;
  }

  end(): void {
    this.isDone = true;
    this.arena.free(this.header);
  }
}

function free(arena: Arena, header: Ref): void {
  const freeing = new StreamFreeing(arena, header);
  if (freeing.count === 0) freeing.end();
  while (!freeing.isDone) freeing.step(2 ** 30);
}

// --- Measuring ---------------------------------------------------------------------------------------

function memory(arena: Arena, header: Ref, samples: number): number {
  const stream = new StreamValue(arena).attachHeader(header);
  const { blocks } = stream;
  let sum = arena.blockBytes(header) + blocks.nodeBytes();
  let measured = 0;
  let bytes = 0;
  const wanted = samples === 0 ? blocks.count : Math.min(samples, blocks.count);
  for (let is = blocks.first(); is && measured < wanted; is = blocks.next(), measured++)
    bytes += arena.blockBytes(blocks.value);
  if (measured > 0) sum += Math.round((bytes * blocks.count) / measured);
  const space = new StreamSpace(arena);
  const tree = new IdTree(space);
  const groups = new NameList(space).attach(header, GROUPS_WORD);
  const consumers = new NameList(space);
  const named = (block: Ref) => arena.blockBytes(block) + arena.blockBytes(nameOf(arena, block));
  sum += groups.blockBytes();
  for (let i = 0; i < groups.count; i++) {
    const group = groups.at(i);
    tree.attach(group, PENDING_WORD);
    sum += named(group) + tree.nodeBytes();
    if (tree.first()) sum += tree.count * arena.blockBytes(tree.value);
    consumers.attach(group, CONSUMERS_WORD);
    sum += consumers.blockBytes();
    for (let j = 0; j < consumers.count; j++) {
      const consumer = consumers.at(j);
      sum += named(consumer) + tree.attach(consumer, PENDING_WORD).nodeBytes();
    }
  }
  return sum;
}

// --- Copying -----------------------------------------------------------------------------------------

/** A copy of a block that is as large as it has to be. */
function copyListpack(arena: Arena, lp: Ref): Ref {
  const bytes = listpackBytes(arena, lp);
  const copy = arena.alloc(bytes + slackBytes(totalCount(arena, lp)));
  arena.copy(copy, 0, lp, 0, bytes);
  return copy;
}

function copy(arena: Arena, header: Ref): Ref {
  const source = new StreamValue(arena).attachHeader(header);
  const copied = createStreamHeader(arena);
  try {
    const target = new StreamValue(arena).attachHeader(copied);
    const { blocks } = source;
    for (let is = blocks.first(); is; is = blocks.next()) {
      const lp = copyListpack(arena, blocks.value);
      try {
        target.addBlock(blocks.id, lp);
      } catch (full) {
        arena.free(lp);
        throw full;
      }
    }
    copyFacts(arena, header, copied);
    copyGroups(arena, source, target);
  } catch (full) {
    free(arena, copied);
    throw full;
  }
  return copied;
}

/** Everything that the header says of entries: what lies between the others and the end. */
function copyFacts(arena: Arena, from: Ref, to: Ref): void {
  arena.copy(to, (OTHERS_WORD + 1) * 4, from, (OTHERS_WORD + 1) * 4, 64);
}

function copyGroups(arena: Arena, source: StreamValue, target: StreamValue): void {
  const id = new StreamId();
  for (let i = 0; i < source.groups.count; i++) {
    const from = source.groups.at(i);
    const name = nameBytes(arena, from.groupName);
    from.readLastId(id);
    target.groups.create(name, 0, name.length, id, from.readHi, from.readLo);
    const to = target.groups.find(name, 0, name.length);
    if (to === null) continue;
    for (let j = 0; j < from.consumerCount; j++) {
      from.consumerAt(j);
      const consumer = nameBytes(arena, from.consumerName);
      to.createConsumer(consumer, 0, consumer.length, 0);
      arena.copy(to.consumer, SEEN_WORD * 4, from.consumer, SEEN_WORD * 4, 16);
    }
    // In the order of the group, so that its nodes are full.
    for (let is = from.pending.first(); is; is = from.pending.next()) {
      const entry = from.pending.value;
      const owner = nameBytes(arena, nameOf(arena, entry));
      to.findConsumer(owner, 0, owner.length);
      to.addPending(from.pending.id, 0, 0);
      const twin = to.findPending(from.pending.id);
      arena.copy(twin, DELIVERED_WORD * 4, entry, DELIVERED_WORD * 4, 16);
    }
  }
}

/** The bytes of a name: of its own, since the arena may move under them. */
function nameBytes(arena: Arena, name: Ref): Uint8Array {
  const length = wordsOf(arena, name)[wordIndex(name) + NAME_LENGTH_WORD] as number;
  const start = byteIndex(name) + NAME_HEAD_BYTES;
  return bytesOf(arena, name).subarray(start, start + length);
}

// --- Moving ------------------------------------------------------------------------------------------

/** First the blocks of entries, then the groups, one consumer after the other. */
class StreamMoving implements SliceMoving {
  isDone = false;
  private readonly arena: Arena;
  private readonly tree: IdTree;
  private readonly pending: IdTree;
  private readonly groups: NameList;
  private readonly consumers: NameList;
  /** Where the tree at hand goes on. */
  private readonly cursor = new StreamId();
  private phase: "blocks" | "groups" | "pending" | "consumers" | "entries" = "blocks";
  private groupIndex = 0;
  private consumerIndex = 0;

  constructor(arena: Arena) {
    const space = new StreamSpace(arena);
    this.arena = arena;
    this.tree = new IdTree(space);
    this.pending = new IdTree(space);
    this.groups = new NameList(space);
    this.consumers = new NameList(space);
  }

  step(ref: Ref, wanted: number, move: MoveBlock): Ref {
    for (let left = wanted; left > 0; left--) {
      if (this.phase === "blocks") {
        this.tree.attach(ref, BLOCKS_WORD);
        if (!this.moveNext(move, true)) this.phase = "groups";
        continue;
      }
      this.groups.attach(ref, GROUPS_WORD);
      if (this.groupIndex >= this.groups.count) {
        this.groups.moveBlock(move);
        this.isDone = true;
        return move(ref);
      }
      this.stepGroup(move);
    }
    return ref;
  }

  private stepGroup(move: MoveBlock): void {
    if (this.phase === "groups") {
      const group = move(this.groups.at(this.groupIndex));
      this.groups.moved(this.groupIndex, group);
      this.moveName(group, false, move);
      this.consumers.attach(group, CONSUMERS_WORD).moveBlock(move);
      this.cursor.setMin();
      this.phase = "pending";
      return;
    }
    const group = this.groups.at(this.groupIndex);
    this.consumers.attach(group, CONSUMERS_WORD);
    if (this.phase === "pending") {
      this.tree.attach(group, PENDING_WORD);
      if (this.moveNext(move, false)) return;
      this.consumerIndex = 0;
      this.phase = "consumers";
      return;
    }
    if (this.consumerIndex >= this.consumers.count) {
      this.groupIndex++;
      this.phase = "groups";
      return;
    }
    if (this.phase === "consumers") {
      this.moveConsumer(move);
      this.cursor.setMin();
      this.phase = "entries";
      return;
    }
    this.tree.attach(this.consumers.at(this.consumerIndex), PENDING_WORD);
    this.pending.attach(group, PENDING_WORD);
    if (this.moveNext(move, true)) return;
    this.consumerIndex++;
    this.phase = "consumers";
  }

  private moveConsumer(move: MoveBlock): void {
    const { arena, consumers, consumerIndex, tree } = this;
    const consumer = move(consumers.at(consumerIndex));
    consumers.moved(consumerIndex, consumer);
    const name = nameOf(arena, consumer);
    wordsOf(arena, name)[wordIndex(name) + NAME_OWNER_WORD] = consumer;
    const few = tree.attach(consumer, PENDING_WORD).count <= RENAMED_MAX;
    if (few) this.moveName(consumer, true, move);
  }

  private moveName(block: Ref, isConsumer: boolean, move: MoveBlock): void {
    const { arena, tree } = this;
    const name = move(nameOf(arena, block));
    wordsOf(arena, block)[wordIndex(block) + NAME_WORD] = name;
    if (!isConsumer) return;
    for (let is = tree.first(); is; is = tree.next())
      wordsOf(arena, tree.value)[wordIndex(tree.value) + NAME_WORD] = name;
  }

  /** Moves what is under the next ID of the tree, and the nodes that begin with it. */
  private moveNext(move: MoveBlock, movesValue: boolean): boolean {
    const { tree, cursor } = this;
    if (!tree.seekAtLeast(cursor)) return false;
    cursor.copy(tree.id);
    const isMore = cursor.increment();
    tree.moveNodes(move);
    if (movesValue) {
      const old = tree.value;
      const moved = move(old);
      if (moved !== old) {
        tree.moved(moved);
        if (this.phase === "entries" && this.pending.find(tree.id) !== NONE)
          this.pending.moved(moved);
      }
    }
    return isMore;
  }
}

function move(arena: Arena, header: Ref, moveBlock: MoveBlock): Ref {
  const moving = new StreamMoving(arena);
  let place = header;
  while (!moving.isDone) place = moving.step(place, 2 ** 30, moveBlock);
  return place;
}

const pieces: Pieces = {
  count: workOf,
  free: (arena, header) => new StreamFreeing(arena, header),
  move: (arena) => new StreamMoving(arena),
  walk: openStreamWalk,
};

/** The part of a ValueKind that deals with blocks. */
export const streamBlocks: Pick<ValueKind, "free" | "memory" | "copy" | "move" | "pieces"> = {
  free,
  memory,
  copy,
  move,
  pieces,
};
