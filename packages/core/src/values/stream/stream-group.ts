/**
 * StreamGroup: a window on a group of consumers: up to where it has read, who its consumers are, and
 * which entries are pending: delivered to a consumer, and not acknowledged.
 *
 * A pending entry is one block. It stands in two trees, by its ID: that of the group, which says whose
 * it is, and that of its consumer. `consumer` is the window's second half: find, make or choose one,
 * then `consumerPending` is its tree.
 *
 * Whatever makes something throws ArenaFullError and has changed nothing then; nothing else can fail.
 * Several pending entries as one change are PendingChange (pending-change.ts).
 */
import { assert } from "../../assert.ts";
import { type Arena, NONE, type Ref } from "../../memory/arena.ts";
import type { ListpackValue } from "../../memory/listpack.ts";
import { wordIndex, wordsOf } from "../../table/entry.ts";
import { IdTree } from "./id-tree.ts";
import { createName, findName, NameList, showName } from "./name-list.ts";
import { StreamId } from "./stream-id.ts";
import {
  ACTIVE_WORD,
  BLOCK_VERSION_WORD,
  CONSUMER_BYTES,
  CONSUMERS_WORD,
  DELIVERED_WORD,
  DELIVERIES_WORD,
  GROUP_ID_WORD,
  GROUPS_WORD,
  NAME_OWNER_WORD,
  NAME_WORD,
  PENDING_BYTES,
  PENDING_WORD,
  READ_WORD,
  SEEN_WORD,
} from "./stream-layout.ts";
import type { StreamSpace } from "./stream-space.ts";

const TWO_32 = 2 ** 32;

/** Reads a signed 64-bit number, rounded beyond 2^53. */
export function readWide(words: Int32Array, at: number): number {
  return (words[at + 1] as number) * TWO_32 + ((words[at] as number) >>> 0);
}

/** Writes a safe integer as a signed 64-bit number. */
export function writeWide(words: Int32Array, at: number, value: number): void {
  words[at] = value;
  words[at + 1] = Math.floor(value / TWO_32);
}

/** When the pending entry was delivered last, in milliseconds since 1970. */
export function deliveredMs(arena: Arena, pending: Ref): number {
  return readWide(wordsOf(arena, pending), wordIndex(pending) + DELIVERED_WORD);
}

/** Upper half of how often the pending entry was delivered. */
export function deliveriesHi(arena: Arena, pending: Ref): number {
  return wordsOf(arena, pending)[wordIndex(pending) + DELIVERIES_WORD + 1] as number;
}

/** Lower half of it. */
export function deliveriesLo(arena: Arena, pending: Ref): number {
  return wordsOf(arena, pending)[wordIndex(pending) + DELIVERIES_WORD] as number;
}

/** Shows the name of the consumer that a pending entry belongs to. */
export function showOwner(arena: Arena, pending: Ref, out: ListpackValue): void {
  showName(arena, wordsOf(arena, pending)[wordIndex(pending) + NAME_WORD] as number, out);
}

/** A window on a group: see the head of this file. */
export class StreamGroup {
  /** The pending entries of the group. */
  readonly pending: IdTree;
  /** @internal The consumers, by name. */
  readonly consumers: NameList;
  /** The pending entries of the consumer at hand. */
  readonly consumerPending: IdTree;
  /** @internal The consumer's block; NONE: there is none at hand. */
  consumer: Ref = NONE;
  /** @internal The group's block. */
  group: Ref = NONE;
  /** @internal The stream's blocks. */
  readonly space: StreamSpace;
  private readonly arena: Arena;
  private readonly groupsOfStream: NameList;
  /** For the trees of consumers that are not at hand. */
  private readonly otherPending: IdTree;
  /** Whose tree that is attached to, and changed through it alone; NONE: it has to be attached anew. */
  private otherConsumer: Ref = NONE;
  private readonly scratchId = new StreamId();

