/**
 * Membership: who is in which names. A many-to-many relation between names, which are any bytes, and
 * members, which are unsigned 32-bit numbers: subscribers of channels, watchers of keys, readers of
 * tracked keys. All of it lies in the arena, so that millions of names cost no JavaScript objects,
 * no table of the runtime's can be full, and every byte is counted at once.
 *
 * Three kinds of entries (entry.ts) in two dicts; each entry is on the lists that it needs:
 *
 *      names   "news" ⇄ "weather" ⇄ ...                         in the order in which they came
 *                 │         │
 *      pairs   (7,news) ⇄ (9,news)                              of a name: in the order of joining
 *                 ⇅
 *              (7,weather)                                      of a member: in the order of joining
 *
 *      word of     1        3      4        5         6          7         8
 *      a name      first    last   count    previous  next       free                  then its bytes
 *      a pair      before   after  member   name      previous   next      flag
 *                  (of the name)                      (of the member)
 *      a member    first    last   member   0         count      units
 *
 * Pairs and members share a dict, keyed by words 4 and 5: no name has ref 0. So adding, removing and
 * asking take the same time however many names and members there are; removing a member takes as
 * long as it has names.
 *
 * `units` is what a member costs, in units of 8 bytes: itself, its pairs, and every name of which it
 * is the first member, each with its share of a table. A name is charged to the next one when the
 * first leaves. So what all members cost together is what all of it takes, each byte counted once.
 *
 * Refs that are given out are good until the next change. Blocks do not move (defragment.ts knows
 * only those of databases). When add() throws for want of room, nothing has changed.
 *
 * Not in this file: what a name or a number means. A member that is gone stays until it is removed.
 */
import { assert } from "../assert.ts";
import { type Arena, NONE, type Ref } from "../memory/arena.ts";
import type { RefList } from "../memory/ref-list.ts";
import { Dict } from "./dict.ts";
import { createEntry, EXPIRY_FLAG, WORD_FLAG, wordIndex, wordsOf } from "./entry.ts";
import { KEYED_SEED_BIT } from "./hash.ts";

/** Who frees what a clear() leaves, a slice at a time: the keyspace's lazyFree. */
export interface TableTaker {
  /** Takes over a table with all its entries; each counts as so many objects. */
  addTable(dict: Dict, objectsPerEntry?: number): void;
}

/** Both flags together leave the 16 bytes in front of a name's own bytes to us. */
const NAME_FLAGS = EXPIRY_FLAG | WORD_FLAG;

/** Words of a name. */
const FIRST = 1;
const LAST = 3;
const COUNT = 4;
const PREVIOUS_NAME = 5;
const NEXT_NAME = 6;
/** Words of a pair; MEMBER also of a member. */
const BEFORE = 1;
const AFTER = 3;
const MEMBER = 4;
const NAME = 5;
const PREVIOUS = 6;
const NEXT = 7;
const FLAG = 8;
/** Words of a member, besides FIRST and LAST. */
const NAME_COUNT = 6;
const UNITS = 7;

const PAIR_VALUE_BYTES = 12;
const MEMBER_VALUE_BYTES = 8;
/** Slots of a table are 8 bytes, and about every second one is full. */
const SLOT_UNITS = 2;
/** More entries than this are freed a slice at a time, where somebody does that. */
const CLEARED_AT_ONCE_MAX = 1000;
/** Pairs whose memory is read ahead together when many are removed. */
const TOUCHED_AT_ONCE = 32;

/** Who is in which names, many to many: see the head of this file. */
export class Membership {
  /** How many different names somebody is in. */
  nameCount = 0;
  /** Pairs of a name and a member. */
  pairCount = 0;
  private readonly arena: Arena;
  private readonly random32: () => number;
  private readonly lazyFree: TableTaker | null;
  /** Both are there only while there are names. */
  private names: Dict;
  private pairs: Dict;
  private firstNameRef: Ref = NONE;
  private lastNameRef: Ref = NONE;
  /** The key of the pair or member that is looked for. */
  private readonly key = new Uint8Array(8);
  private readonly keyView = new DataView(this.key.buffer);
  /** Pairs that are removed next, and what is worked out to read their memory ahead. */
  private readonly upcoming = new Int32Array(TOUCHED_AT_ONCE);
  private readonly touched = new Int32Array(TOUCHED_AT_ONCE);
  private readonly hashes = new Int32Array(TOUCHED_AT_ONCE);

