/**
 * SetValue: the value of a set key, in any of its three encodings.
 *
 *   INTSET      integers in ascending order in one flat block (intset.ts);
 *   LISTPACK    one flat block: the members in the order they were added;
 *   HASHTABLE   a Dict whose entries are the members; they have no values.
 *
 * The key's entry has type SET, the flags WORD and EXTERNAL, and refers to the flat block or to the
 * Dict's header block. A SetValue is a window: attach() it to an entry, use it, attach it to the next
 * one. No set costs a JavaScript object. Writing may move the block, and then the entry is told;
 * replacing the entry itself makes the window void.
 *
 * A set of integers stays an intset up to `intsetEntriesMax`, and is a table beyond. The first other
 * member makes it a listpack if that stays within `listpackEntriesMax` members of `listpackValueBytesMax`
 * bytes each, and a table if not. A table stays one. A member costs 2, 4 or 8 bytes in an intset, 2
 * and more over its text in a listpack; in a table 16 for its header and 11 to 21 for its slot.
 *
 * Whoever writes sees to the rest: an empty set is to be deleted, a snapshot wants to know before the
 * first change. Freeing, copying and measuring are the same for all types: see value.ts.
 */
import { assert } from "../../assert.ts";
import { Int64, int64TextBytes, parseInt64 } from "../../int64.ts";
import { type Arena, NONE, type Ref, SMALL_BYTES_MAX } from "../../memory/arena.ts";
import {
  append,
  checkListpack,
  createListpack,
  deleteAt,
  find,
  first,
  ListpackValue,
  listpackBytes,
  listpackCount,
  listpackFromBytes,
  next,
  readAt,
  repeatsText,
  seek,
  validateListpack,
} from "../../memory/listpack.ts";
import { RefList } from "../../memory/ref-list.ts";
import { Dict } from "../../table/dict.ts";
import {
  Encoding,
  encodingOf,
  flagsOf,
  setEncoding,
  setValueRef,
  Type,
  typeOf,
  valueRef,
} from "../../table/entry.ts";
import { EXTERNAL_VALUE } from "../block-entry.ts";
import { freeElement, freeElements, insertElement } from "../element.ts";
import {
  checkIntset,
  createIntset,
  intsetAt,
  intsetBytes,
  intsetCount,
  intsetDelete,
  intsetFind,
  intsetFromBytes,
  intsetInsert,
  validateIntset,
} from "./intset.ts";
import { INTSET_ENTRIES_MAX, type SetLimits, setEntryOf } from "./new-set.ts";
import { checkMember, createMember, showMember } from "./set-member.ts";

/** A flat block stays well below what one block of the arena can be, whatever the limits say. */
const FLAT_BYTES_MAX = 2 ** 29;
/** A listpack element's encoding and the length behind it. */
const ELEMENT_OVERHEAD_MAX = 10;
/** Up to so many members, looking for a duplicate by comparing all with all is the cheaper way. */
const FEW_MEMBERS = 16;

/** A window on the set that an entry holds: see the head of this file. */
export class SetValue {
  /** Where the sets live. */
  readonly arena: Arena;
  /** The key's entry; NONE before attach(). */
  entry: Ref = NONE;
  /** The member that next() or random() came to. In place: read it before writing. */
  readonly member = new ListpackValue();
  /** One of Encoding. */
  encoding: number = Encoding.LISTPACK;
  /** So many members are likely to come: what a table is prepared for. 0 after attach(). */
  expected = 0;
  /** @internal The table, if it is one: set-change.ts stages members in it. */
  readonly dict: Dict;
  /** The hash seed of the tables to be made. */
  seed: number;
  /** The intset or listpack. */
  private block: Ref = NONE;
  /** For the inside: `member` may be what the caller hands to add(). */
  private readonly inner = new ListpackValue();
  private readonly integer = new Int64();
  private readonly batch = new RefList();
  private batchIndex = 0;
  /** Where next() goes on: an index, a listpack offset, or the dict's cursor. */
  private cursor = 0;
  /** Where the member that is shown stands: an index, a listpack offset, or its entry. */
  private shown = 0;

