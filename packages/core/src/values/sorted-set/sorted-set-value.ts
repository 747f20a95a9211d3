/**
 * SortedSetValue: the value of a sorted set, in either of its two encodings.
 *
 *   LISTPACK   one flat block: member, score, member, score, ... in their order (sorted-listpack.ts);
 *   SKIPLIST   as OBJECT ENCODING has it: a Dict whose entries are the members with their scores
 *              (scored-member.ts), and beside it their order, a counted tree (score-tree.ts).
 *
 * The order is that of the scores and, where those are equal, of the members' bytes. Infinities are
 * scores, NaN is none; -0 is one in a table, equal to 0, and becomes 0 in a listpack.
 *
 * The key's entry has type ZSET, the flags WORD and EXTERNAL, and refers to the listpack or to the
 * Dict's header. A SortedSetValue is a window: attach() it to an entry, use it, attach it to the next
 * one. Writing may move the listpack, and then the entry is told; replacing the entry itself makes the
 * window void. In a table everything but a walk takes O(log N) at the most.
 *
 *      set.attach(entry);
 *      if (set.find(bytes, view, start, end)) ... set.score ...             a member's score
 *      set.add(bytes, view, start, end, 1.5, limits)                        one of Added
 *      set.rankOf(bytes, view, start, end)                                  from 0 on, or -1
 *      set.countByScore(7, false)                                           the rank of the first at 7 or above
 *      for (set.seek(rank); set.next(); ) ... set.member, set.score ...     on, or back with previous()
 *
 * A range, whatever its bounds are, is thus a first rank and a last one. A sorted set becomes a table,
 * for good, with a new member when it then has more than `listpackEntriesMax` or that one is longer
 * than `listpackValueBytesMax` bytes. A member of 16 bytes costs about 73 in a table: 40 for the
 * element, 11 to 21 for its slot, 12 to 19 for its place in the order.
 *
 * Whoever writes sees to the rest: an empty sorted set is to be deleted, a snapshot wants to know before
 * the first change. When there is no room, a method throws ArenaFullError and has changed nothing.
 */
import { assert } from "../../assert.ts";
import { type Arena, NONE, type Ref } from "../../memory/arena.ts";
import {
  checkListpack,
  createListpack,
  deleteAt,
  first,
  ListpackValue,
  listpackBytes,
  listpackCount,
  readAt,
  seek,
} from "../../memory/listpack.ts";
import { RefList } from "../../memory/ref-list.ts";
import { Dict } from "../../table/dict.ts";
import {
  bytesOf,
  Encoding,
  encodingOf,
  flagsOf,
  keyLength,
  setEncoding,
  setValueRef,
  Type,
  typeOf,
  valueRef,
  viewOf,
} from "../../table/entry.ts";
import { createBlockEntry, EXTERNAL_VALUE } from "../block-entry.ts";
import { ScoreTree } from "./score-tree.ts";
import {
  compareBytes,
  createMember,
  memberIndex,
  scoreOf,
  setScore,
  showMember,
} from "./scored-member.ts";
import {
  findMember,
  nextMember,
  previousMember,
  SortedListpack,
  scoreAt,
} from "./sorted-listpack.ts";
import { createTable, freeTable } from "./sorted-table.ts";

/** When a sorted set stops being a listpack: zset-max-listpack-entries and -value. */
export interface SortedSetLimits {
  /** Most members of a listpack. */
  readonly listpackEntriesMax: number;
  /** Longest member of a listpack. */
  readonly listpackValueBytesMax: number;
}

/** What add() has done. */
export const Added = {
  /** The member had this score already. */
  SAME: 0,
  /** The member had another score. */
  RESCORED: 1,
  /** The member is new. */
  NEW: 2,
} as const;

/** A listpack stays well below what one block of the arena can be, whatever the limits say. */
const LISTPACK_BYTES_MAX = 2 ** 29;

/**
 * A new entry for the key bytes[start, end), holding an empty sorted set: a table from the beginning
 * if `isTable`, with the hash seed `seed`, made for `expected` members. `expiryMs`: its expiry, or -1.
 */
