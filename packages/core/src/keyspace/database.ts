/**
 * Database: one numbered database. Keys, expiries, and the life of an entry: born, overwritten,
 * moved to another shape, renamed, removed.
 *
 * A key's bytes come as bytes[start, end) with a view over the same memory and their hash, as the
 * request parser leaves them; nothing is copied except into the arena. Every method that changes
 * an entry hands it to running snapshot cuts first. Methods that return a Ref may have moved the
 * entry: the ref passed in is void then.
 *
 * True whenever no method is running; check() verifies it:
 *   - `expires` holds exactly the entries that carry an expiry, under the same hashes;
 *   - `fieldExpiries` holds exactly the hashes of which fields expire, by the earliest of those times;
 *   - each entry is in the slot of its hash, and its value is whole.
 *
 * Not in this file: what happens when a key has expired (the caller decides whether to remove it,
 * and who is told), eviction, notifications.
 */
import { assert } from "../assert.ts";
import {
  type Arena,
  ArenaFullError,
  NONE,
  type Ref,
  roundedBytes,
  SMALL_BYTES_MAX,
} from "../memory/arena.ts";
import { Dict } from "../table/dict.ts";
import {
  createEntry,
  EXPIRY_FLAG,
  EXTERNAL_FLAG,
  entryBytes,
  expiryMs,
  flagsOf,
  idleBits,
  isInline,
  keyLength,
  keyOffset,
  setExpiryMs,
  setIdleBits,
  setValueLength,
  valueLength,
  WORD_FLAG,
  wordFieldIndex,
  wordIndex,
  wordsOf,
} from "../table/entry.ts";
import { freeEffort, freeEntry } from "../values/value.ts";
import { FieldExpiries } from "./field-expiries.ts";
import { LAZY_FREE_EFFORT, type LazyFree } from "./lazy-free.ts";
import type { SnapshotCuts } from "./snapshot-cut.ts";

/** The tables of a database that were taken out of it. */
export interface SetAside {
  /** All its keys. */
  readonly dict: Dict;
  /** Those of them with an expiry. */
  readonly expires: Dict;
  /** The heap of its hashes whose fields expire. */
  readonly fieldExpiries: Ref;
  /** How often the keys' table had been reseeded when the expiries followed. */
  readonly generation: number;
}

/** What the databases of a keyspace have in common, and have from it. */
export interface DatabaseOwner {
  /** Where keys and values live. */
  readonly arena: Arena;
  /** Seed of the hashes of all databases. */
  readonly seed: number;
  /** The running snapshots, and the epoch that new entries carry. */
  readonly cuts: SnapshotCuts;
  /** Frees what was removed lazily, in slices. */
  readonly lazyFree: LazyFree;
  /** Gives random 32-bit integers. */
  readonly random32: () => number;
  /** Much was removed: memory may be given back. */
  tidy(): void;
}

/**
 * One numbered database: see the head of this file. Entries are refs into the arena, void after any
 * call that may move them.
 */
export class Database {
  /** The keyspace that it belongs to. */
  readonly keyspace: DatabaseOwner;
  /** Where keys and values live: the keyspace's. */
  readonly arena: Arena;
  /** The number by which clients select it. */
  readonly index: number;
  /** All keys. */
  dict: Dict;
  /** The keys with an expiry. */
  expires: Dict;
  /** The hashes of which fields expire: the one where that happens first is at hand. */
  readonly fieldExpiries: FieldExpiries;
  /** Where the active expire cycle stands in `expires`. */
  expireCursor = 0;
  /** Empty tables for the next flush. */
  private spareDict: Dict | null = null;
  private spareExpires: Dict | null = null;
  /** How often `dict` had been reseeded when `expires` was last brought in line with it. */
  private generation = 0;

  constructor(keyspace: DatabaseOwner, index: number) {
    this.keyspace = keyspace;
    this.arena = keyspace.arena;
    this.index = index;
    this.dict = this.newTable();
    this.expires = this.newTable();
    this.fieldExpiries = new FieldExpiries(this.arena);
    this.prepareFlush();
  }

  private newTable(): Dict {
    return new Dict(this.arena).attach(Dict.create(this.arena, this.keyspace.seed));
  }

  /** @internal All its tables: of keys, of expiries, and those that are ready for the next flush. */
  get tables(): Dict[] {
    const all = [this.dict, this.expires, this.spareDict, this.spareExpires];
    return all.filter((each) => each !== null);
  }