  constructor(space: StreamSpace) {
    this.space = space;
    this.arena = space.arena;
    this.pending = new IdTree(space);
    this.consumers = new NameList(space);
    this.consumerPending = new IdTree(space);
    this.otherPending = new IdTree(space);
    this.groupsOfStream = new NameList(space);
  }

  /** @internal Goes on with the group of this block. */
  attach(group: Ref): this {
    this.group = group;
    this.consumer = NONE;
    this.otherConsumer = NONE;
    this.pending.attach(group, PENDING_WORD);
    this.consumers.attach(group, CONSUMERS_WORD);
    return this;
  }

  /** Shows the group's name. */
  showName(out: ListpackValue): void {
    showName(this.arena, this.nameOf(this.group), out);
  }

  /** @internal The block of the group's name. */
  get groupName(): Ref {
    return this.nameOf(this.group);
  }

  /** @internal The block of the name of the consumer at hand. */
  get consumerName(): Ref {
    return this.nameOf(this.consumer);
  }

  /** @internal Takes the consumer with this name's block at hand. */
  chooseByName(name: Ref): void {
    this.choose(wordsOf(this.arena, name)[wordIndex(name) + NAME_OWNER_WORD] as number);
  }

  private nameOf(block: Ref): Ref {
    return wordsOf(this.arena, block)[wordIndex(block) + NAME_WORD] as number;
  }

  /** Makes the group's block the live stream's own. */
  private own(): void {
    const { space, arena } = this;
    if (space.hold === null) return;
    const own = space.owned(this.group, BLOCK_VERSION_WORD);
    if (own === this.group) return;
    const list = this.groupsOfStream.attach(space.header, GROUPS_WORD);
    findName(arena, list, this.nameOf(own));
    list.replaceFound(own);
    this.group = own;
    this.pending.attach(own, PENDING_WORD);
    this.consumers.attach(own, CONSUMERS_WORD);
  }

  // --- What the group says ---------------------------------------------------------------------------

  /** Reads the ID that was delivered last. */
  readLastId(out: StreamId): StreamId {
    return out.read(wordsOf(this.arena, this.group), wordIndex(this.group) + GROUP_ID_WORD);
  }

  /** Sets it. */
  setLastId(id: StreamId): void {
    this.own();
    id.write(wordsOf(this.arena, this.group), wordIndex(this.group) + GROUP_ID_WORD);
  }

  /** Upper half of the entries read; with the lower one -1: unknown. */
  get readHi(): number {
    return wordsOf(this.arena, this.group)[wordIndex(this.group) + READ_WORD + 1] as number;
  }

  /** Lower half of the entries read. */
  get readLo(): number {
    return wordsOf(this.arena, this.group)[wordIndex(this.group) + READ_WORD] as number;
  }

  /** True when it is known how many entries the group has read. */
  get knowsRead(): boolean {
    return (this.readHi & this.readLo) !== -1;
  }

  /** Sets how many entries the group has read; both -1: unknown. */
  setRead(hi: number, lo: number): void {
    this.own();
    const words = wordsOf(this.arena, this.group);
    const at = wordIndex(this.group) + READ_WORD;
    words[at] = lo;
    words[at + 1] = hi;
  }

  /** Pending entries of the group. */
  get pendingCount(): number {
    return this.pending.count;
  }

  /** Consumers of the group. */
  get consumerCount(): number {
    return this.consumers.count;
  }

  // --- Consumers -------------------------------------------------------------------------------------

  /** Takes the consumer bytes[start, end) at hand. False when there is none. */
  findConsumer(bytes: Uint8Array, start: number, end: number): boolean {
    return this.choose(this.consumers.find(bytes, start, end));
  }

  /** Takes the consumer at an index at hand: they are in the order of their names. */
  consumerAt(index: number): void {
    this.choose(this.consumers.at(index));
  }