  /** `seed` is the hash seed of the tables to be made. */
  constructor(arena: Arena, seed: number) {
    this.arena = arena;
    this.seed = seed;
    this.dict = new Dict(arena);
  }

  /** Makes this object the window on the set that `entry` holds. */
  attach(entry: Ref): this {
    assert(typeOf(this.arena, entry) === Type.SET, "the entry holds a set");
    this.entry = entry;
    this.expected = 0;
    this.encoding = encodingOf(this.arena, entry);
    if (this.encoding === Encoding.HASHTABLE) this.dict.attach(valueRef(this.arena, entry));
    else this.block = valueRef(this.arena, entry);
    return this;
  }

  /** True when it is a table. */
  get isTable(): boolean {
    return this.encoding === Encoding.HASHTABLE;
  }

  /** Number of members. */
  get length(): number {
    if (this.encoding === Encoding.HASHTABLE) return this.dict.count;
    if (this.encoding === Encoding.INTSET) return intsetCount(this.arena, this.block);
    return listpackCount(this.arena, this.block);
  }

  /** True when bytes[start, end) is a member. */
  has(bytes: Uint8Array, view: DataView, start: number, end: number): boolean {
    if (this.encoding === Encoding.HASHTABLE) {
      const { dict } = this;
      return dict.find(bytes, view, start, end, dict.hash(bytes, view, start, end)) !== NONE;
    }
    const { arena, block, integer } = this;
    if (this.encoding === Encoding.LISTPACK) return find(arena, block, bytes, start, end, 1) !== 0;
    if (!parseInt64(bytes, start, end, integer)) return false;
    return intsetFind(arena, block, integer.hi, integer.lo) >= 0;
  }

  /** As has(), of what another window shows. */
  hasShown(text: ListpackValue): boolean {
    if (this.encoding === Encoding.INTSET && text.isInteger)
      return intsetFind(this.arena, this.block, text.hi, text.lo) >= 0;
    return this.has(text.bytes, text.view, text.start, text.end);
  }

  /**
   * Adds a member. True when it is new. The bytes must not lie in this set's own block. When there is
   * no room, the members are what they were.
   */
  add(bytes: Uint8Array, view: DataView, start: number, end: number, limits: SetLimits): boolean {
    if (this.encoding === Encoding.INTSET) {
      const { arena, block, integer } = this;
      if (parseInt64(bytes, start, end, integer)) {
        const { hi, lo } = integer;
        const at = intsetFind(arena, block, hi, lo);
        if (at >= 0) return false;
        if (intsetCount(arena, block) < Math.min(limits.intsetEntriesMax, INTSET_ENTRIES_MAX)) {
          this.moveTo(intsetInsert(arena, block, -1 - at, hi, lo));
          return true;
        }
        this.convert(Encoding.HASHTABLE);
      } else {
        const isShort = this.fitsListpack(end - start, limits);
        this.convert(isShort ? Encoding.LISTPACK : Encoding.HASHTABLE);
        if (isShort) {
          this.moveTo(append(arena, this.block, bytes, start, end));
          return true;
        }
      }
    } else if (this.encoding === Encoding.LISTPACK) {
      const { arena, block } = this;
      if (find(arena, block, bytes, start, end, 1) !== 0) return false;
      if (
        end - start <= limits.listpackValueBytesMax &&
        this.length < limits.listpackEntriesMax &&
        listpackBytes(arena, block) + (end - start) < FLAT_BYTES_MAX
      ) {
        this.moveTo(append(arena, block, bytes, start, end));
        return true;
      }
      this.convert(Encoding.HASHTABLE);
    }
    const { dict } = this;
    const hash = dict.hash(bytes, view, start, end);
    if (dict.find(bytes, view, start, end, hash) !== NONE) return false;
    this.beforeChange(NONE, bytes, view, start, end);
    insertElement(dict, createMember(this.arena, bytes, start, end), hash);
    return true;
  }

