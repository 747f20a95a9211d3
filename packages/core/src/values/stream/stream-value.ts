/**
 * StreamValue: the value of a stream key: entries in the order of their IDs, and groups of consumers
 * that read them.
 *
 * The key's entry has type STREAM, the flags WORD and EXTERNAL, and refers to the header
 * (stream-layout.ts). The entries are in blocks of Redis's form (stream-block.ts) under a tree of
 * IDs (id-tree.ts); groups are stream-group.ts. A StreamValue is a window: attach() it to an entry,
 * use it, attach it to the next one. No stream, entry, group, consumer or pending entry costs a
 * JavaScript object, and appending allocates none.
 *
 * A block is closed, and another one begun, when it would take `nodeBytesMax` bytes or more or has
 * `nodeEntriesMax` entries. An entry of one field costs about 9 bytes over its value; an index
 * slot of 20 bytes is shared by a block.
 *
 * An entry that is deleted keeps its room until its block has none left; so does one that is trimmed
 * away exactly. Only append() can fail for want of room, and nothing has changed then.
 *
 * Whoever writes sees to the rest: a snapshot wants to know before the first change of the key; what
 * follows is told here (stream-space.ts).
 */
import { assert } from "../../assert.ts";
import { type Arena, NONE, type Ref, SEGMENT_SHIFT, UNIT_MASK } from "../../memory/arena.ts";
import { listpackBytes } from "../../memory/listpack.ts";
import { LISTPACK_HEADER_BYTES, positionAfter } from "../../memory/listpack-walk.ts";
import { Encoding, Type, typeOf, valueRef, wordIndex, wordsOf } from "../../table/entry.ts";
import { createBlockEntry } from "../block-entry.ts";
import { IdTree } from "./id-tree.ts";
import {
  addToCounts,
  appendEntry,
  createBlock,
  DELETED,
  type EntrySource,
  endAt,
  entryBefore,
  entryBytesMax,
  entryCount,
  entryTextBytes,
  firstEntryAt,
  flagDeleted,
  integerAt,
  readEntryId,
  SAME_FIELDS,
  slackBytes,
  totalCount,
} from "./stream-block.ts";
import { StreamGroups } from "./stream-groups.ts";
import { StreamId } from "./stream-id.ts";
import {
  ADDED_WORD,
  BLOCKS_WORD,
  DELETED_ID_WORD,
  FIRST_ID_WORD,
  HEADER_BYTES,
  LAST_ID_WORD,
  LENGTH_DOUBLE,
} from "./stream-layout.ts";
import { StreamRange } from "./stream-range.ts";
import { StreamSpace } from "./stream-space.ts";

/** When a block of a stream is full: stream-node-max-bytes and -entries. 0: no limit. */
export interface StreamLimits {
  /** Bytes of a block. */
  readonly nodeBytesMax: number;
  /** Entries of a block, deleted ones included. */
  readonly nodeEntriesMax: number;
}

/** A block stays well below what one block of the arena can be, whatever the limits say. */
const NODE_BYTES_MAX = 2 ** 29;

/** From this size on, a block's room grows by half, so that it is moved a few times only. */
const GROWN_BYTES_MIN = 256;

/** The most room that a new block is given for entries that are not there yet. */
const EXPECTED_BYTES_MAX = 4096;

/** A new header: a stream without entries. */
export function createStreamHeader(arena: Arena): Ref {
  return arena.allocZeroed(HEADER_BYTES);
}

/** A new entry for the key bytes[start, end), holding an empty stream. `expiryMs`: its expiry, or -1. */
export function createStream(
  arena: Arena,
  epoch: number,
  bytes: Uint8Array,
  start: number,
  end: number,
  expiryMs = -1,
): Ref {
  const header = createStreamHeader(arena);
  try {
    return createBlockEntry(
      arena,
      Type.STREAM,
      Encoding.STREAM,
      header,
      epoch,
      bytes,
      start,
      end,
      expiryMs,
    );
  } catch (full) {
    arena.free(header);
    throw full;
  }
}