  /** Number of keys, expired ones that nobody has met yet included. */
  get size(): number {
    return this.dict.count;
  }

  /** Hash of a key, as find() and insertion want it. */
  hash(bytes: Uint8Array, view: DataView, start: number, end: number): number {
    return this.dict.hash(bytes, view, start, end);
  }

  /** Entry of the key, expired or not; NONE when there is none. */
  find(bytes: Uint8Array, view: DataView, start: number, end: number, hash: number): Ref {
    return this.dict.find(bytes, view, start, end, hash);
  }

  /** As find, computing the hash. */
  findKey(bytes: Uint8Array, view: DataView, start: number, end: number): Ref {
    return this.dict.find(bytes, view, start, end, this.dict.hash(bytes, view, start, end));
  }

  /** Hands `entry` to the running cuts that lack it. To be called before any change of its value. */
  preserve(entry: Ref): void {
    const { cuts } = this.keyspace;
    if (cuts.running.length !== 0) cuts.preserve(this.dict, entry);
  }

  /**
   * A new key, which must not exist yet. `flags` as in entry.ts, without EXPIRY; for an inline
   * string `inlineBytes` is its length. The caller fills in the value (and the word). `expiryMs` is
   * its expiry, or -1.
   */
  add(
    bytes: Uint8Array,
    start: number,
    end: number,
    hash: number,
    kind: number,
    flags: number,
    inlineBytes: number,
    expiryMs = -1,
  ): Ref {
    const { epoch } = this.keyspace.cuts;
    if (expiryMs !== -1) flags |= EXPIRY_FLAG;
    const entry = createEntry(this.arena, kind, flags, epoch, bytes, start, end, inlineBytes);
    if (expiryMs !== -1) setExpiryMs(this.arena, entry, expiryMs);
    this.linkNew(entry, hash);
    return entry;
  }

  /** As link, for an entry that nobody else knows: it is freed when there is no room for it. */
  private linkNew(entry: Ref, hash: number): void {
    try {
      this.link(entry, hash);
    } catch (full) {
      this.arena.free(entry);
      throw full;
    }
  }

  /**
   * Puts an entry that is in no table into those it belongs to, in place of `old`, which the key has
   * now (NONE: nothing). `hash` is its key's. When it throws for want of room, nothing has changed
   * and the entry is still the caller's; otherwise `old` is gone, as remove() would have it.
   */
  put(entry: Ref, old: Ref, hash: number, lazily: boolean): void {
    if (old === NONE) {
      this.link(entry, hash);
      return;
    }
    const { arena, expires } = this;
    const hadExpiry = (flagsOf(arena, old) & EXPIRY_FLAG) !== 0;
    const hasExpiry = (flagsOf(arena, entry) & EXPIRY_FLAG) !== 0;
    const isNewExpiry = hasExpiry && !hadExpiry;
    let expiresHash = 0;
    if (isNewExpiry) expiresHash = expires.makeRoomFor(entry, expires.hashOfEntry(entry));
    this.fieldExpiries.makeRoomFor(entry);
    this.preserve(old);
    this.relink(old, entry, hadExpiry, hasExpiry);
    if (isNewExpiry) expires.insert(entry, expiresHash);
    this.fieldExpiries.unlink(old);
    this.fieldExpiries.link(entry);
    this.dispose(old, lazily);
  }

  /**
   * True when so many strings can be set without an expiry, one after the other, for sure: each key
   * and value together not over SMALL_BYTES_MAX. That is an entry and a page of the table for each,
   * and what the table's directory may grow to.
   */
  hasRoomFor(strings: number): boolean {
    const directoryBlocks = Math.ceil(this.dict.directoryBytesMax(strings) / SMALL_BYTES_MAX);
    return this.arena.hasRoomFor(2 * strings + directoryBlocks);
  }

  /** Puts an entry into the tables it belongs to: into all of them or, when it throws, into none. */
  private link(entry: Ref, hash: number): void {
    const { dict, expires } = this;
    const expiring = (flagsOf(this.arena, entry) & EXPIRY_FLAG) !== 0;
    // Whatever can fail comes before the first change.
    let expiresHash = 0;
    if (expiring) expiresHash = expires.makeRoomFor(entry, this.expiresHash(entry, hash));
    this.fieldExpiries.makeRoomFor(entry);
    try {
      dict.insert(entry, hash);
    } catch (full) {
      this.fieldExpiries.tidy();
      throw full;
    }
    this.fieldExpiries.link(entry);
    if (expiring) expires.insert(entry, expiresHash);
    if (dict.generation !== this.generation) this.followReseed();
  }