export function createSortedSet(
  arena: Arena,
  epoch: number,
  bytes: Uint8Array,
  start: number,
  end: number,
  expiryMs = -1,
  isTable = false,
  seed = 0,
  expected = 0,
): Ref {
  const entry = createEmptyKey(arena, isTable, epoch, bytes, start, end, expiryMs);
  try {
    setValueRef(arena, entry, isTable ? createTable(arena, seed, expected) : createListpack(arena));
  } catch (full) {
    arena.free(entry);
    throw full;
  }
  return entry;
}

/** @internal As createSortedSet(), where the caller has the block that it is to refer to. */
export function createEmptyKey(
  arena: Arena,
  isTable: boolean,
  epoch: number,
  bytes: Uint8Array,
  start: number,
  end: number,
  expiryMs: number,
): Ref {
  const encoding = isTable ? Encoding.SKIPLIST : Encoding.LISTPACK;
  return createBlockEntry(arena, Type.ZSET, encoding, NONE, epoch, bytes, start, end, expiryMs);
}

/** A window on the sorted set that an entry holds: see the head of this file. */
export class SortedSetValue {
  /** Where the sorted sets live. */
  readonly arena: Arena;
  /** The key's entry; NONE before attach(). */
  entry: Ref = NONE;
  /** The member that next(), previous(), random() or nextScanned() came to. In place. */
  readonly member = new ListpackValue();
  /** Its score, or that of the member that find() found. */
  score = 0;
  /** True when it is a table. */
  isTable = false;
  /** @internal The table, if it is one: sorted-set-change.ts works on it. */
  readonly dict: Dict;
  /** @internal The order of its members. */
  readonly tree: ScoreTree;
  private readonly small: SortedListpack;
  private readonly seed: number;
  private listpack: Ref = NONE;
  private readonly inner = new ListpackValue();
  /** Where the walk stands: an offset of the listpack, 0 at an end. In a table the tree knows. */
  private offset = 0;
  private isAtEnd = true;
  private readonly batch = new RefList();
  private readonly ahead = new RefList();
  private batchIndex = 0;

  /** `seed` is the hash seed of the tables to be made. */
  constructor(arena: Arena, seed: number) {
    this.arena = arena;
    this.seed = seed;
    this.dict = new Dict(arena);
    this.tree = new ScoreTree(arena);
    this.small = new SortedListpack(arena);
  }

  /** Makes this object the window on the sorted set that `entry` holds. */
  attach(entry: Ref): this {
    assert(typeOf(this.arena, entry) === Type.ZSET, "the entry holds a sorted set");
    this.entry = entry;
    this.isTable = encodingOf(this.arena, entry) === Encoding.SKIPLIST;
    const ref = valueRef(this.arena, entry);
    if (this.isTable) {
      this.dict.attach(ref);
      this.tree.attach(ref);
    } else {
      this.listpack = ref;
    }
    return this;
  }

  /** Number of members. */
  get length(): number {
    return this.isTable ? this.dict.count : listpackCount(this.arena, this.listpack) >>> 1;
  }

  // --- Single members ------------------------------------------------------------------------

  /** True when bytes[start, end) is a member; its score is then in `score`. */
  find(bytes: Uint8Array, view: DataView, start: number, end: number): boolean {
    const { arena } = this;
    if (this.isTable) {
      const { dict } = this;
      const found = dict.find(bytes, view, start, end, dict.hash(bytes, view, start, end));
      if (found === NONE) return false;
      this.score = scoreOf(arena, found);
      return true;
    }
    const at = findMember(arena, this.listpack, bytes, start, end);
    if (at === 0) return false;
    this.score = scoreAt(arena, this.listpack, at);
    return true;
  }

  /** How many members come before bytes[start, end), whose score is then in `score`; -1: it is none. */
  rankOf(bytes: Uint8Array, view: DataView, start: number, end: number): number {
    const { arena, listpack } = this;
    if (this.isTable) {
      const { dict } = this;
      const found = dict.find(bytes, view, start, end, dict.hash(bytes, view, start, end));
      if (found === NONE) return -1;
      this.score = scoreOf(arena, found);
      return this.tree.rankOf(found, this.score);
    }
    const found = findMember(arena, listpack, bytes, start, end);
    if (found === 0) return -1;
    this.score = scoreAt(arena, listpack, found);
    let rank = 0;
    for (let at = first(arena, listpack); at !== found; rank++)
      at = nextMember(arena, listpack, at);
    return rank;
  }