/** A window on the stream that an entry holds: see the head of this file. */
export class StreamValue {
  /** Where the streams live. */
  readonly arena: Arena;
  /** The header's block; NONE before attach(). */
  header: Ref = NONE;
  /** The walk over entries that range() begins. */
  readonly range: StreamRange;
  /** The groups of the stream. */
  readonly groups: StreamGroups;
  /** @internal The blocks of the stream while snapshots read it. */
  readonly space: StreamSpace;
  /** @internal The blocks of entries, by their master IDs. */
  readonly blocks: IdTree;
  private readonly innerRange: StreamRange;
  private readonly scratch = new StreamId();
  private readonly blockEnd = new StreamId();
  private readonly lowest = new StreamId();
  private readonly highest = new StreamId().setMax();
  private readonly masterWords = new Int32Array(4);

  constructor(arena: Arena) {
    this.arena = arena;
    this.space = new StreamSpace(arena);
    this.blocks = new IdTree(this.space);
    this.groups = new StreamGroups(this.space);
    this.range = new StreamRange(arena);
    this.innerRange = new StreamRange(arena);
  }

  /** Makes this object the window on the stream that `entry` holds. */
  attach(entry: Ref): this {
    assert(typeOf(this.arena, entry) === Type.STREAM, "the entry holds a stream");
    return this.attachHeader(valueRef(this.arena, entry));
  }

  /** @internal As attach(), to the header itself. */
  attachHeader(header: Ref): this {
    this.header = header;
    this.space.attach(header);
    this.blocks.attach(header, BLOCKS_WORD);
    this.forgetPlaces();
    this.groups.attach(header);
    return this;
  }

  // --- What the header says ------------------------------------------------------------------------

  /** Number of entries. */
  get length(): number {
    const { arena, header } = this;
    return (arena.doubles[header >>> SEGMENT_SHIFT] as Float64Array)[
      (header & UNIT_MASK) + LENGTH_DOUBLE
    ] as number;
  }

  private setLength(length: number): void {
    const { arena, header } = this;
    (arena.doubles[header >>> SEGMENT_SHIFT] as Float64Array)[
      (header & UNIT_MASK) + LENGTH_DOUBLE
    ] = length;
  }

  private readId(word: number, out: StreamId): StreamId {
    return out.read(wordsOf(this.arena, this.header), wordIndex(this.header) + word);
  }

  private writeId(word: number, id: StreamId): void {
    id.write(wordsOf(this.arena, this.header), wordIndex(this.header) + word);
  }

  /** Reads the ID that was added last, or set. */
  readLastId(out: StreamId): StreamId {
    return this.readId(LAST_ID_WORD, out);
  }

  /** Sets it. */
  setLastId(id: StreamId): void {
    this.writeId(LAST_ID_WORD, id);
  }

  /** Reads the ID of the first entry; 0-0 when there is none. */
  readFirstId(out: StreamId): StreamId {
    return this.readId(FIRST_ID_WORD, out);
  }

  /** Reads the highest ID that was deleted; 0-0 when none was. */
  readDeletedId(out: StreamId): StreamId {
    return this.readId(DELETED_ID_WORD, out);
  }

  /** Sets it. */
  setDeletedId(id: StreamId): void {
    this.writeId(DELETED_ID_WORD, id);
  }

  /** Upper half of how many entries were ever added. */
  get addedHi(): number {
    return wordsOf(this.arena, this.header)[wordIndex(this.header) + ADDED_WORD + 1] as number;
  }

  /** Lower half of it. */
  get addedLo(): number {
    return wordsOf(this.arena, this.header)[wordIndex(this.header) + ADDED_WORD] as number;
  }

  /** Sets how many entries were ever added. */
  setAdded(hi: number, lo: number): void {
    const words = wordsOf(this.arena, this.header);
    const at = wordIndex(this.header) + ADDED_WORD;
    words[at] = lo;
    words[at + 1] = hi;
  }

  /** Blocks of entries. */
  get blockCount(): number {
    return this.blocks.count;
  }

  // --- Looking -------------------------------------------------------------------------------------

  /** Begins the walk of `range` from `start` to `end`, both included, or the other way round. */
  walk(start: StreamId, end: StreamId, isReverse: boolean): void {
    this.range.begin(this.blocks, start, end, isReverse);
  }

  /** Comes with `range` to the entry of this ID. False when there is none. */
  findEntry(id: StreamId): boolean {
    return this.range.find(this.blocks, id);
  }

  /** True when there is an entry of this ID. Leaves `range` alone. */
  has(id: StreamId): boolean {
    return this.innerRange.find(this.blocks, id);
  }

  /** Blocks have changed, or are others. */
  private forgetPlaces(): void {
    this.range.forget();
    this.innerRange.forget();
  }