  /** The key table took a new seed: the expiries follow, where there is the room for that. */
  private followReseed(): void {
    const { arena, dict } = this;
    this.generation = dict.generation;
    let fresh: Dict | null = null;
    try {
      fresh = new Dict(arena).attach(Dict.create(arena, dict.seed));
      const table = fresh;
      this.expires.eachEntry((entry) => table.insert(entry, table.hashOfEntry(entry)));
    } catch (full) {
      // The two go on under seeds of their own.
      fresh?.free();
      if (full instanceof ArenaFullError) return;
      throw full;
    }
    this.expires.free();
    this.expires = fresh;
    this.expireCursor = 0;
  }

  /**
   * Gives an existing entry another shape: new flags, and room for `inlineBytes` behind the key,
   * of which the first `keepBytes` are kept. The caller deals with a value outside the entry; the
   * word is kept if both shapes have one. Encoding and idle bits stay, and the expiry if the new
   * flags have it; where only the new ones do, the caller adds the entry to `expires`. When it
   * throws for want of room, nothing has changed.
   */
  reshape(entry: Ref, flags: number, inlineBytes: number, keepBytes: number): Ref {
    const { arena } = this;
    const oldFlags = flagsOf(arena, entry);
    const keyBytes = keyLength(arena, entry);
    const oldOffset = keyOffset(oldFlags);
    const offset = keyOffset(flags);
    const need = offset + keyBytes + inlineBytes;
    const has = isInline(oldFlags) ? valueLength(arena, entry) : 0;
    if (oldFlags === flags && roundedBytes(oldOffset + keyBytes + has) === roundedBytes(need)) {
      setValueLength(arena, entry, inlineBytes);
      return entry;
    }
    const moved = arena.alloc(need);
    const from = wordsOf(arena, entry);
    const fromAt = wordIndex(entry);
    const to = wordsOf(arena, moved);
    const toAt = wordIndex(moved);
    to[toAt] = ((from[fromAt] as number) & ~0xff00) | (flags << 8);
    to[toAt + 1] = from[fromAt + 1] as number;
    to[toAt + 2] = keyBytes;
    to[toAt + 3] = inlineBytes;
    if ((flags & EXPIRY_FLAG) !== 0) {
      setExpiryMs(arena, moved, (oldFlags & EXPIRY_FLAG) !== 0 ? expiryMs(arena, entry) : 0);
    }
    if ((flags & oldFlags & WORD_FLAG) !== 0) {
      const word = wordFieldIndex(arena, entry);
      const target = wordFieldIndex(arena, moved);
      to[target] = from[word] as number;
      to[target + 1] = from[word + 1] as number;
    }
    arena.copy(moved, offset, entry, oldOffset, keyBytes + keepBytes);
    this.relink(entry, moved, (oldFlags & EXPIRY_FLAG) !== 0, (flags & EXPIRY_FLAG) !== 0);
    arena.free(entry);
    return moved;
  }

  /** The key's entry is another block now, and had or has an expiry. */
  private relink(old: Ref, moved: Ref, hadExpiry: boolean, hasExpiry: boolean): void {
    const hash = this.dict.hashOfEntry(moved);
    const known = this.dict.findRef(old, hash);
    assert(known, "an entry that moves is in its table");
    this.dict.replaceFound(moved);
    if (!hadExpiry) return;
    assert(
      this.expires.findRef(old, this.expiresHash(moved, hash)),
      "a key with an expiry is among the expires",
    );
    if (hasExpiry) this.expires.replaceFound(moved);
    else this.expires.removeFound();
  }

  /** @internal The entry was copied to another block, byte by byte: see defragment.ts. */
  entryMoved(old: Ref, moved: Ref): void {
    const expires = (flagsOf(this.arena, moved) & EXPIRY_FLAG) !== 0;
    this.relink(old, moved, expires, expires);
    this.fieldExpiries.moved(moved);
  }

  /** The two tables share their hashes, unless the expires alone were flooded and reseeded. */
  private expiresHash(entry: Ref, hash: number): number {
    return this.expires.seed === this.dict.seed ? hash : this.expires.hashOfEntry(entry);
  }