  private choose(consumer: Ref): boolean {
    this.consumer = consumer;
    this.otherConsumer = NONE;
    if (consumer === NONE) return false;
    this.consumerPending.attach(consumer, PENDING_WORD);
    return true;
  }

  /** Makes a consumer, seen now, that findConsumer() has not found, and takes it at hand. */
  createConsumer(bytes: Uint8Array, start: number, end: number, nowMs: number): void {
    const { arena, space, consumers } = this;
    this.own();
    assert(consumers.find(bytes, start, end) === NONE, "a consumer is made once");
    const name = createName(arena, bytes, start, end);
    let block: Ref = NONE;
    try {
      block = arena.allocZeroed(CONSUMER_BYTES);
      consumers.insert(block);
    } catch (full) {
      if (block !== NONE) arena.free(block);
      arena.free(name);
      throw full;
    }
    const words = wordsOf(arena, block);
    const at = wordIndex(block);
    words[at + NAME_WORD] = name;
    words[at + BLOCK_VERSION_WORD] = space.version;
    writeWide(words, at + SEEN_WORD, nowMs);
    writeWide(words, at + ACTIVE_WORD, -1);
    wordsOf(arena, name)[wordIndex(name) + NAME_OWNER_WORD] = block;
    space.addToOthers(1);
    this.choose(block);
  }

  /** Shows the consumer's name. */
  showConsumer(out: ListpackValue): void {
    showName(this.arena, this.nameOf(this.consumer), out);
  }

  /** When the consumer tried to do something last, in milliseconds since 1970. */
  get seenMs(): number {
    return readWide(wordsOf(this.arena, this.consumer), wordIndex(this.consumer) + SEEN_WORD);
  }

  /** When the consumer did something last, in milliseconds since 1970; -1: never. */
  get activeMs(): number {
    return readWide(wordsOf(this.arena, this.consumer), wordIndex(this.consumer) + ACTIVE_WORD);
  }

  /** The consumer tries to do something now. */
  setSeen(nowMs: number): void {
    this.consumer = this.ownConsumer(this.consumer);
    this.consumerPending.attach(this.consumer, PENDING_WORD);
    writeWide(wordsOf(this.arena, this.consumer), wordIndex(this.consumer) + SEEN_WORD, nowMs);
  }

  /** The consumer did something now. */
  setActive(nowMs: number): void {
    this.consumer = this.ownConsumer(this.consumer);
    this.consumerPending.attach(this.consumer, PENDING_WORD);
    writeWide(wordsOf(this.arena, this.consumer), wordIndex(this.consumer) + ACTIVE_WORD, nowMs);
  }

  /** @internal Makes a consumer's block the live stream's own. */
  ownConsumer(block: Ref): Ref {
    const { space, arena } = this;
    if (space.hold === null) return block;
    this.own();
    const own = space.owned(block, BLOCK_VERSION_WORD);
    if (own === block) return own;
    const name = this.nameOf(own);
    findName(arena, this.consumers, name);
    this.consumers.replaceFound(own);
    wordsOf(arena, name)[wordIndex(name) + NAME_OWNER_WORD] = own;
    return own;
  }

  /** Deletes the consumer at hand, and its pending entries. Returns how many those were. */
  deleteConsumer(): number {
    const { arena, space, consumers } = this;
    this.own();
    this.consumer = this.ownConsumer(this.consumer);
    const { consumer } = this;
    const own = this.consumerPending.attach(consumer, PENDING_WORD);
    const count = own.count;
    for (let isLeft = own.last(); isLeft; isLeft = own.last()) {
      this.scratchId.copy(own.id);
      const entry = own.value;
      own.remove();
      if (this.pending.find(this.scratchId) !== NONE) this.pending.remove();
      this.releasePending(entry);
    }
    const name = this.nameOf(consumer);
    findName(arena, consumers, name);
    consumers.removeFound();
    const version = wordsOf(arena, consumer)[wordIndex(consumer) + BLOCK_VERSION_WORD] as number;
    space.release(consumer, version);
    // A name has no version: a snapshot needs it if it has the consumer.
    if (space.hold === null) arena.free(name);
    else space.hold.leave(name);
    space.addToOthers(-1 - count);
    this.choose(NONE);
    return count;
  }

