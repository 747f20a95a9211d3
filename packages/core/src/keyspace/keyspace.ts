/**
 * Keyspace: the numbered databases over one arena, and the cuts through them.
 *
 * Promises: a block that no entry names any more has been freed or stands on the lazy-free list;
 * memory in use is `arena.usedBytes`, exactly. Clocks and randomness come from outside.
 */
import { assert } from "../assert.ts";
import { Arena, type ArenaOptions } from "../memory/arena.ts";
import { SegmentEvacuation } from "../memory/segment-evacuation.ts";
import { KEYED_SEED_BIT } from "../table/hash.ts";
import { Database, type DatabaseOwner } from "./database.ts";
import { Defragmenter } from "./defragment.ts";
import { LazyFree } from "./lazy-free.ts";
import { SnapshotCuts } from "./snapshot-cut.ts";

/** Up to so many keys are looked at, at once, when memory is to be given back. */
const TIDY_KEYS_MAX = 1000;
const TIDY_ENTRIES = 4096;

/** What a keyspace is made with: everything has a default. */
export interface KeyspaceOptions {
  /** Number of databases. Default 16. */
  databaseCount?: number;
  /**
   * Gives random 32-bit integers: for the hash seed, random keys, sampling. Without it a fixed sequence
   * does, the same in each run: good for tests and for keys of one's own, not for keys of strangers, who
   * could choose them so that their hashes collide.
   */
  random32?: () => number;
  /** Sizes of the arena's segments. */
  arena?: ArenaOptions;
  /**
   * A keyspace to stand beside, with as many databases over the same arena: what is read into this one may
   * take the place of what is there, at once (takeOver). It is in no snapshot until then. discard() it.
   */
  beside?: Keyspace;
}

/** Well spread numbers, the same each time. */
function fixedSequence(): () => number {
  let state = 0x5eed;
  return () => {
    state = (state + 0x9e3779b9) | 0;
    let z = state;
    z = Math.imul(z ^ (z >>> 16), 0x85ebca6b);
    z = Math.imul(z ^ (z >>> 13), 0xc2b2ae35);
    return z ^ (z >>> 16);
  };
}

/** Numbered databases over one arena, the snapshots of them and what is still to be freed. */
export class Keyspace implements DatabaseOwner {
  /** Where all keys, values and tables live; `arena.usedBytes` is the memory in use, exactly. */
  readonly arena: Arena;
  /** The databases, by number. */
  readonly databases: Database[] = [];
  /** Begins snapshots, and knows those that run. */
  readonly cuts: SnapshotCuts;
  /** What was removed lazily waits here for step(). */
  readonly lazyFree: LazyFree;
  /** Gives random 32-bit integers: as the options say. */
  readonly random32: () => number;
  private evacuator: Defragmenter | null = null;
  /** Seed of the hashes of all databases: a key's hash is the same in each, unless reseeded. */
  readonly seed: number;

  constructor(options: KeyspaceOptions = {}) {
    const { beside } = options;
    this.arena = beside?.arena ?? new Arena(options.arena);
    this.random32 = beside?.random32 ?? options.random32 ?? fixedSequence();
    this.seed = beside?.seed ?? this.random32() & ~KEYED_SEED_BIT;
    this.lazyFree = beside?.lazyFree ?? new LazyFree(this.arena, () => this.tidy());
    this.cuts =
      beside?.cuts ??
      new SnapshotCuts(
        this.arena,
        () => this.databases.map((database) => database.dict),
        this.lazyFree,
      );
    const databaseCount = beside?.databases.length ?? options.databaseCount ?? 16;
    for (let index = 0; index < databaseCount; index++)
      this.databases.push(new Database(this, index));
  }

  /** Keys in all databases. */
  get keyCount(): number {
    let sum = 0;
    for (const database of this.databases) sum += database.size;
    return sum;
  }

  /** Hashes in all databases of which fields expire. */
  get fieldExpiryCount(): number {
    let sum = 0;
    for (const { fieldExpiries } of this.databases) sum += fieldExpiries.count;
    return sum;
  }

  /** Exchanges the contents of two databases (SWAPDB). */
  swap(a: number, b: number): void {
    const first = this.databases[a];
    const second = this.databases[b];
    assert(first !== undefined && second !== undefined, "SWAPDB names two databases that exist");
    first.exchange(second);
  }

  /**
   * Exchanges the contents of all databases with those of a keyspace beside it. What was here must have
   * been given up by all snapshots.
   */
  takeOver(beside: Keyspace): void {
    for (const [index, database] of this.databases.entries())
      database.exchange(beside.databases[index] as Database);
  }

  /** Of one that stands beside another: all that is in it is freed, and its tables. The end of it. */
  discard(lazily: boolean): void {
    for (const database of this.databases) {
      database.empty(lazily);
      for (const table of database.tables) table.free();
    }
    if (!lazily) this.tidy();
  }

  /** Empties every database; `lazily` leaves the freeing to lazyFree.step(). Returns the keys. */
  flush(lazily: boolean): number {
    // All or none: what may fail comes before the first is emptied.
    for (const database of this.databases) database.prepareFlush();
    let removed = 0;
    for (const database of this.databases) removed += database.empty(lazily);
    if (!lazily) this.tidy();
    return removed;
  }

  /**
   * After much was removed: where few keys are left, no segment is kept for their sake, or for that
   * of the empty tables.
   */
  tidy(): void {
    if (this.arena.words.length === 1 || this.keyCount > TIDY_KEYS_MAX) return;
    this.evacuator?.restart();
    this.evacuate(TIDY_ENTRIES);
  }

  /**
   * Goes on moving blocks out of sparsely used segments, so that those are given back: about so many
   * keys and fields on. True when there is nothing more to gain, or the walk has come to its end.
   */
  evacuate(entryCount: number): boolean {
    this.evacuator ??= new Defragmenter(this, new SegmentEvacuation(this.arena));
    return this.evacuator.step(entryCount);
  }

  /** Bytes of all tables (keys and expiries), without the entries. */
  tableBytes(): number {
    let sum = 0;
    for (const { dict, expires, fieldExpiries } of this.databases)
      sum += dict.tableBytes() + expires.tableBytes() + fieldExpiries.bytes();
    return sum;
  }

  /** Throws unless every structure keeps its promises. For tests and fuzzers: slow. */
  check(): void {
    this.arena.check();
    for (const database of this.databases) database.check();
  }
}