  /** As add(), of what is known not to be a member. */
  addNew(bytes: Uint8Array, view: DataView, start: number, end: number, limits: SetLimits): void {
    if (this.encoding !== Encoding.HASHTABLE) {
      this.add(bytes, view, start, end, limits);
      return;
    }
    const { dict } = this;
    this.beforeChange(NONE, bytes, view, start, end);
    const member = createMember(this.arena, bytes, start, end);
    insertElement(dict, member, dict.hash(bytes, view, start, end));
  }

  /** Whether the intset can be a listpack together with a member of so many bytes. */
  private fitsListpack(length: number, limits: SetLimits): boolean {
    const { arena, block, integer } = this;
    const count = intsetCount(arena, block);
    const longest = limits.listpackValueBytesMax;
    if (length > longest || count >= limits.listpackEntriesMax) return false;
    // The longest text is that of the first or the last one.
    for (const index of count === 0 ? [] : [0, count - 1]) {
      intsetAt(arena, block, index, integer);
      if (int64TextBytes(integer.hi, integer.lo) > longest) return false;
    }
    return intsetBytes(arena, block) * 4 + length < FLAT_BYTES_MAX;
  }

  /** Prepares an empty table for so many members. */
  reserve(members: number): void {
    if (this.encoding === Encoding.HASHTABLE) this.dict.reserve(members);
    else this.expected = members;
  }

  /** So many members are about to be added: an intset or listpack that is too small becomes a table. */
  expect(members: number, limits: SetLimits): void {
    const { encoding } = this;
    if (
      (encoding === Encoding.LISTPACK && members > limits.listpackEntriesMax) ||
      (encoding === Encoding.INTSET && members > limits.intsetEntriesMax)
    ) {
      this.convert(Encoding.HASHTABLE);
    }
  }

  /** A set that turns out to hold integers alone becomes an intset, if it is small enough for one. */
  preferIntset(limits: SetLimits): void {
    if (this.encoding === Encoding.INTSET) return;
    if (this.length <= Math.min(limits.intsetEntriesMax, INTSET_ENTRIES_MAX))
      this.convert(Encoding.INTSET);
  }

  /**
   * True when `members` of so many bytes together, none too long for a listpack, can be added one
   * after the other for sure: all that is needed is a block for each, at the most.
   */
  hasRoomFor(members: number, bytes: number, limits: SetLimits): boolean {
    const { arena, block, encoding, length } = this;
    if (encoding === Encoding.HASHTABLE) return false;
    const isIntset = encoding === Encoding.INTSET;
    const after = length + members;
    if (after > limits.listpackEntriesMax || (isIntset && after > limits.intsetEntriesMax))
      return false;
    // As a listpack an integer takes as much as 22 bytes. It is converted with a block for each.
    const has = isIntset ? length * 22 : listpackBytes(arena, block);
    const blocks = isIntset ? after + 1 : members;
    if (has + bytes + members * ELEMENT_OVERHEAD_MAX > SMALL_BYTES_MAX) return false;
    return arena.hasRoomFor(blocks);
  }

  /** Removes the member bytes[start, end). False when there is none. */
  delete(bytes: Uint8Array, view: DataView, start: number, end: number): boolean {
    const { arena, block, integer } = this;
    if (this.encoding === Encoding.HASHTABLE) {
      const { dict } = this;
      const found = dict.find(bytes, view, start, end, dict.hash(bytes, view, start, end));
      if (found === NONE) return false;
      this.beforeChange(found, bytes, view, start, end);
      dict.removeFound();
      freeElement(arena, found);
      return true;
    }
    if (this.encoding === Encoding.LISTPACK) {
      const at = find(arena, block, bytes, start, end, 1);
      if (at === 0) return false;
      this.moveTo(deleteAt(arena, block, at));
      return true;
    }
    if (!parseInt64(bytes, start, end, integer)) return false;
    const at = intsetFind(arena, block, integer.hi, integer.lo);
    if (at < 0) return false;
    this.moveTo(intsetDelete(arena, block, at));
    return true;
  }