  // --- Pending entries -------------------------------------------------------------------------------

  /** The block of the pending entry of this ID, or NONE. */
  findPending(id: StreamId): Ref {
    return this.pending.find(id);
  }

  /** True when the pending entry belongs to the consumer at hand. */
  isConsumers(entry: Ref): boolean {
    return (
      (wordsOf(this.arena, entry)[wordIndex(entry) + NAME_WORD] as number) ===
      this.nameOf(this.consumer)
    );
  }

  /** Makes the entry of this ID pending for the consumer at hand: delivered `deliveries` times. */
  addPending(id: StreamId, nowMs: number, deliveries: number): void {
    const { arena, space } = this;
    this.own();
    this.consumer = this.ownConsumer(this.consumer);
    this.consumerPending.attach(this.consumer, PENDING_WORD);
    const entry = arena.alloc(PENDING_BYTES);
    const words = wordsOf(arena, entry);
    const at = wordIndex(entry);
    words[at + NAME_WORD] = this.nameOf(this.consumer);
    words[at + BLOCK_VERSION_WORD] = space.version;
    writeWide(words, at + DELIVERED_WORD, nowMs);
    writeWide(words, at + DELIVERIES_WORD, deliveries);
    try {
      const isNew = this.pending.insert(id, entry);
      assert(isNew, "an entry is pending once");
    } catch (full) {
      arena.free(entry);
      throw full;
    }
    try {
      this.consumerPending.insert(id, entry);
    } catch (full) {
      this.pending.find(id);
      this.pending.remove();
      arena.free(entry);
      throw full;
    }
    space.addToOthers(1);
  }

  /** Removes the pending entry of this ID. False when there is none. */
  removePending(id: StreamId): boolean {
    let entry = this.pending.find(id);
    if (entry === NONE) return false;
    if (this.space.hold !== null) {
      this.own();
      entry = this.pending.find(id);
    }
    this.pending.remove();
    const name = wordsOf(this.arena, entry)[wordIndex(entry) + NAME_WORD] as number;
    this.takeFrom(name, id);
    this.releasePending(entry);
    this.space.addToOthers(-1);
    return true;
  }

  /** @internal Takes an ID out of the tree of the consumer with this name. */
  takeFrom(name: Ref, id: StreamId): void {
    const block = wordsOf(this.arena, name)[wordIndex(name) + NAME_OWNER_WORD] as number;
    const tree = this.treeOf(block);
    if (tree.find(id) !== NONE) tree.remove();
  }

  /** The tree of a consumer, for changing it. */
  private treeOf(block: Ref): IdTree {
    const own = this.ownConsumer(block);
    // The tree of the consumer at hand changes behind its window's back.
    if (block === this.consumer) this.choose(own);
    if (own !== this.otherConsumer) this.otherPending.attach(own, PENDING_WORD);
    this.otherConsumer = own === this.consumer ? NONE : own;
    return this.otherPending;
  }

  private releasePending(entry: Ref): void {
    const version = wordsOf(this.arena, entry)[wordIndex(entry) + BLOCK_VERSION_WORD] as number;
    this.space.release(entry, version);
  }

  /**
   * @internal Makes the pending entry of this ID the one of the consumer at hand, who is not its owner.
   * It stays in the tree of that one, too, until takeFrom(). Throws, and has changed nothing then.
   */
  takeOver(id: StreamId): void {
    this.own();
    this.consumer = this.ownConsumer(this.consumer);
    this.consumerPending.attach(this.consumer, PENDING_WORD);
    this.consumerPending.insert(id, this.pending.find(id));
    this.setOwner(id, this.nameOf(this.consumer));
  }

