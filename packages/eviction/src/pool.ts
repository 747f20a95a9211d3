/**
 * CandidatePool: the sixteen best candidates for eviction seen so far, kept from call to call.
 *
 * A few random keys say little about which key is the best to evict; the best of all that were
 * looked at lately say much more. Between two calls any command may run, so a candidate is not a
 * ref (blocks move and are reused) but the number of its database and a copy of its key; whoever
 * takes it looks it up again and may find a ghost, a key that is gone.
 *
 *      order    [ s3 | s0 | s7 | .. ]  slots by score, worst first; those behind `count` are free
 *      slot     score, database, key length, and the key's bytes:
 *      slab     [ 256 bytes | 256 bytes | .. ]     keys up to 255 bytes; longer ones are allocated
 *
 * True whenever no method is running; check() verifies it:
 *   - `order` holds every slot once; the scores of the first `count` never fall;
 *   - a key of a database is in the pool at most once.
 *
 * Not in this file: what a score means, and whether a candidate still exists.
 */
import { type Arena, assert, bytesOf, keyEquals, keyIndex, keyLength, type Ref } from "@kv/core";

/** Candidates that are remembered; Redis has as many. */
export const POOL_SIZE = 16;
const SLOT_BYTES_SHIFT = 8;
/** Longest key that is kept in the slab. */
const SLAB_KEY_BYTES_MAX = 255;

/** The best candidates so far, by copies of their keys: see the head of this file. */
export class CandidatePool {
  /** Candidates in the pool. */
  count = 0;
  /** Score of the candidate that takeBest() took. */
  bestScore = 0;
  /** Number of its database. */
  bestDatabase = 0;
  /** Its key is bestBytes[bestStart, bestEnd), void when the pool is next changed. */
  bestBytes: Uint8Array;
  /** A view over the memory of `bestBytes`. */
  bestView: DataView;
  /** Where its key begins. */
  bestStart = 0;
  /** Where its key ends. */
  bestEnd = 0;

  private readonly order = Uint8Array.from({ length: POOL_SIZE }, (_, slot) => slot);
  private readonly scores = new Float64Array(POOL_SIZE);
  private readonly databases = new Int32Array(POOL_SIZE);
  private readonly lengths = new Int32Array(POOL_SIZE);
  private readonly slab = new Uint8Array(POOL_SIZE << SLOT_BYTES_SHIFT);
  private readonly slabView = new DataView(this.slab.buffer);
  /** The long key of a slot, where it has one, and the view over it. */
  private readonly longKeys: (Uint8Array | null)[] = Array(POOL_SIZE).fill(null);
  private readonly longViews: DataView[] = Array(POOL_SIZE).fill(this.slabView);

  constructor() {
    this.bestBytes = this.slab;
    this.bestView = this.slabView;
  }

  /** Forgets all candidates. */
  clear(): void {
    this.count = 0;
    this.longKeys.fill(null);
  }

  /**
   * Takes the entry in, with a copy of its key; a candidate of the same key gives way. A full pool
   * turns away what is no better than its worst, which is most of what it is offered: false.
   */
  offer(database: number, arena: Arena, entry: Ref, score: number): boolean {
    const { order, scores } = this;
    if (this.count === POOL_SIZE && score <= (scores[order[0] as number] as number)) return false;
    const known = this.indexOf(database, arena, entry);
    if (known >= 0) {
      if (scores[order[known] as number] === score) return true;
      this.removeAt(known);
    }
    let at = 0;
    while (at < this.count && (scores[order[at] as number] as number) < score) at++;
    let slot: number;
    if (this.count < POOL_SIZE) {
      slot = order[this.count] as number;
      order.copyWithin(at + 1, at, this.count);
      this.count++;
    } else {
      // The worst one leaves; those between it and the newcomer move down.
      at--;
      slot = order[0] as number;
      order.copyWithin(0, 1, at + 1);
    }
    order[at] = slot;
    scores[slot] = score;
    this.databases[slot] = database;
    this.copyKey(slot, arena, entry);
    return true;
  }

  /**
   * Takes the best candidate out and shows it in the `best` fields, which are good until the next
   * call of any method. False when the pool is empty.
   */
  takeBest(): boolean {
    if (this.count === 0) return false;
    const slot = this.order[--this.count] as number;
    this.bestScore = this.scores[slot] as number;
    this.bestDatabase = this.databases[slot] as number;
    this.showKey(slot);
    this.longKeys[slot] = null;
    return true;
  }

  /** Where in `order` the entry's key stands, or -1. */
  private indexOf(database: number, arena: Arena, entry: Ref): number {
    for (let index = 0; index < this.count; index++) {
      const slot = this.order[index] as number;
      if (this.databases[slot] === database && this.holdsKey(slot, arena, entry)) return index;
    }
    return -1;
  }

  private holdsKey(slot: number, arena: Arena, entry: Ref): boolean {
    const long = this.longKeys[slot] as Uint8Array | null;
    const length = this.lengths[slot] as number;
    if (long !== null)
      return keyEquals(arena, entry, long, this.longViews[slot] as DataView, 0, length);
    const start = slot << SLOT_BYTES_SHIFT;
    return keyEquals(arena, entry, this.slab, this.slabView, start, start + length);
  }

  private removeAt(index: number): void {
    const slot = this.order[index] as number;
    this.order.copyWithin(index, index + 1, this.count);
    this.order[--this.count] = slot;
    this.longKeys[slot] = null;
  }

  private copyKey(slot: number, arena: Arena, entry: Ref): void {
    const length = keyLength(arena, entry);
    const source = bytesOf(arena, entry);
    const from = keyIndex(arena, entry);
    this.lengths[slot] = length;
    if (length > SLAB_KEY_BYTES_MAX) {
      const key = source.slice(from, from + length);
      this.longKeys[slot] = key;
      this.longViews[slot] = new DataView(key.buffer);
      return;
    }
    this.longKeys[slot] = null;
    const to = slot << SLOT_BYTES_SHIFT;
    for (let i = 0; i < length; i++) this.slab[to + i] = source[from + i] as number;
  }

  private showKey(slot: number): void {
    const long = this.longKeys[slot] as Uint8Array | null;
    this.bestStart = long === null ? slot << SLOT_BYTES_SHIFT : 0;
    this.bestEnd = this.bestStart + (this.lengths[slot] as number);
    this.bestBytes = long ?? this.slab;
    this.bestView = long === null ? this.slabView : (this.longViews[slot] as DataView);
  }

  /** Throws unless every promise in the header holds. For tests and fuzzers: slow. */
  check(): void {
    assert(new Set(this.order).size === POOL_SIZE, "every slot is in the order once");
    const keys = new Set<string>();
    for (let index = 0; index < this.count; index++) {
      const slot = this.order[index] as number;
      const score = this.scores[slot] as number;
      const before = index === 0 ? score : (this.scores[this.order[index - 1] as number] as number);
      assert(before <= score, "the scores never fall");
      this.showKey(slot);
      const key = this.bestBytes.subarray(this.bestStart, this.bestEnd);
      keys.add(`${this.databases[slot]} ${key}`);
    }
    assert(keys.size === this.count, "a key is in the pool at most once");
  }
}