  /** `lazyFree` frees what a clear() of many names leaves; without it, clear() does that itself. */
  constructor(arena: Arena, random32: () => number, lazyFree: TableTaker | null = null) {
    this.arena = arena;
    this.random32 = random32;
    this.lazyFree = lazyFree;
    this.names = new Dict(arena);
    this.pairs = new Dict(arena);
  }

  // Asking.

  /** The name bytes[start, end), or NONE when nobody is in it. `view` covers the same memory. */
  find(bytes: Uint8Array, view: DataView, start: number, end: number): Ref {
    if (this.nameCount === 0) return NONE;
    const { names } = this;
    return names.find(bytes, view, start, end, names.hash(bytes, view, start, end));
  }

  /** True when the member is in the name. */
  has(member: number, bytes: Uint8Array, view: DataView, start: number, end: number): boolean {
    const name = this.find(bytes, view, start, end);
    return name !== NONE && this.pair(member, name) !== NONE;
  }

  /** How many members a name has; of NONE, none. */
  countOf(name: Ref): number {
    return name === NONE ? 0 : this.word(name, COUNT);
  }

  /** How many names a member is in. */
  countOfMember(member: number): number {
    const owner = this.member(member);
    return owner === NONE ? 0 : this.word(owner, NAME_COUNT);
  }

  /** What a member costs in bytes: see the header. */
  bytesOf(member: number): number {
    const owner = this.member(member);
    return owner === NONE ? 0 : (this.word(owner, UNITS) >>> 0) * 8;
  }

  /** The pair of a member and a name that is there; NONE when it is not in it. */
  pair(member: number, name: Ref): Ref {
    return this.pairCount === 0 ? NONE : this.findPair(member, name);
  }

  /** A random name, each about equally likely; NONE when there is none. */
  randomName(): Ref {
    return this.nameCount === 0 ? NONE : this.names.random(this.random32);
  }

  // Walking. All end with NONE.

  /** The name that came first of those that are there. */
  firstName(): Ref {
    return this.firstNameRef;
  }

  /** The name behind this one, or NONE. */
  nextName(name: Ref): Ref {
    return this.word(name, NEXT_NAME);
  }

  /** The pair of a name with the member that joined it first. */
  firstPairOfName(name: Ref): Ref {
    return this.word(name, FIRST);
  }

  /** The pair behind this one of the same name, or NONE. */
  nextPairOfName(pair: Ref): Ref {
    return this.word(pair, AFTER);
  }

  /** The pair of a member with the name that it joined first. */
  firstPairOfMember(member: number): Ref {
    const owner = this.member(member);
    return owner === NONE ? NONE : this.word(owner, FIRST);
  }

  /** The pair behind this one of the same member, or NONE. */
  nextPairOfMember(pair: Ref): Ref {
    return this.word(pair, NEXT);
  }

  /** The member of a pair. */
  memberOf(pair: Ref): number {
    return this.word(pair, MEMBER) >>> 0;
  }

  /** The name of a pair. */
  nameOf(pair: Ref): Ref {
    return this.word(pair, NAME);
  }

  /** A number of the user's own that goes with a pair; 0 at first. */
  flagOf(pair: Ref): number {
    return this.word(pair, FLAG);
  }

  /** Sets or clears the pair's flag. */
  setFlag(pair: Ref, flag: number): void {
    this.setWord(pair, FLAG, flag);
  }

  /**
   * Adds the members of a name to `out`, as signed numbers, in the order in which they joined; at
   * most `countMax`, those that joined first.
   */
  membersOf(name: Ref, out: RefList, countMax = Number.MAX_SAFE_INTEGER): void {
    if (name === NONE) return;
    let left = countMax;
    for (let pair = this.word(name, FIRST); pair !== NONE && left > 0; left--) {
      out.push(this.word(pair, MEMBER));
      pair = this.word(pair, AFTER);
    }
  }

  // Changing.