  /**
   * A number, not 0, that stands for the member which random() or next() has shown, as long as nothing
   * changes: to tell which ones have come already.
   */
  get place(): number {
    return this.encoding === Encoding.INTSET ? this.shown + 1 : this.shown;
  }

  /** Removes the member that is shown. What is shown is void then, and a walk over. */
  deleteShown(): void {
    const { arena, block, shown, dict, member } = this;
    if (this.encoding === Encoding.INTSET) {
      this.moveTo(intsetDelete(arena, block, shown));
    } else if (this.encoding === Encoding.LISTPACK) {
      this.moveTo(deleteAt(arena, block, shown));
    } else {
      const { bytes, view, start, end } = member;
      this.beforeChange(shown, bytes, view, start, end);
      const isKnown = dict.findRef(shown, dict.hash(bytes, view, start, end));
      assert(isKnown, "a member that is shown is in its table");
      dict.removeFound();
      freeElement(arena, shown);
    }
  }

  /** @internal Tells a snapshot that is reading the table. */
  beforeChange(found: Ref, bytes: Uint8Array, view: DataView, start: number, end: number): void {
    const { holds } = this.arena;
    if (holds.size !== 0) holds.get(this.dict.header)?.beforeChange(found, bytes, view, start, end);
  }

  private moveTo(block: Ref): void {
    if (block === this.block) return;
    this.block = block;
    setValueRef(this.arena, this.entry, block);
  }

  /** Starts a walk over all members. The set must not change until it is over. */
  rewind(): void {
    this.batchIndex = 0;
    if (this.encoding === Encoding.HASHTABLE) {
      this.batch.clear();
      this.cursor = this.dict.walk(0, this.batch);
    } else if (this.encoding === Encoding.LISTPACK) this.cursor = first(this.arena, this.block);
    else this.cursor = 0;
  }

  /** Puts the walk's next member in `member`. False when there are no more. */
  next(): boolean {
    const { arena, block, cursor, member } = this;
    if (this.encoding === Encoding.HASHTABLE) {
      if (!this.nextInTable()) return false;
      // The whole batch at once, so that cache misses overlap.
      if (this.batchIndex === 0) arena.touch(this.batch.refs, this.batch.count);
      this.showEntry(this.batch.at(this.batchIndex++));
    } else if (this.encoding === Encoding.LISTPACK) {
      if (cursor === 0) return false;
      this.shown = cursor;
      readAt(arena, block, cursor, member);
      this.cursor = next(arena, block, cursor);
    } else {
      if (cursor === intsetCount(arena, block)) return false;
      this.showInteger(this.cursor++);
    }
    return true;
  }

  /** As next(), but passes over the member: of a table's, the memory is not even looked at. */
  skip(): boolean {
    if (this.encoding === Encoding.LISTPACK && this.cursor !== 0) {
      this.cursor = next(this.arena, this.block, this.cursor);
      return true;
    }
    if (this.encoding !== Encoding.HASHTABLE) return this.next();
    if (!this.nextInTable()) return false;
    this.batchIndex++;
    return true;
  }

  /** Sees to it that the batch goes on at its index; false at the end. */
  private nextInTable(): boolean {
    while (this.batchIndex === this.batch.count) {
      if (this.cursor === 0) return false;
      this.batch.clear();
      this.batchIndex = 0;
      this.cursor = this.dict.walk(this.cursor, this.batch);
    }
    return true;
  }

