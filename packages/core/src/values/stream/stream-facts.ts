/** StreamFacts: what the blocks of a stream say, for who writes it elsewhere part by part (StreamPart). */
import { type Arena, type Ref, SEGMENT_SHIFT, UNIT_MASK } from "../../memory/arena.ts";
import { ListpackValue } from "../../memory/listpack.ts";
import { wordIndex, wordsOf } from "../../table/entry.ts";
import { showName } from "./name-list.ts";
import { StreamId } from "./stream-id.ts";
import {
  ACTIVE_WORD,
  ADDED_WORD,
  BLOCKS_WORD,
  CONSUMERS_WORD,
  DELETED_ID_WORD,
  DELIVERED_WORD,
  DELIVERIES_WORD,
  FIRST_ID_WORD,
  GROUP_ID_WORD,
  GROUPS_WORD,
  LAST_ID_WORD,
  LENGTH_DOUBLE,
  NAME_WORD,
  PENDING_WORD,
  READ_WORD,
  SEEN_WORD,
} from "./stream-layout.ts";

/** Facts of one part of a stream: those of the method that was called last hold. */
export class StreamFacts {
  /** Entries of the stream. */
  length = 0;
  /** Blocks of entries. */
  blockCount = 0;
  /** Groups of the stream. */
  groupCount = 0;
  /** Pending entries of a group or a consumer. */
  pendingCount = 0;
  /** Consumers of a group. */
  consumerCount = 0;
  /** The last ID of the stream, or the one that a group has come to. */
  readonly lastId = new StreamId();
  /** The ID of the first entry. */
  readonly firstId = new StreamId();
  /** The highest ID that was deleted. */
  readonly deletedId = new StreamId();
  /** The name of a group or a consumer. */
  readonly name = new ListpackValue();
  /** 64 bits: entries added or read, when a consumer was seen, or when an entry was delivered. */
  hi = 0;
  /** Their lower half. */
  lo = 0;
  /** 64 bits more: when a consumer was active, or how often an entry was delivered. */
  secondHi = 0;
  /** Their lower half. */
  secondLo = 0;

  /** Reads a header. */
  readHeader(arena: Arena, header: Ref): void {
    const words = wordsOf(arena, header);
    const at = wordIndex(header);
    const doubles = arena.doubles[header >>> SEGMENT_SHIFT] as Float64Array;
    this.length = doubles[(header & UNIT_MASK) + LENGTH_DOUBLE] as number;
    this.blockCount = words[at + BLOCKS_WORD + 1] as number;
    this.groupCount = words[at + GROUPS_WORD + 1] as number;
    this.lastId.read(words, at + LAST_ID_WORD);
    this.firstId.read(words, at + FIRST_ID_WORD);
    this.deletedId.read(words, at + DELETED_ID_WORD);
    this.readPair(words, at + ADDED_WORD);
  }

  /** Reads a group. */
  readGroup(arena: Arena, group: Ref): void {
    const words = wordsOf(arena, group);
    const at = wordIndex(group);
    showName(arena, words[at + NAME_WORD] as number, this.name);
    this.lastId.read(words, at + GROUP_ID_WORD);
    this.pendingCount = words[at + PENDING_WORD + 1] as number;
    this.consumerCount = words[at + CONSUMERS_WORD + 1] as number;
    this.readPair(words, at + READ_WORD);
  }

  /** Reads a consumer. */
  readConsumer(arena: Arena, consumer: Ref): void {
    const words = wordsOf(arena, consumer);
    const at = wordIndex(consumer);
    showName(arena, words[at + NAME_WORD] as number, this.name);
    this.pendingCount = words[at + PENDING_WORD + 1] as number;
    this.readPair(words, at + SEEN_WORD);
    this.secondLo = words[at + ACTIVE_WORD] as number;
    this.secondHi = words[at + ACTIVE_WORD + 1] as number;
  }

  /** Reads a pending entry. */
  readPending(arena: Arena, entry: Ref): void {
    const words = wordsOf(arena, entry);
    const at = wordIndex(entry);
    this.readPair(words, at + DELIVERED_WORD);
    this.secondLo = words[at + DELIVERIES_WORD] as number;
    this.secondHi = words[at + DELIVERIES_WORD + 1] as number;
  }

  private readPair(words: Int32Array, at: number): void {
    this.lo = words[at] as number;
    this.hi = words[at + 1] as number;
  }
}