  /** Comes with `range` to the first entry, or to the last one. False when there is none. */
  edge(isFirst: boolean): boolean {
    this.range.begin(this.blocks, this.lowest, this.highest, !isFirst);
    return this.range.next();
  }

  /** True when an entry was deleted from `start` on. */
  hasDeletedFrom(start: StreamId): boolean {
    const deleted = this.readDeletedId(this.scratch);
    if (this.length === 0 || deleted.isZero) return false;
    return start.compare(deleted) <= 0;
  }

  // --- Adding --------------------------------------------------------------------------------------

  /**
   * Appends the entry of the words from `first` on, `fields` fields with a value each. Its ID must be
   * above the last one. Throws ArenaFullError, and has changed nothing then.
   */
  append(
    id: StreamId,
    source: EntrySource,
    first: number,
    fields: number,
    limits: StreamLimits,
  ): void {
    const { arena, blocks, space } = this;
    const bytesMax = entryBytesMax(source, first, fields);
    this.forgetPlaces();
    const isLast = blocks.last();
    let lp = isLast ? blocks.value : NONE;
    if (isLast && this.isOpen(lp, source, first, fields, limits)) {
      lp = this.withRoom(lp, bytesMax);
      blocks.id.write(this.masterWords, 0);
      appendEntry(arena, lp, this.masterWords, 0, id, source, first, fields);
    } else {
      // A block that follows another one is likely to become as large: then it is not moved on its way.
      const expected = isLast ? Math.min(listpackBytes(arena, lp), EXPECTED_BYTES_MAX) : 0;
      if (isLast) this.close(lp);
      lp = createBlock(arena, source, first, fields, Math.max(bytesMax, expected));
      id.write(this.masterWords, 0);
      appendEntry(arena, lp, this.masterWords, 0, id, source, first, fields);
      try {
        blocks.insert(id, lp);
      } catch (full) {
        space.arena.free(lp);
        throw full;
      }
    }
    const length = this.length + 1;
    this.setLength(length);
    this.setLastId(id);
    if (length === 1) this.writeId(FIRST_ID_WORD, id);
    const words = wordsOf(arena, this.header);
    const at = wordIndex(this.header) + ADDED_WORD;
    words[at] = (words[at] as number) + 1;
    if (words[at] === 0) words[at + 1] = (words[at + 1] as number) + 1;
  }

  private isOpen(
    lp: Ref,
    source: EntrySource,
    first: number,
    fields: number,
    limits: StreamLimits,
  ): boolean {
    const { arena } = this;
    const { nodeBytesMax, nodeEntriesMax } = limits;
    const max = nodeBytesMax === 0 || nodeBytesMax > NODE_BYTES_MAX ? NODE_BYTES_MAX : nodeBytesMax;
    if (listpackBytes(arena, lp) + entryTextBytes(source, first, fields) >= max) return false;
    return nodeEntriesMax === 0 || totalCount(arena, lp) < nodeEntriesMax;
  }

  private isShared(lp: Ref): boolean {
    const { hold } = this.space;
    return hold?.hasListpack(this.blocks.id, lp) === true;
  }

  /** The block at hand, or another one in its place, that has room for so many bytes more. */
  private withRoom(lp: Ref, bytesMax: number): Ref {
    const { arena, blocks, space } = this;
    const bytes = listpackBytes(arena, lp);
    const needed = bytes + bytesMax + slackBytes(totalCount(arena, lp) + 1);
    const isShared = this.isShared(lp);
    if (arena.blockBytes(lp) >= needed) return isShared ? this.owned(lp) : lp;
    // A block that grows goes on growing: close() gives back what it does not come to need.
    const larger = arena.alloc(needed + (bytes > GROWN_BYTES_MIN ? needed >> 1 : 0));
    arena.copy(larger, 0, lp, 0, bytes);
    blocks.replace(larger);
    // replace() may have given the snapshots up.
    if (isShared && space.hold !== null) space.hold.leave(lp);
    else arena.free(lp);
    return larger;
  }

  /** The block at hand, which a snapshot does not need, or a copy of it in its place. */
  private owned(lp: Ref): Ref {
    if (!this.isShared(lp)) return lp;
    const own = this.space.replaced(lp);
    if (own !== lp) this.blocks.replace(own);
    return own;
  }

  /** The block at hand gets no more entries: it takes no more room than it needs. */
  private close(lp: Ref): void {
    const { arena } = this;
    if (this.isShared(lp)) return;
    const bytes = listpackBytes(arena, lp);
    const smaller = arena.resize(lp, bytes + slackBytes(totalCount(arena, lp)), bytes);
    if (smaller !== lp) this.blocks.replace(smaller);
  }