  /**
   * Makes next() walk over a part of the members: about `wanted` of them, from `cursor` on (0 at
   * first). Returns the cursor of the following part, an unsigned 32-bit number, or 0. As Dict's
   * scan; a flat block is one part.
   */
  scan(cursor: number, wanted: number): number {
    if (this.encoding !== Encoding.HASHTABLE) {
      this.rewind();
      return 0;
    }
    this.batch.clear();
    this.batchIndex = 0;
    this.cursor = 0;
    return this.dict.scan(cursor, wanted, this.batch);
  }

  /** As random(), in a table: also returns the member's entry, which names it until the next change. */
  randomEntry(next32: () => number): Ref {
    const entry = this.dict.random(next32);
    if (entry !== NONE) this.showEntry(entry);
    return entry;
  }

  /** Puts a random member in `member`; false when empty. `next32`: random 32 bits. */
  random(next32: () => number): boolean {
    if (this.encoding === Encoding.HASHTABLE) return this.randomEntry(next32) !== NONE;
    const { length } = this;
    if (length === 0) return false;
    const index = Math.floor(((next32() >>> 0) / 2 ** 32) * length);
    if (this.encoding === Encoding.INTSET) this.showInteger(index);
    else {
      this.shown = seek(this.arena, this.block, index);
      readAt(this.arena, this.block, this.shown, this.member);
    }
    return true;
  }

  /** Puts the element of a table in `member`. */
  showEntry(element: Ref): void {
    this.shown = element;
    showMember(this.arena, element, this.member);
  }

  private showInteger(index: number): void {
    const { integer } = this;
    intsetAt(this.arena, this.block, index, integer);
    this.shown = index;
    this.member.setInteger(integer.hi, integer.lo);
  }

  // --- Foreign bytes ---------------------------------------------------------------------------

  /**
   * A new entry for the key key[keyStart, keyEnd) with a set of foreign bytes, an intset or (`encoding`)
   * a listpack; this object becomes the window on it. NONE when they are malformed, empty, or name a
   * member twice. `expiryMs` is the key's expiry, or -1.
   */
  load(
    encoding: number,
    epoch: number,
    key: Uint8Array,
    keyStart: number,
    keyEnd: number,
    expiryMs: number,
    bytes: Uint8Array,
    view: DataView,
    start: number,
    end: number,
    limits: SetLimits,
  ): Ref {
    const { arena } = this;
    const isIntset = encoding === Encoding.INTSET;
    if (isIntset && !validateIntset(view, start, end)) return NONE;
    if (!isIntset && !validateListpack(bytes, start, end, true)) return NONE;
    const loaded = isIntset
      ? intsetFromBytes(arena, bytes, start, end)
      : listpackFromBytes(arena, bytes, start, end);
    this.encoding = encoding;
    this.block = loaded;
    let isSet = false;
    try {
      isSet = isIntset || (listpackCount(arena, loaded) > 0 && !this.hasDuplicate());
      if (!isSet) return NONE;
      isSet = false;
      this.entry = setEntryOf(arena, loaded, encoding, epoch, key, keyStart, keyEnd, expiryMs);
      isSet = true;
    } finally {
      if (!isSet) arena.free(loaded);
    }
    const most = isIntset ? limits.intsetEntriesMax : limits.listpackEntriesMax;
    if (this.length > most || end - start >= FLAT_BYTES_MAX) {
      try {
        this.convert(Encoding.HASHTABLE);
      } catch (full) {
        arena.free(loaded);
        arena.free(this.entry);
        throw full;
      }
    }
    return this.entry;
  }

  /** True when the listpack names a member twice. */
  private hasDuplicate(): boolean {
    if (this.length <= FEW_MEMBERS) return this.repeatsMember();
    const table = this.tableOfMembers();
    if (table === NONE) return true;
    freeElements(this.dict.attach(table));
    return false;
  }