  /** @internal Writes whose the pending entry of this ID is. */
  setOwner(id: StreamId, name: Ref): void {
    const entry = this.ownPending(id);
    wordsOf(this.arena, entry)[wordIndex(entry) + NAME_WORD] = name;
  }

  /** Sets when the pending entry of this ID was delivered, and how often (`hi` and `lo`). */
  setDelivery(id: StreamId, timeMs: number, hi: number, lo: number): void {
    const entry = this.ownPending(id);
    const words = wordsOf(this.arena, entry);
    const at = wordIndex(entry);
    writeWide(words, at + DELIVERED_WORD, timeMs);
    words[at + DELIVERIES_WORD] = lo;
    words[at + DELIVERIES_WORD + 1] = hi;
  }

  /** The pending entry of this ID was delivered once more. */
  deliveredAgain(id: StreamId, nowMs: number): void {
    const { arena } = this;
    const entry = this.pending.find(id);
    const lo = (deliveriesLo(arena, entry) + 1) | 0;
    this.setDelivery(id, nowMs, deliveriesHi(arena, entry) + (lo === 0 ? 1 : 0), lo);
  }

  /** @internal The block of a pending entry, made the live stream's own: it stands in two trees. */
  ownPending(id: StreamId): Ref {
    const { space, arena } = this;
    const entry = this.pending.find(id);
    if (space.hold === null) return entry;
    const own = space.owned(entry, BLOCK_VERSION_WORD);
    if (own === entry) return entry;
    this.own();
    this.pending.find(id);
    this.pending.replace(own);
    const name = wordsOf(arena, own)[wordIndex(own) + NAME_WORD] as number;
    if (name !== NONE) this.replaceIn(name, id, own);
    // While takeOver() is at it, it stands in a third one.
    if (this.consumer !== NONE) this.replaceIn(this.nameOf(this.consumer), id, own);
    return own;
  }

  private replaceIn(name: Ref, id: StreamId, entry: Ref): void {
    const block = wordsOf(this.arena, name)[wordIndex(name) + NAME_OWNER_WORD] as number;
    const tree = this.treeOf(block);
    if (tree.find(id) !== NONE) tree.replace(entry);
  }

  // --- All of it -------------------------------------------------------------------------------------

  /** @internal Frees the group, which is in no list any more, or leaves it to the snapshots. */
  free(): void {
    const { arena, space, group } = this;
    if (space.hold !== null) {
      space.hold.leaveGroup(group);
      return;
    }
    for (let block = this.consumers.takeLast(); block !== NONE; block = this.consumers.takeLast()) {
      const own = this.otherPending.attach(block, PENDING_WORD);
      while (own.takeLast() !== NONE);
      arena.free(this.nameOf(block));
      arena.free(block);
    }
    for (let entry = this.pending.takeLast(); entry !== NONE; entry = this.pending.takeLast())
      arena.free(entry);
    arena.free(this.nameOf(group));
    arena.free(group);
  }

  /** Throws unless the group is whole. For tests: slow. */
  check(): void {
    const { arena, pending, consumers } = this;
    pending.check();
    consumers.check();
    let sum = 0;
    for (let i = 0; i < consumers.count; i++) {
      this.consumerAt(i);
      const own = this.consumerPending;
      const name = this.nameOf(this.consumer);
      const owner = wordsOf(arena, name)[wordIndex(name) + NAME_OWNER_WORD];
      assert(owner === this.consumer, "a name knows its consumer");
      own.check();
      sum += own.count;
      for (let is = own.first(); is; is = own.next()) {
        assert(pending.find(own.id) === own.value, "a consumer's pending entry is its group's");
        assert(this.isConsumers(own.value), "a pending entry knows its consumer");
      }
    }
    assert(sum === pending.count, "a pending entry has one consumer");
  }
}