  /**
   * Adds a member, or gives it another score: what it did is one of Added. The bytes must not lie in
   * this sorted set's own listpack.
   */
  add(
    bytes: Uint8Array,
    view: DataView,
    start: number,
    end: number,
    score: number,
    limits: SortedSetLimits,
  ): number {
    assert(!Number.isNaN(score), "a score is a number");
    if (this.isTable) return this.addToTable(bytes, view, start, end, score);
    const { arena, listpack, small } = this;
    const found = findMember(arena, listpack, bytes, start, end);
    if (found !== 0) {
      if (scoreAt(arena, listpack, found) === score) return Added.SAME;
      this.moveTo(small.rescore(listpack, found, bytes, view, start, end, score));
      return Added.RESCORED;
    }
    if (
      end - start > limits.listpackValueBytesMax ||
      this.length >= limits.listpackEntriesMax ||
      listpackBytes(arena, listpack) + (end - start) >= LISTPACK_BYTES_MAX
    ) {
      // Before the member is added: one that there is no room to convert is what it was.
      this.convert();
      return this.addToTable(bytes, view, start, end, score);
    }
    this.moveTo(small.insert(listpack, bytes, view, start, end, score));
    return Added.NEW;
  }

  private moveTo(listpack: Ref): void {
    if (listpack === this.listpack) return;
    this.listpack = listpack;
    setValueRef(this.arena, this.entry, listpack);
  }

  private addToTable(
    bytes: Uint8Array,
    view: DataView,
    start: number,
    end: number,
    score: number,
  ): number {
    const { arena, dict } = this;
    const hash = dict.hash(bytes, view, start, end);
    const found = dict.find(bytes, view, start, end, hash);
    if (found === NONE) {
      this.insertNew(bytes, view, start, end, score, hash);
      return Added.NEW;
    }
    const old = scoreOf(arena, found);
    if (old === score) return Added.SAME;
    this.beforeChange(found, bytes, view, start, end);
    this.tree.rescore(found, old, score);
    setScore(arena, found, score);
    return Added.RESCORED;
  }

  /** @internal Adds a member that is not in the table, and returns its element. */
  insertNew(
    bytes: Uint8Array,
    view: DataView,
    start: number,
    end: number,
    score: number,
    hash: number,
  ): Ref {
    const { arena, dict, tree } = this;
    this.beforeChange(NONE, bytes, view, start, end);
    const element = createMember(arena, bytes, start, end, score);
    try {
      tree.prepare(score, view, start, end);
      try {
        dict.insert(element, hash);
      } catch (full) {
        tree.cancel();
        throw full;
      }
    } catch (full) {
      arena.free(element);
      throw full;
    }
    tree.insert(element, score);
    return element;
  }

  /** @internal Tells a snapshot that is reading the table. */
  beforeChange(found: Ref, bytes: Uint8Array, view: DataView, start: number, end: number): void {
    const { holds } = this.arena;
    if (holds.size !== 0) holds.get(this.dict.header)?.beforeChange(found, bytes, view, start, end);
  }

  /** Removes the member bytes[start, end). False when it is none. */
  delete(bytes: Uint8Array, view: DataView, start: number, end: number): boolean {
    const { arena } = this;
    if (this.isTable) {
      const { dict } = this;
      const found = dict.find(bytes, view, start, end, dict.hash(bytes, view, start, end));
      if (found === NONE) return false;
      this.beforeChange(found, bytes, view, start, end);
      this.tree.remove(found, scoreOf(arena, found));
      dict.removeFound();
      arena.free(found);
      return true;
    }
    const at = findMember(arena, this.listpack, bytes, start, end);
    if (at === 0) return false;
    this.moveTo(deleteAt(arena, this.listpack, at, 2));
    return true;
  }