  /** The member joins the name bytes[start, end). False when it was in it already. */
  add(member: number, bytes: Uint8Array, view: DataView, start: number, end: number): boolean {
    const { arena } = this;
    if (this.nameCount === 0) this.open();
    const { names, pairs } = this;
    const hash = names.hash(bytes, view, start, end);
    const known = names.find(bytes, view, start, end, hash);
    if (known !== NONE && this.findPair(member, known) !== NONE) return false;
    let name = known;
    let isNamed = false;
    let owner = this.findPair(member, NONE);
    const isOwner = owner !== NONE;
    let isOwned = false;
    let pair = NONE;
    try {
      if (known === NONE) {
        name = createEntry(arena, 0, NAME_FLAGS, 0, bytes, start, end, 0);
        names.insert(name, hash);
        isNamed = true;
      }
      if (!isOwner) {
        owner = this.createPair(member, NONE, MEMBER_VALUE_BYTES);
        pairs.insert(owner, pairs.hashOfEntry(owner));
        isOwned = true;
      }
      pair = this.createPair(member, name, PAIR_VALUE_BYTES);
      pairs.insert(pair, pairs.hashOfEntry(pair));
    } catch (full) {
      // Nothing is linked yet, so that undoing cannot fail.
      if (pair !== NONE) arena.free(pair);
      if (isOwned) this.unlist(pairs, owner);
      if (!isOwner && owner !== NONE) arena.free(owner);
      if (isNamed) this.unlist(names, name);
      if (known === NONE && name !== NONE) arena.free(name);
      if (this.nameCount === 0) this.close();
      throw full;
    }
    if (isNamed) this.linkName(name);
    if (isOwned) {
      this.setWord(owner, FIRST, NONE);
      this.setWord(owner, LAST, NONE);
      this.setWord(owner, NAME_COUNT, 0);
      this.setWord(owner, UNITS, this.unitsOf(owner));
    }
    this.link(owner, name, pair);
    return true;
  }

  /** The member leaves the name bytes[start, end). False when it was not in it. */
  remove(member: number, bytes: Uint8Array, view: DataView, start: number, end: number): boolean {
    const name = this.find(bytes, view, start, end);
    if (name === NONE) return false;
    const pair = this.findPair(member, name);
    if (pair === NONE) return false;
    this.removePair(pair);
    return true;
  }

  /** A member leaves a name. A name without members is gone, and a member without names. */
  removePair(pair: Ref): void {
    const name = this.word(pair, NAME);
    this.unlink(pair);
    if (this.word(name, COUNT) === 0) this.freeName(name);
    if (this.nameCount === 0) this.close();
  }

  /** The member leaves all names. */
  removeMember(member: number): void {
    // Whoever is the only one there takes everything along.
    if (this.countOfMember(member) === this.pairCount) this.clear();
    else this.keepFirst(member, 0);
  }

  /** The member leaves all names but the `count` that it joined first. */
  keepFirst(member: number, count: number): void {
    const { upcoming } = this;
    for (let left = this.countOfMember(member) - count; left > 0; ) {
      const wanted = Math.min(left, TOUCHED_AT_ONCE);
      let pair = this.word(this.member(member), LAST);
      for (let i = 0; i < wanted; i++, pair = this.word(pair, PREVIOUS)) upcoming[i] = pair;
      if (wanted === TOUCHED_AT_ONCE) this.touchUpcoming();
      for (let i = 0; i < wanted; i++) this.removePair(upcoming[i] as Ref);
      left -= wanted;
    }
  }

  /**
   * Reads the memory that removing the upcoming pairs will need, so that its cache misses overlap
   * (Arena.touch says how). Measured with three million names that lie scattered: half the time.
   */
  private touchUpcoming(): void {
    const { arena, names, pairs, upcoming, touched, hashes } = this;
    const { length } = upcoming;
    for (let i = 0; i < length; i++) touched[i] = this.word(upcoming[i] as Ref, NAME);
    arena.touch(touched, length);
    for (let i = 0; i < length; i++) hashes[i] = names.hashOfEntry(touched[i] as Ref);
    names.touchSlots(hashes, length, touched);
    for (let i = 0; i < length; i++) hashes[i] = pairs.hashOfEntry(upcoming[i] as Ref);
    pairs.touchSlots(hashes, length, touched);
  }

  /**
   * Takes a name out of everything, and gives its members to `out` as membersOf() does. Its bytes
   * stay as they are until the caller frees them, with release().
   */
  detachName(name: Ref, out: RefList): void {
    for (let pair = this.word(name, FIRST); pair !== NONE; pair = this.word(name, FIRST)) {
      out.push(this.word(pair, MEMBER));
      this.unlink(pair);
    }
    this.unlinkName(name);
    this.unlist(this.names, name);
    if (this.nameCount === 0) this.close();
  }

  /** Frees a name that detachName() has taken out. */
  release(name: Ref): void {
    this.arena.free(name);
  }

  /** All leave all names. */
  clear(): void {
    if (this.nameCount === 0) return;
    const { arena, names, pairs, lazyFree } = this;
    if (lazyFree !== null && this.pairCount > CLEARED_AT_ONCE_MAX) {
      lazyFree.addTable(names);
      lazyFree.addTable(pairs, 0);
      this.names = new Dict(arena);
      this.pairs = new Dict(arena);
    } else {
      for (const dict of [names, pairs]) {
        dict.eachEntry((entry) => arena.free(entry));
        dict.free();
      }
    }
    this.nameCount = 0;
    this.pairCount = 0;
    this.firstNameRef = NONE;
    this.lastNameRef = NONE;
  }

