/**
 * StreamLoading: a stream from a file or a payload, part by part in the order in which they stand there.
 *
 * Bytes from outside may be anything. Each method that takes some says what is wrong with them, in the
 * words of the log, or "" when nothing is. Whatever it says, the stream so far is the caller's to finish()
 * or discard(); when a method throws ArenaFullError, too.
 */
import { Int64 } from "../../int64.ts";
import { type Arena, NONE, type Ref } from "../../memory/arena.ts";
import { wordIndex, wordsOf } from "../../table/entry.ts";
import { freeEntry } from "../value.ts";
import { estimateRead } from "./entries-read.ts";
import { FILE_ID_BYTES, OUT_OF_ORDER, readFileId, StreamBlockOrder } from "./stream-block-order.ts";
import { blockFromBytes } from "./stream-foreign.ts";
import type { StreamGroup } from "./stream-group.ts";
import { StreamId } from "./stream-id.ts";
import {
  ACTIVE_WORD,
  BLOCK_VERSION_WORD,
  DELIVERED_WORD,
  DELIVERIES_WORD,
  NAME_WORD,
  PENDING_BYTES,
  SEEN_WORD,
} from "./stream-layout.ts";
import { createStream, StreamValue } from "./stream-value.ts";

/** Builds one stream after the other: see the head of this file. */
export class StreamLoading {
  private readonly arena: Arena;
  private readonly stream: StreamValue;
  private entry: Ref = NONE;
  private group: StreamGroup | null = null;
  private readonly blocks = new StreamBlockOrder();
  private readonly id = new StreamId();
  private readonly read = new Int64();

  constructor(arena: Arena) {
    this.arena = arena;
    this.stream = new StreamValue(arena);
  }

  /** Begins a stream for the key bytes[start, end). */
  begin(epoch: number, bytes: Uint8Array, start: number, end: number, expiryMs: number): void {
    this.entry = createStream(this.arena, epoch, bytes, start, end, expiryMs);
    this.stream.attach(this.entry);
    this.blocks.begin();
    this.group = null;
  }

  /** Takes a block of entries: its ID is at `idAt`, its listpack bytes[start, end). */
  addBlock(id: DataView, idAt: number, bytes: Uint8Array, start: number, end: number): string {
    const { arena, stream, blocks } = this;
    const { master } = blocks;
    const fault = blocks.fault(id, idAt, bytes, start, end);
    if (fault === OUT_OF_ORDER && stream.blocks.find(master) !== NONE)
      return "Listpack re-added with existing key";
    if (fault !== "") return fault;
    const lp = blockFromBytes(arena, bytes, start, end);
    try {
      stream.addBlock(master, lp);
    } catch (full) {
      arena.free(lp);
      throw full;
    }
    return "";
  }

  /** All blocks are there, and what is said of them: `length` entries, and the last ID. */
  endBlocks(length: number, lastId: StreamId): string {
    const { stream, blocks } = this;
    const fault = blocks.endFault(length, lastId);
    if (fault !== "") return fault;
    stream.setLastId(lastId);
    stream.setFacts(length, blocks.lowest);
    stream.setAdded(Math.floor(length / 2 ** 32), length | 0);
    return "";
  }

  /** What else newer files say. */
  setFacts(deletedId: StreamId, addedHi: number, addedLo: number): void {
    this.stream.setDeletedId(deletedId);
    this.stream.setAdded(addedHi, addedLo);
  }

  /** Takes a group. `isReadKnown`: the file says how many entries it has read. */
  addGroup(
    bytes: Uint8Array,
    start: number,
    end: number,
    lastId: StreamId,
    isReadKnown: boolean,
    readHi: number,
    readLo: number,
  ): string {
    const { stream, read } = this;
    read.hi = readHi;
    read.lo = readLo;
    if (!isReadKnown) estimateRead(stream, lastId, read);
    if (!stream.groups.create(bytes, start, end, lastId, read.hi, read.lo))
      return "Duplicated consumer group name";
    this.group = stream.groups.find(bytes, start, end);
    return "";
  }