  /** Removes `count` members from the one at `rank` on, all of which are there. */
  deleteRange(rank: number, count: number): void {
    if (count === 0) return;
    const { arena } = this;
    if (!this.isTable) {
      const at = seek(arena, this.listpack, rank * 2);
      this.moveTo(deleteAt(arena, this.listpack, at, count * 2));
      return;
    }
    for (let left = count; left > 0; left--) this.deleteAtRank(rank);
  }

  private deleteAtRank(rank: number): void {
    const { arena, dict, tree } = this;
    tree.seek(rank);
    const { element } = tree;
    if (arena.holds.size !== 0) {
      const at = memberIndex(element);
      const end = at + keyLength(arena, element);
      this.beforeChange(element, bytesOf(arena, element), viewOf(arena, element), at, end);
    }
    const isKnown = dict.findRef(element, dict.hashOfEntry(element));
    assert(isKnown, "what has its place in the order is in the table");
    tree.removeFound();
    dict.removeFound();
    arena.free(element);
  }

  // --- Order ---------------------------------------------------------------------------------

  /** How many members have a score below `score`, or (`isIncluded`) up to it. */
  countByScore(score: number, isIncluded: boolean): number {
    if (this.isTable) return this.tree.countByScore(score, isIncluded);
    return this.small.countByScore(this.listpack, score, isIncluded);
  }

  /**
   * How many members are below view[start, end) by their bytes, or (`isIncluded`) up to it. It means
   * something where all scores are equal.
   */
  countByMember(view: DataView, start: number, end: number, isIncluded: boolean): number {
    if (this.isTable) return this.tree.countByMember(view, start, end, isIncluded);
    return this.small.countByMember(this.listpack, view, start, end, isIncluded);
  }

  /**
   * Begins a walk at the member with this rank, which next() or previous() then shows first. Without
   * such a member there is nothing to show. The sorted set must not change until the walk is over.
   */
  seek(rank: number): void {
    const { length } = this;
    this.isAtEnd = rank < 0 || rank >= length;
    if (this.isAtEnd) return;
    if (this.isTable) this.tree.seek(rank);
    else this.offset = this.offsetOf(rank, length);
  }

  /**
   * Reads ahead the memory of the members that the walk shows next, up to `count` of them and as far as
   * they are neighbours. Returns of how many: then it may be asked again.
   */
  readAhead(count: number, isReverse: boolean): number {
    if (!this.isTable || this.isAtEnd || count < 2) return count;
    const { ahead } = this;
    ahead.clear();
    this.tree.ahead(count, isReverse, ahead);
    this.arena.touch(ahead.refs, ahead.count);
    return ahead.count;
  }

  private offsetOf(rank: number, length: number): number {
    const { arena, listpack } = this;
    if (rank === 0) return first(arena, listpack);
    if (rank === length - 1)
      return previousMember(arena, listpack, listpackBytes(arena, listpack) - 1);
    return seek(arena, listpack, rank * 2);
  }

  /**
   * Shows the walk's present member, and goes one on. False when there is none any more. Who does not
   * want the scores says so: those of a table lie apart from its members, and are not read then.
   */
  next(showsScore = true): boolean {
    if (this.isAtEnd) return false;
    this.show(showsScore);
    if (this.isTable) {
      this.isAtEnd = !this.tree.next();
    } else {
      this.offset = nextMember(this.arena, this.listpack, this.offset);
      this.isAtEnd = this.offset === 0;
    }
    return true;
  }

  /** As next(), but of a table shows the score alone: the member's memory is not even looked at. */
  nextScore(): boolean {
    if (!this.isTable) return this.next();
    if (this.isAtEnd) return false;
    this.score = this.tree.score;
    this.isAtEnd = !this.tree.next();
    return true;
  }

  /** As next(), and goes one back. */
  previous(showsScore = true): boolean {
    if (this.isAtEnd) return false;
    this.show(showsScore);
    if (this.isTable) {
      this.isAtEnd = !this.tree.previous();
    } else {
      this.offset = previousMember(this.arena, this.listpack, this.offset);
      this.isAtEnd = this.offset === 0;
    }
    return true;
  }