  /** As hasDuplicate(), by comparing all members with all: needs no memory. */
  private repeatsMember(): boolean {
    const { arena, block, inner } = this;
    const answer = repeatsText(arena, block, 1);
    if (answer !== undefined) return answer;
    for (let at = first(arena, block); at !== 0; at = next(arena, block, at)) {
      readAt(arena, block, at, inner);
      if (find(arena, block, inner.bytes, inner.start, inner.end, 1) !== at) return true;
    }
    return false;
  }

  /** Gives the set another encoding. When there is no room for that, it is what it was. */
  private convert(encoding: number): void {
    const { arena, entry, block } = this;
    let made: Ref;
    if (encoding === Encoding.HASHTABLE) {
      made = this.tableOfMembers();
      assert(made !== NONE, "a set names no member twice");
    } else made = this.flatOfMembers(encoding === Encoding.INTSET);
    if (this.encoding === Encoding.HASHTABLE) freeElements(this.dict);
    else arena.free(block);
    this.encoding = encoding;
    if (encoding === Encoding.HASHTABLE) {
      this.block = NONE;
      this.dict.attach(made);
    } else this.block = made;
    setValueRef(arena, entry, made);
    setEncoding(arena, entry, encoding);
  }

  /** A new listpack, or intset (then all members are integers), with what the set holds. */
  private flatOfMembers(isIntset: boolean): Ref {
    const { arena, member, integer } = this;
    let made = isIntset ? createIntset(arena) : createListpack(arena);
    try {
      for (this.rewind(); this.next(); ) {
        const { bytes, start, end } = member;
        if (!isIntset) {
          made = append(arena, made, bytes, start, end);
          continue;
        }
        assert(parseInt64(bytes, start, end, integer), "an intset holds integers");
        const { hi, lo } = integer;
        made = intsetInsert(arena, made, -1 - intsetFind(arena, made, hi, lo), hi, lo);
      }
      return made;
    } catch (full) {
      arena.free(made);
      throw full;
    }
  }

  /** A new table with what the flat block holds; NONE when a member comes twice. */
  private tableOfMembers(): Ref {
    const { arena, inner, integer, block } = this;
    const table = new Dict(arena).attach(Dict.create(arena, this.seed));
    table.reserve(this.expected);
    const isIntset = this.encoding === Encoding.INTSET;
    let complete = false;
    try {
      let at = isIntset ? 0 : first(arena, block);
      const count = isIntset ? intsetCount(arena, block) : 0;
      while (isIntset ? at < count : at !== 0) {
        if (isIntset) {
          intsetAt(arena, block, at++, integer);
          inner.setInteger(integer.hi, integer.lo);
        } else {
          readAt(arena, block, at, inner);
          at = next(arena, block, at);
        }
        const { bytes, view, start, end } = inner;
        const hash = table.hash(bytes, view, start, end);
        if (table.find(bytes, view, start, end, hash) !== NONE) return NONE;
        insertElement(table, createMember(arena, bytes, start, end), hash);
      }
      complete = true;
      return table.header;
    } finally {
      // Also when the arena is full: the flat block is still whole then, and goes on being used.
      if (!complete) freeElements(table);
    }
  }

  /** Throws unless every promise in the header holds. For tests and fuzzers: slow. */
  check(): void {
    const { arena, entry, dict, block, encoding } = this;
    assert(flagsOf(arena, entry) >>> 1 === EXTERNAL_VALUE >>> 1, "a set has a block of its own");
    assert(encodingOf(arena, entry) === encoding, "the entry knows its encoding");
    if (encoding === Encoding.HASHTABLE) {
      assert(valueRef(arena, entry) === dict.header, "the entry knows its table");
      dict.check();
      dict.eachEntry((member) => checkMember(arena, member));
      return;
    }
    assert(valueRef(arena, entry) === block, "the entry knows its block");
    if (encoding === Encoding.INTSET) checkIntset(arena, block);
    else {
      checkListpack(arena, block);
      assert(!this.repeatsMember(), "no member comes twice");
    }
  }
}