  // Blocks and their words.

  private word(entry: Ref, word: number): number {
    return wordsOf(this.arena, entry)[wordIndex(entry) + word] as number;
  }

  private setWord(entry: Ref, word: number, value: number): void {
    wordsOf(this.arena, entry)[wordIndex(entry) + word] = value;
  }

  private addToWord(entry: Ref, word: number, value: number): void {
    const words = wordsOf(this.arena, entry);
    const at = wordIndex(entry) + word;
    words[at] = (words[at] as number) + value;
  }

  /** What an entry costs in units: its block, and its share of a table. */
  private unitsOf(entry: Ref): number {
    return this.arena.blockBytes(entry) / 8 + SLOT_UNITS;
  }

  private open(): void {
    const { arena } = this;
    const seed = () => this.random32() & ~KEYED_SEED_BIT;
    this.names.attach(Dict.create(arena, seed()));
    try {
      this.pairs.attach(Dict.create(arena, seed()));
    } catch (full) {
      this.names.free();
      throw full;
    }
  }

  private close(): void {
    this.names.free();
    this.pairs.free();
  }

  private member(member: number): Ref {
    return this.pairCount === 0 ? NONE : this.findPair(member, NONE);
  }

  private findPair(member: number, name: Ref): Ref {
    const { key, keyView, pairs } = this;
    keyView.setInt32(0, member, true);
    keyView.setInt32(4, name, true);
    return pairs.find(key, keyView, 0, 8, pairs.hash(key, keyView, 0, 8));
  }

  private createPair(member: number, name: Ref, valueBytes: number): Ref {
    const { key, keyView } = this;
    keyView.setInt32(0, member, true);
    keyView.setInt32(4, name, true);
    return createEntry(this.arena, 0, 0, 0, key, 0, 8, valueBytes);
  }

  /** Takes an entry out of its dict. */
  private unlist(dict: Dict, entry: Ref): void {
    assert(dict.findRef(entry, dict.hashOfEntry(entry)), "an entry is in its dict");
    dict.removeFound();
  }

  private linkName(name: Ref): void {
    const last = this.lastNameRef;
    this.setWord(name, FIRST, NONE);
    this.setWord(name, LAST, NONE);
    this.setWord(name, COUNT, 0);
    this.setWord(name, PREVIOUS_NAME, last);
    this.setWord(name, NEXT_NAME, NONE);
    if (last === NONE) this.firstNameRef = name;
    else this.setWord(last, NEXT_NAME, name);
    this.lastNameRef = name;
    this.nameCount++;
  }

  private unlinkName(name: Ref): void {
    const previous = this.word(name, PREVIOUS_NAME);
    const next = this.word(name, NEXT_NAME);
    if (previous === NONE) this.firstNameRef = next;
    else this.setWord(previous, NEXT_NAME, next);
    if (next === NONE) this.lastNameRef = previous;
    else this.setWord(next, PREVIOUS_NAME, previous);
    this.nameCount--;
  }

  private freeName(name: Ref): void {
    this.unlinkName(name);
    this.unlist(this.names, name);
    this.arena.free(name);
  }

  /** Puts a pair at the ends of its two lists. */
  private link(owner: Ref, name: Ref, pair: Ref): void {
    const before = this.word(name, LAST);
    const previous = this.word(owner, LAST);
    this.setWord(pair, BEFORE, before);
    this.setWord(pair, AFTER, NONE);
    this.setWord(pair, PREVIOUS, previous);
    this.setWord(pair, NEXT, NONE);
    this.setWord(pair, FLAG, 0);
    if (before === NONE) this.setWord(name, FIRST, pair);
    else this.setWord(before, AFTER, pair);
    if (previous === NONE) this.setWord(owner, FIRST, pair);
    else this.setWord(previous, NEXT, pair);
    this.setWord(name, LAST, pair);
    this.setWord(owner, LAST, pair);
    this.addToWord(name, COUNT, 1);
    this.addToWord(owner, NAME_COUNT, 1);
    const units = this.unitsOf(pair) + (before === NONE ? this.unitsOf(name) : 0);
    this.addToWord(owner, UNITS, units);
    this.pairCount++;
  }