  /** Takes a pending entry of the group: its ID and when it was delivered are at `at`. */
  addPending(view: DataView, at: number, countHi: number, countLo: number): string {
    const { arena } = this;
    const group = this.group as StreamGroup;
    const id = readFileId(view, at, this.id);
    const entry = arena.alloc(PENDING_BYTES);
    const words = wordsOf(arena, entry);
    const word = wordIndex(entry);
    words[word + NAME_WORD] = NONE;
    words[word + BLOCK_VERSION_WORD] = group.space.version;
    words[word + DELIVERED_WORD] = view.getInt32(at + FILE_ID_BYTES, true);
    words[word + DELIVERED_WORD + 1] = view.getInt32(at + FILE_ID_BYTES + 4, true);
    words[word + DELIVERIES_WORD] = countLo;
    words[word + DELIVERIES_WORD + 1] = countHi;
    let isNew = false;
    try {
      isNew = group.pending.insert(id, entry);
    } finally {
      if (!isNew) arena.free(entry);
    }
    if (!isNew) return "Duplicated global PEL entry loading stream consumer group";
    group.space.addToOthers(1);
    return "";
  }

  /** Takes a consumer: when it was seen, and was active, are 64 bits each. */
  addConsumer(
    bytes: Uint8Array,
    start: number,
    end: number,
    times: DataView,
    seenAt: number,
    activeAt: number,
  ): string {
    const { arena } = this;
    const group = this.group as StreamGroup;
    if (group.findConsumer(bytes, start, end)) return "Duplicate stream consumer detected";
    group.createConsumer(bytes, start, end, 0);
    const words = wordsOf(arena, group.consumer);
    const at = wordIndex(group.consumer);
    words[at + SEEN_WORD] = times.getInt32(seenAt, true);
    words[at + SEEN_WORD + 1] = times.getInt32(seenAt + 4, true);
    words[at + ACTIVE_WORD] = times.getInt32(activeAt, true);
    words[at + ACTIVE_WORD + 1] = times.getInt32(activeAt + 4, true);
    return "";
  }

  /** Takes a pending entry of the consumer, which is one of the group: its ID is at `at`. */
  addConsumerPending(view: DataView, at: number): string {
    const { arena } = this;
    const group = this.group as StreamGroup;
    const id = readFileId(view, at, this.id);
    const entry = group.pending.find(id);
    if (entry === NONE) return "Consumer entry not found in group global PEL";
    const words = wordsOf(arena, entry);
    const word = wordIndex(entry) + NAME_WORD;
    if (words[word] !== NONE)
      return "Duplicated consumer PEL entry loading a stream consumer group";
    group.consumerPending.insert(id, entry);
    words[word] = group.consumerName;
    return "";
  }

  /** The group is whole. */
  endGroup(): string {
    const { arena } = this;
    const { pending } = this.group as StreamGroup;
    for (let is = pending.first(); is; is = pending.next()) {
      const entry = pending.value;
      if (wordsOf(arena, entry)[wordIndex(entry) + NAME_WORD] === NONE)
        return "NACK entry without consumer";
    }
    return "";
  }

  /** The entry with the whole stream: the caller's from now on. */
  finish(): Ref {
    const { entry } = this;
    this.entry = NONE;
    return entry;
  }

  /** Gives back what there is. */
  discard(): void {
    if (this.entry === NONE) return;
    this.freeOrphans();
    freeEntry(this.arena, this.entry);
    this.entry = NONE;
  }

  /** Pending entries without a consumer are in one tree alone, where freeing does not look. */
  private freeOrphans(): void {
    const { arena } = this;
    if (this.group === null) return;
    const { pending, space } = this.group;
    let orphans = 0;
    for (let is = pending.first(); is; is = pending.next()) {
      const entry = pending.value;
      if (wordsOf(arena, entry)[wordIndex(entry) + NAME_WORD] !== NONE) continue;
      arena.free(entry);
      orphans++;
    }
    space.addToOthers(-orphans);
  }
}