  // --- Removing ------------------------------------------------------------------------------------

  /** Deletes the entry of this ID. False when there is none. */
  delete(id: StreamId): boolean {
    if (!this.remove(id)) return false;
    if (id.compare(this.readDeletedId(this.scratch)) > 0) this.setDeletedId(id);
    return true;
  }

  /** As delete(), without a word about the highest ID that was deleted. */
  private remove(id: StreamId): boolean {
    const { arena, innerRange } = this;
    if (!innerRange.find(this.blocks, id)) return false;
    const lp = innerRange.listpack;
    const isFirst = id.compare(this.readFirstId(this.scratch)) === 0;
    let isInPlace = false;
    if (entryCount(arena, lp) === 1) {
      this.dropBlock(lp);
    } else {
      const offset = innerRange.entryAt - ((lp & UNIT_MASK) << 3);
      const own = this.owned(lp);
      const bytes = listpackBytes(arena, own);
      flagDeleted(
        arena.bytes[own >>> SEGMENT_SHIFT] as Uint8Array,
        ((own & UNIT_MASK) << 3) + offset,
      );
      addToCounts(arena, own, -1, 1);
      // The counts may have come to take more bytes, or fewer.
      isInPlace = own === lp && listpackBytes(arena, own) === bytes;
    }
    if (!isInPlace) this.forgetPlaces();
    this.setLength(this.length - 1);
    if (isFirst && isInPlace)
      this.writeId(FIRST_ID_WORD, innerRange.findNext() ? innerRange.id : this.lowest);
    else if (isFirst) this.findFirstId();
    return true;
  }

  /** Takes the block at hand out of the tree. */
  private dropBlock(lp: Ref): void {
    const isShared = this.isShared(lp);
    this.blocks.remove();
    const { hold } = this.space;
    if (isShared && hold !== null) hold.leave(lp);
    else this.arena.free(lp);
  }

  private findFirstId(): void {
    const { innerRange } = this;
    innerRange.begin(this.blocks, this.lowest, this.highest, false);
    this.writeId(FIRST_ID_WORD, innerRange.next() ? innerRange.id : this.lowest);
  }

  /**
   * Removes the first entries until there are `lengthMax`, or with `minId` those below it. With
   * `isApproximate` whole blocks only. At most `limit` entries, in whole blocks, unless that is 0.
   * Returns how many.
   */
  trim(lengthMax: number, minId: StreamId | null, isApproximate: boolean, limit: number): number {
    const { arena, blocks } = this;
    this.forgetPlaces();
    let removed = 0;
    while (blocks.first()) {
      const { length } = this;
      if (minId === null && length <= lengthMax) break;
      const lp = blocks.value;
      const entries = entryCount(arena, lp);
      if (limit !== 0 && removed + entries > limit) break;
      const isWhole =
        minId === null ? length - entries >= lengthMax : this.lastOf(lp).compare(minId) < 0;
      if (!isWhole) {
        if (!isApproximate) removed += this.trimBlock(this.owned(lp), lengthMax, minId);
        break;
      }
      this.dropBlock(lp);
      this.setLength(length - entries);
      removed += entries;
    }
    if (removed > 0) this.findFirstId();
    return removed;
  }

  /**
   * As trim(), of those entries that `goes` lets go: the others stay, and are passed over, whole blocks
   * or not. A search for each entry that goes.
   */
  trimChosen(
    lengthMax: number,
    minId: StreamId | null,
    isApproximate: boolean,
    limit: number,
    goes: (id: StreamId) => boolean,
  ): number {
    const { arena, blockEnd, highest, range } = this;
    let removed = 0;
    blockEnd.setMin();
    this.walk(this.lowest, highest, false);
    while (range.next()) {
      const { id, listpack } = range;
      if (minId === null ? this.length <= lengthMax : id.compare(minId) >= 0) break;
      if (id.compare(blockEnd) > 0) {
        const entries = entryCount(arena, listpack);
        if (limit !== 0 && removed + entries > limit) break;
        blockEnd.copy(this.lastOf(listpack));
        const isWhole =
          minId === null ? this.length - entries >= lengthMax : blockEnd.compare(minId) < 0;
        if (isApproximate && !isWhole) break;
      }
      if (!goes(id)) continue;
      this.remove(id);
      removed++;
      // What was at hand may be gone: on from where the entry was.
      this.walk(id, highest, false);
    }
    return removed;
  }