  /** Sets the expiry, in milliseconds since 1970. */
  setExpiry(entry: Ref, expiryMs: number): Ref {
    const { arena } = this;
    this.preserve(entry);
    const flags = flagsOf(arena, entry);
    let target = entry;
    if ((flags & EXPIRY_FLAG) === 0) {
      const inline = isInline(flags) ? valueLength(arena, entry) : 0;
      const length = valueLength(arena, entry);
      // Room first: an entry that has moved already could not be put back.
      this.expires.makeRoomFor(entry, this.expires.hashOfEntry(entry));
      target = this.reshape(entry, flags | EXPIRY_FLAG, inline, inline);
      setValueLength(arena, target, length);
      this.fieldExpiries.moved(target);
      this.expires.insert(target, this.expires.hashOfEntry(target));
    }
    setExpiryMs(arena, target, expiryMs);
    return target;
  }

  /** Removes the expiry. The entry as it is when it has none. */
  clearExpiry(entry: Ref): Ref {
    const { arena } = this;
    const flags = flagsOf(arena, entry);
    if ((flags & EXPIRY_FLAG) === 0) return entry;
    this.preserve(entry);
    const inline = isInline(flags) ? valueLength(arena, entry) : 0;
    const length = valueLength(arena, entry);
    const target = this.reshape(entry, flags & ~EXPIRY_FLAG, inline, inline);
    setValueLength(arena, target, length);
    this.fieldExpiries.moved(target);
    return target;
  }

  private unlinkExpiry(entry: Ref): void {
    const known = this.expires.findRef(entry, this.expires.hashOfEntry(entry));
    assert(known, "a key with an expiry is among the expires");
    this.expires.removeFound();
  }

  /** Takes the entry out of the tables. It and its value live on, in the caller's hands. */
  detach(entry: Ref): void {
    this.preserve(entry);
    this.fieldExpiries.unlink(entry);
    this.unlinkFromTables(entry);
  }

  private unlinkFromTables(entry: Ref): void {
    if ((flagsOf(this.arena, entry) & EXPIRY_FLAG) !== 0) this.unlinkExpiry(entry);
    const known = this.dict.findRef(entry, this.dict.hashOfEntry(entry));
    assert(known, "an entry that is detached is in its table");
    this.dict.removeFound();
  }

  /** Moves the key to another database, which must not have it. Throws, and has not moved it then. */
  moveTo(target: Database, entry: Ref): void {
    // The target first, which may have no room for it.
    this.fieldExpiries.handOver(entry, target.fieldExpiries, () => target.adopt(entry));
    this.preserve(entry);
    this.unlinkFromTables(entry);
  }

  /** Removes the key. `lazily` leaves a large value to lazyFree.step(). */
  remove(entry: Ref, lazily: boolean): void {
    this.detach(entry);
    this.dispose(entry, lazily);
  }

  /** Gives back a detached entry and its value. */
  dispose(entry: Ref, lazily: boolean): void {
    if (lazily && freeEffort(this.arena, entry) > LAZY_FREE_EFFORT) {
      this.keyspace.lazyFree.addEntry(entry);
    } else {
      freeEntry(this.arena, entry);
    }
  }

  /**
   * Takes in an entry detached from another database (MOVE), or one made outside. The key must not
   * exist here. `hash` is its hash, where the caller knows it.
   */
  adopt(entry: Ref, hash = this.dict.hashOfEntry(entry)): void {
    this.link(entry, hash);
  }

  /**
   * An entry like `source` (a detached one, or one of any database) under another key, holding
   * the block `value` where the source's value is outside. It is in no table yet: put() follows.
   * This is what RENAME (with the value itself) and COPY (with a copy of it) begin with.
   */
  createLike(source: Ref, value: Ref, bytes: Uint8Array, start: number, end: number): Ref {
    const { arena } = this;
    const flags = flagsOf(arena, source);
    const inline = isInline(flags) ? valueLength(arena, source) : 0;
    const kind = (wordsOf(arena, source)[wordIndex(source)] as number) & 255;
    const { epoch } = this.keyspace.cuts;
    const entry = createEntry(arena, kind, flags, epoch, bytes, start, end, inline);
    setIdleBits(arena, entry, idleBits(arena, source));
    setValueLength(arena, entry, valueLength(arena, source));
    if ((flags & EXPIRY_FLAG) !== 0) setExpiryMs(arena, entry, expiryMs(arena, source));
    if ((flags & WORD_FLAG) !== 0) {
      const from = wordFieldIndex(arena, source);
      const to = wordFieldIndex(arena, entry);
      const words = wordsOf(arena, entry);
      words[to] = (flags & EXTERNAL_FLAG) !== 0 ? value : (wordsOf(arena, source)[from] as number);
      words[to + 1] = wordsOf(arena, source)[from + 1] as number;
    }
    if (inline > 0) {
      const valueAt = keyOffset(flags);
      arena.copy(
        entry,
        valueAt + (end - start),
        source,
        valueAt + keyLength(arena, source),
        inline,
      );
    }
    return entry;
  }