  /** Takes a pair out of everything and frees it, with a member that has no other one. */
  private unlink(pair: Ref): void {
    const { arena, pairs } = this;
    const member = this.word(pair, MEMBER);
    const name = this.word(pair, NAME);
    const owner = this.findPair(member, NONE);
    const before = this.word(pair, BEFORE);
    const after = this.word(pair, AFTER);
    const previous = this.word(pair, PREVIOUS);
    const next = this.word(pair, NEXT);
    let units = this.unitsOf(pair);
    if (before === NONE) {
      this.setWord(name, FIRST, after);
      units += this.unitsOf(name);
      if (after !== NONE) {
        const heir = this.findPair(this.word(after, MEMBER), NONE);
        this.addToWord(heir, UNITS, this.unitsOf(name));
      }
    } else this.setWord(before, AFTER, after);
    if (after === NONE) this.setWord(name, LAST, before);
    else this.setWord(after, BEFORE, before);
    if (previous === NONE) this.setWord(owner, FIRST, next);
    else this.setWord(previous, NEXT, next);
    if (next === NONE) this.setWord(owner, LAST, previous);
    else this.setWord(next, PREVIOUS, previous);
    this.addToWord(name, COUNT, -1);
    this.addToWord(owner, NAME_COUNT, -1);
    this.addToWord(owner, UNITS, -units);
    this.pairCount--;
    this.unlist(pairs, pair);
    arena.free(pair);
    if (this.word(owner, NAME_COUNT) > 0) return;
    this.unlist(pairs, owner);
    arena.free(owner);
  }

  /** Throws unless every promise in the header holds. For tests and fuzzers: slow. */
  check(): void {
    if (this.nameCount === 0) {
      assert(this.pairCount === 0 && this.firstNameRef === NONE, "without names there is nothing");
      assert(this.names.header === NONE && this.pairs.header === NONE, "nor a table");
      return;
    }
    const units = new Map<number, number>();
    const charge = (member: number, entry: Ref) =>
      units.set(member, (units.get(member) ?? 0) + this.unitsOf(entry));
    let nameCount = 0;
    let pairCount = 0;
    let last = NONE;
    for (let name = this.firstNameRef; name !== NONE; name = this.nextName(name)) {
      nameCount++;
      assert(this.word(name, PREVIOUS_NAME) === last, "names know the one before");
      assert(this.names.findRef(name, this.names.hashOfEntry(name)), "a name is in its table");
      pairCount += this.checkPairsOfName(name);
      charge(this.memberOf(this.firstPairOfName(name)), name);
      last = name;
    }
    assert(last === this.lastNameRef, "the last name is known");
    assert(nameCount === this.nameCount && nameCount === this.names.count, "names are counted");
    let memberCount = 0;
    let ownPairs = 0;
    this.pairs.eachEntry((entry) => {
      charge(this.memberOf(entry), entry);
      if (this.nameOf(entry) !== NONE) return;
      memberCount++;
      ownPairs += this.checkPairsOfMember(entry);
    });
    assert(pairCount === this.pairCount && ownPairs === pairCount, "pairs are counted");
    assert(this.pairs.count === pairCount + memberCount, "nothing else is in the table");
    for (const [member, sum] of units)
      assert(this.bytesOf(member) === sum * 8, "a member knows what it costs");
    this.names.check();
    this.pairs.check();
  }

  private checkPairsOfName(name: Ref): number {
    let count = 0;
    let before = NONE;
    for (let pair = this.word(name, FIRST); pair !== NONE; pair = this.word(pair, AFTER)) {
      assert(this.nameOf(pair) === name && this.word(pair, BEFORE) === before, "pairs of a name");
      assert(this.findPair(this.memberOf(pair), name) === pair, "a pair is in its table");
      before = pair;
      count++;
    }
    assert(before === this.word(name, LAST), "a name knows its last pair");
    assert(count > 0 && count === this.word(name, COUNT), "a name counts its members");
    return count;
  }

  private checkPairsOfMember(owner: Ref): number {
    let count = 0;
    let previous = NONE;
    for (let pair = this.word(owner, FIRST); pair !== NONE; pair = this.word(pair, NEXT)) {
      assert(this.word(pair, MEMBER) === this.word(owner, MEMBER), "pairs of a member");
      assert(this.word(pair, PREVIOUS) === previous, "pairs know the one before");
      previous = pair;
      count++;
    }
    assert(previous === this.word(owner, LAST), "a member knows its last pair");
    assert(count > 0 && count === this.word(owner, NAME_COUNT), "a member counts its names");
    return count;
  }
}