  /** The ID of the last entry of the block at hand, deleted or not. */
  private lastOf(lp: Ref): StreamId {
    const bytes = this.arena.bytes[lp >>> SEGMENT_SHIFT] as Uint8Array;
    this.readIdAt(bytes, entryBefore(bytes, endAt(this.arena, lp)));
    return this.scratch;
  }

  /** Reads the ID of the entry at bytes[at] of the block at hand. Returns where it goes on. */
  private readIdAt(bytes: Uint8Array, at: number): number {
    const { msHi, msLo, seqHi, seqLo } = this.blocks.id;
    return readEntryId(bytes, at, msHi, msLo, seqHi, seqLo, this.scratch);
  }

  /** Flags the first entries of the block at hand as deleted. Returns how many. */
  private trimBlock(lp: Ref, lengthMax: number, minId: StreamId | null): number {
    const { arena, scratch } = this;
    const bytes = arena.bytes[lp >>> SEGMENT_SHIFT] as Uint8Array;
    const end = endAt(arena, lp);
    const countsAt = ((lp & UNIT_MASK) << 3) + LISTPACK_HEADER_BYTES;
    // Behind the two counts of entries, those that are there and those that were deleted.
    const masterAt = positionAfter(bytes, positionAfter(bytes, countsAt));
    const masterFields = integerAt(bytes, masterAt);
    let flagged = 0;
    for (let at = firstEntryAt(arena, lp); at < end; ) {
      let next = this.readIdAt(bytes, at);
      const isStop =
        minId === null ? this.length - flagged <= lengthMax : scratch.compare(minId) >= 0;
      if (isStop) break;
      const flags = bytes[at] as number;
      let elements = masterFields;
      if ((flags & SAME_FIELDS) === 0) {
        elements = 2 * integerAt(bytes, next);
        next = positionAfter(bytes, next);
      }
      for (; elements >= 0; elements--) next = positionAfter(bytes, next);
      if ((flags & DELETED) === 0) {
        flagDeleted(bytes, at);
        flagged++;
      }
      at = next;
    }
    this.setLength(this.length - flagged);
    addToCounts(arena, lp, -flagged, flagged);
    return flagged;
  }

  // --- Building and checking -----------------------------------------------------------------------

  /**
   * @internal Takes a whole block in under its master ID, for who builds a stream from elsewhere.
   * False when there is one under that ID. The block is the caller's then, and when this throws.
   */
  addBlock(id: StreamId, lp: Ref): boolean {
    return this.blocks.insert(id, lp);
  }

  /** @internal Sets what the header says of all entries: see addBlock(). */
  setFacts(length: number, firstId: StreamId): void {
    this.setLength(length);
    this.writeId(FIRST_ID_WORD, firstId);
  }

  /** Throws unless the stream is whole. For tests and fuzzers: slow. */
  check(): void {
    const { arena, blocks, range } = this;
    blocks.check();
    let live = 0;
    for (let isBlock = blocks.first(); isBlock; isBlock = blocks.next()) {
      const lp = blocks.value;
      const needed = listpackBytes(arena, lp) + slackBytes(totalCount(arena, lp));
      assert(arena.blockBytes(lp) >= needed, "a block of a stream has room for its counts");
      // Trimming up to a deleted entry leaves that one, and nothing else.
      assert(totalCount(arena, lp) > 0, "a block of a stream has entries, if deleted ones");
      live += entryCount(arena, lp);
    }
    assert(live === this.length, "a stream counts its entries");
    const last = new StreamId();
    let seen = 0;
    this.walk(this.lowest, this.highest, false);
    for (; range.next(); seen++) {
      assert(seen === 0 || last.compare(range.id) < 0, "the IDs of a stream ascend");
      if (seen === 0) {
        const isFirst = this.readFirstId(new StreamId()).compare(range.id) === 0;
        assert(isFirst, "a stream knows its first ID");
      }
      last.copy(range.id);
      let fields = 0;
      while (range.nextField()) fields++;
      assert(fields === range.fieldCount, "an entry counts its fields");
    }
    assert(seen === live, "the blocks of a stream count their entries");
    if (seen > 0)
      assert(last.compare(this.readLastId(new StreamId())) <= 0, "a stream knows its last ID");
    this.groups.check();
  }
}