  /**
   * Sees to it that flush() cannot fail. The empty tables that it needs are made beforehand, when
   * there is room: a full arena must be possible to empty. May throw ArenaFullError.
   */
  prepareFlush(): void {
    this.spareDict ??= this.newTable();
    this.spareExpires ??= this.newTable();
  }

  /** Removes all keys. Returns how many there were. */
  flush(lazily: boolean): number {
    const removed = this.empty(lazily);
    if (!lazily) this.keyspace.tidy();
    return removed;
  }

  /** @internal As flush(), which also tidies up. */
  empty(lazily: boolean): number {
    const removed = this.dict.count;
    if (removed === 0) return 0;
    this.giveUp(this.setAside(), lazily);
    return removed;
  }

  /**
   * @internal Leaves the database empty and hands its tables over: for putBack() or giveUp(). Cannot
   * fail after prepareFlush().
   */
  setAside(): SetAside {
    const { dict, expires, generation } = this;
    const fieldExpiries = this.fieldExpiries.setAside();
    this.prepareFlush();
    this.dict = this.spareDict as Dict;
    this.expires = this.spareExpires as Dict;
    this.spareDict = null;
    this.spareExpires = null;
    this.generation = 0;
    this.expireCursor = 0;
    return { dict, expires, fieldExpiries, generation };
  }

  /** @internal Takes tables back that were set aside. Returns what has come in their place. */
  putBack({ dict, expires, fieldExpiries, generation }: SetAside): SetAside {
    const present = {
      dict: this.dict,
      expires: this.expires,
      fieldExpiries: this.fieldExpiries.putBack(fieldExpiries),
      generation: this.generation,
    };
    this.dict = dict;
    this.expires = expires;
    this.generation = generation;
    this.expireCursor = 0;
    return present;
  }

  /** @internal Frees what was set aside. */
  giveUp({ dict, expires, fieldExpiries }: SetAside, lazily: boolean): void {
    expires.free();
    this.fieldExpiries.giveUp(fieldExpiries);
    if (!this.keyspace.cuts.adopt(dict)) this.freeKeys(dict, lazily);
    try {
      this.prepareFlush();
    } catch (full) {
      // Then the next flush tries again, before it changes anything.
      if (!(full instanceof ArenaFullError)) throw full;
    }
  }

  private freeKeys(dict: Dict, lazily: boolean): void {
    const { lazyFree } = this.keyspace;
    const { count } = dict;
    if (lazily && count > LAZY_FREE_EFFORT) {
      lazyFree.addTable(dict);
    } else {
      dict.eachEntry((entry) => freeEntry(this.arena, entry));
      dict.free();
      if (lazily) lazyFree.freedObjects += count;
    }
  }

  /** @internal Keyspace.swap(). */
  exchange(other: Database): void {
    [this.dict, other.dict] = [other.dict, this.dict];
    [this.expires, other.expires] = [other.expires, this.expires];
    [this.generation, other.generation] = [other.generation, this.generation];
    this.fieldExpiries.putBack(other.fieldExpiries.putBack(this.fieldExpiries.setAside()));
    this.expireCursor = 0;
    other.expireCursor = 0;
  }

  /** Random entry, or NONE. */
  random(): Ref {
    return this.dict.random(this.keyspace.random32);
  }

  /** Throws unless every promise in the header holds. For tests and fuzzers: slow. */
  check(): void {
    const { arena } = this;
    this.dict.check();
    this.expires.check();
    this.fieldExpiries.check((visit) => this.dict.eachEntry(visit));
    let volatile = 0;
    this.dict.eachEntry((entry) => {
      const flags = flagsOf(arena, entry);
      const inline = isInline(flags) ? valueLength(arena, entry) : 0;
      assert(
        arena.blockBytes(entry) >= entryBytes(flags, keyLength(arena, entry), inline),
        "an entry fits its block",
      );
      if ((flags & EXPIRY_FLAG) === 0) return;
      volatile++;
      assert(
        this.expires.findRef(entry, this.expires.hashOfEntry(entry)),
        "an entry with an expiry is among the expires",
      );
    });
    assert(volatile === this.expires.count, "only entries with an expiry are among the expires");
  }
}