  private show(showsScore: boolean): void {
    if (this.isTable) {
      const { tree } = this;
      showMember(this.arena, tree.element, this.member);
      if (showsScore) this.score = tree.score;
    } else {
      readAt(this.arena, this.listpack, this.offset, this.member);
      this.score = scoreAt(this.arena, this.listpack, this.offset);
    }
  }

  /** Shows a random member; false when empty. `next32`: random 32 bits. */
  random(next32: () => number): boolean {
    const { length } = this;
    this.seek(Math.floor(((next32() >>> 0) / 2 ** 32) * length));
    return this.next();
  }

  /**
   * Makes nextScanned() show a part of the members, in no order: about `wanted` of them, from `cursor`
   * on (0 at first). Returns the cursor of the following part, an unsigned 32-bit number, or 0. As
   * Dict's scan; a listpack is one part.
   */
  scan(cursor: number, wanted: number): number {
    if (!this.isTable) {
      this.seek(0);
      return 0;
    }
    this.batch.clear();
    this.batchIndex = 0;
    return this.dict.scan(cursor, wanted, this.batch);
  }

  /** Shows the next member of the part that scan() has begun. */
  nextScanned(): boolean {
    if (!this.isTable) return this.next();
    if (this.batchIndex === this.batch.count) return false;
    const element = this.batch.at(this.batchIndex++);
    showMember(this.arena, element, this.member);
    this.score = scoreOf(this.arena, element);
    return true;
  }

  // --- Forms ---------------------------------------------------------------------------------

  /** Makes a listpack a table, to which `more` members come. Throws ArenaFullError, and nothing has changed. */
  convert(more = 1): void {
    const { arena, entry, listpack, inner } = this;
    const table = createTable(arena, this.seed, this.length + more);
    this.dict.attach(table);
    this.tree.attach(table);
    try {
      for (let at = first(arena, listpack); at !== 0; at = nextMember(arena, listpack, at)) {
        readAt(arena, listpack, at, inner);
        const { bytes, view, start, end } = inner;
        const hash = this.dict.hash(bytes, view, start, end);
        this.insertNew(bytes, view, start, end, scoreAt(arena, listpack, at), hash);
      }
    } catch (full) {
      freeTable(arena, table);
      throw full;
    }
    arena.free(listpack);
    this.listpack = NONE;
    this.isTable = true;
    setValueRef(arena, entry, table);
    setEncoding(arena, entry, Encoding.SKIPLIST);
  }

  /** Throws unless every promise in the header holds. For tests and fuzzers: slow. */
  check(): void {
    const { arena, entry, dict, listpack, inner } = this;
    assert(flagsOf(arena, entry) >>> 1 === EXTERNAL_VALUE >>> 1, "it has a block of its own");
    if (this.isTable) {
      assert(encodingOf(arena, entry) === Encoding.SKIPLIST, "the entry knows its encoding");
      assert(valueRef(arena, entry) === dict.header, "the entry knows its table");
      dict.check();
      this.tree.check(dict.count);
      return;
    }
    assert(encodingOf(arena, entry) === Encoding.LISTPACK, "the entry knows its encoding");
    assert(valueRef(arena, entry) === listpack, "the entry knows its listpack");
    checkListpack(arena, listpack);
    assert(listpackCount(arena, listpack) % 2 === 0, "every member has a score");
    let before = Number.NEGATIVE_INFINITY;
    const previous = new ListpackValue();
    for (let at = first(arena, listpack); at !== 0; at = nextMember(arena, listpack, at)) {
      readAt(arena, listpack, at, inner);
      const score = scoreAt(arena, listpack, at);
      assert(score >= before, "scores ascend");
      const { bytes, start, end } = inner;
      assert(findMember(arena, listpack, bytes, start, end) === at, "no member comes twice");
      if (at !== first(arena, listpack) && score === before) {
        readAt(arena, listpack, previousMember(arena, listpack, at), previous);
        const order = compareBytes(
          previous.view,
          previous.start,
          previous.end,
          inner.view,
          start,
          end,
        );
        assert(order < 0, "members of one score ascend");
      }
      before = score;
    }
  }
}
