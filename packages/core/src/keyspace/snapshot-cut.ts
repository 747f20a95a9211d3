/**
 * Snapshot cuts: the data set as it was at one instant, while it goes on changing.
 *
 * There is no fork(). Beginning a cut raises the epoch, a 16-bit counter; every entry carries the
 * epoch in which its present state was born. A cut then hands each entry that is older than itself
 * to its consumer exactly once, in one of two ways:
 *
 *   step()      a cursor walks the captured tables, a slice at a time, between commands;
 *   preserve()  the hook in front of every change: an entry about to be changed, moved or deleted
 *               that some cut has not seen yet is handed over as it still is.
 *
 * Large values go in pieces, so that neither of the two runs long: see Pieces in values/kind.ts.
 * Opening a walk over the value counts as handing it over; the cut goes on when all walks are over.
 *
 * Either way the entry then takes the present epoch, so the other way passes it by. Entries born
 * after the beginning carry a newer epoch and are left out. Cuts may overlap: an entry goes first
 * to all cuts that are newer than it. A table that is flushed while a cut still needs it is left
 * to the cut, which walks it to the end and releases it.
 *
 * Epochs are compared modulo 2^16. A finished cut leaves no entry older than itself, so only cuts
 * that were aborted widen the range of epochs alive; after 16384 of those in a row the next cut
 * first brings all entries up to date.
 */
import { assert } from "../assert.ts";
import type { Arena, ArenaFullError, Ref } from "../memory/arena.ts";
import { RefList } from "../memory/ref-list.ts";
import type { Dict } from "../table/dict.ts";
import { EXTERNAL_FLAG, epochOf, flagsOf, setEpoch, valueRef } from "../table/entry.ts";
import type { CutPiece, CutWalk } from "../values/kind.ts";
import { kindOfEntry } from "../values/kind-table.ts";
import { elementsInPieces, entryMemory } from "../values/value.ts";
import type { LazyFree } from "./lazy-free.ts";

/** Who gets the entries of a cut. Called from within step() and preserve(): must not fail. */
export interface CutConsumer {
  /** `entry` belonged to database `databaseIndex` at the instant of the cut. */
  take(databaseIndex: number, entry: Ref): void;
  /** The cut ends early for want of memory: nothing more is handed over, and it is not whole. */
  failed?(reason: ArenaFullError): void;
  /**
   * As take, for a value of `elementCount` elements, more than the cuts' `wholeElementsMax`. What the
   * entry tells about the key is to be read now; the elements come through the piece. Without this
   * method large values are handed over whole.
   */
  takeLarge?(databaseIndex: number, entry: Ref, elementCount: number): CutPiece;
}

/** Entries that are fetched at a time; each may be a value of `wholeElementsMax` elements. */
const SLICE = 16;
/** Entries of a flushed table that are measured, and elements of all of them, or a few of each. */
const SIZE_SAMPLES = 512;
const ELEMENT_SAMPLES = 4096;
const ELEMENTS_EACH_MIN = 5;

/** One running cut. */
export class Cut {
  /** Keys in each database at the instant of the cut. */
  readonly keyCounts: number[];
  /** Entries handed over so far. */
  takenCount = 0;
  /** Entries that will have been handed over in all. */
  readonly totalCount: number;
  /** True when all entries have been handed over, or it was aborted. */
  done = false;
  /** @internal The tables at the instant of the cut, by database. */
  readonly dicts: (Dict | null)[];
  /** @internal Tables that were flushed meanwhile and are released when this cut is done, with their sizes. */
  readonly orphans: { readonly dict: Dict; readonly bytes: number }[] = [];
  /** @internal The epoch that the cut raised: older entries are its own. */
  readonly epoch: number;
  /** @internal Large values at hand, in the order in which they will be walked. */
  readonly walks: CutWalk[] = [];
  private readonly owner: SnapshotCuts;
  private readonly consumer: CutConsumer;
  private databaseIndex = 0;
  private cursor = 0;
  private generation = 0;
  private readonly slice = new RefList(SLICE);
  /** The blocks of the values in the slice. */
  private readonly values = new RefList(SLICE);

  /** @internal Use SnapshotCuts.begin(). */
  constructor(owner: SnapshotCuts, dicts: Dict[], epoch: number, consumer: CutConsumer) {
    this.owner = owner;
    this.dicts = dicts.slice();
    this.epoch = epoch;
    this.consumer = consumer;
    this.keyCounts = dicts.map((dict) => dict.count);
    this.totalCount = this.keyCounts.reduce((sum, count) => sum + count, 0);
  }

  /**
   * Walks on over about `entryCount` entries, of keys or elements of large values. True when the cut
   * is complete.
   */
  step(entryCount: number): boolean {
    let left = entryCount;
    while (!this.done && left > 0) {
      const walk = this.walks[0];
      if (walk !== undefined) {
        left -= walk.step(left);
        if (walk.isDone) {
          this.walks.shift();
          walk.leave();
        }
        continue;
      }
      const dict = this.dicts[this.databaseIndex];
      if (dict === undefined) {
        this.owner.end(this, true);
        break;
      }
      if (dict === null || dict.count === 0) {
        this.nextDatabase();
        continue;
      }
      if (this.cursor === 0) this.generation = dict.generation;
      else if (this.generation !== dict.generation) {
        // The table took a new seed: its order changed, so walk it again. Entries that were
        // handed over carry the new epoch and are passed by.
        this.cursor = 0;
        this.generation = dict.generation;
      }
      const { slice } = this;
      slice.clear();
      this.cursor = dict.scan(this.cursor, Math.min(left, SLICE), slice);
      // Neighbours in the table are strangers in memory: their cache misses had better overlap.
      dict.arena.touch(slice.refs, slice.count);
      this.touchValues(dict.arena);
      for (let i = 0; i < slice.count; i++) this.owner.preserve(dict, slice.at(i));
      left -= Math.max(slice.count, 8);
      if (this.cursor === 0) this.nextDatabase();
    }
    return this.done;
  }

  /** The blocks beside the entries of the slice, which are cache misses of their own. */
  private touchValues(arena: Arena): void {
    const { slice, values } = this;
    values.clear();
    for (let i = 0; i < slice.count; i++) {
      const entry = slice.at(i);
      if ((flagsOf(arena, entry) & EXTERNAL_FLAG) !== 0) values.push(valueRef(arena, entry));
    }
    arena.touch(values.refs, values.count);
  }

  /** Gives up: nothing more is handed over. */
  abort(): void {
    if (!this.done) this.owner.end(this, false);
  }

  private fail(reason: ArenaFullError): void {
    if (this.done) return;
    this.abort();
    this.consumer.failed?.(reason);
  }

  private nextDatabase(): void {
    this.databaseIndex++;
    this.cursor = 0;
  }

  /**
   * Each value that changes before its turn takes objects until its turn comes. So the more of them
   * wait, the larger one has to be to go in pieces: no data set has more than a few thousand.
   */
  private wholeElementsMax(): number {
    const { wholeElementsMax, walksPerDoubling } = this.owner;
    return wholeElementsMax * 2 ** Math.floor(this.walks.length / walksPerDoubling);
  }

  /** @internal `elementCount` is that of a value which can go in pieces, or 0. */
  take(databaseIndex: number, entry: Ref, elementCount: number): void {
    this.takenCount++;
    if (elementCount <= this.wholeElementsMax() || this.consumer.takeLarge === undefined) {
      this.consumer.take(databaseIndex, entry);
      return;
    }
    const piece = this.consumer.takeLarge(databaseIndex, entry, elementCount);
    const fail = (reason: ArenaFullError) => this.fail(reason);
    this.walks.push(this.owner.walk(entry, piece, fail));
  }
}

/** The running cuts of one keyspace, and the epoch that tells which entries they have. */
export class SnapshotCuts {
  /** Running cuts, oldest first. */
  readonly running: Cut[] = [];
  /** The epoch that new and changed entries carry. */
  epoch = 1;
  /** Values with more elements than this are handed over in pieces. */
  wholeElementsMax = 128;
  /** When so many large values wait for their turn, only those of twice the size are let wait. */
  walksPerDoubling = 1024;
  private readonly arena: Arena;
  private readonly dicts: () => Dict[];
  private readonly lazyFree: LazyFree;
  private abortedInARow = 0;

  /** `dicts` gives the databases' present tables, `lazyFree` frees what nobody needs any more. */
  constructor(arena: Arena, dicts: () => Dict[], lazyFree: LazyFree) {
    this.arena = arena;
    this.dicts = dicts;
    this.lazyFree = lazyFree;
  }

  /** Begins a cut of the data set as it is now. */
  begin(consumer: CutConsumer): Cut {
    const dicts = this.dicts();
    if (this.abortedInARow >= 16384 && this.running.length === 0) {
      for (const dict of dicts) {
        dict.eachEntry((entry) => setEpoch(dict.arena, entry, this.epoch));
      }
      this.abortedInARow = 0;
    }
    assert(this.abortedInARow + this.running.length < 32000, "epochs must not wrap around");
    this.epoch = (this.epoch + 1) & 0xffff;
    const cut = new Cut(this, dicts, this.epoch, consumer);
    this.running.push(cut);
    return cut;
  }

  /**
   * Hands `entry` of the table `dict` to the cuts that lack it: before it changes or goes, and
   * when a cut's walk has come to it.
   */
  preserve(dict: Dict, entry: Ref): void {
    if (this.running.length === 0) return;
    const epoch = epochOf(dict.arena, entry);
    if (epoch === this.epoch) return;
    const elementCount = elementsInPieces(this.arena, entry);
    for (const cut of this.running) {
      if (!isOlder(epoch, cut.epoch)) continue;
      // Databases may have been swapped since: the number is the one at the instant of the cut.
      const databaseIndex = cut.dicts.indexOf(dict);
      if (databaseIndex !== -1) cut.take(databaseIndex, entry, elementCount);
    }
    setEpoch(dict.arena, entry, this.epoch);
  }

  /** @internal Begins to hand over a large value. */
  walk(entry: Ref, piece: CutPiece, fail: (reason: ArenaFullError) => void): CutWalk {
    const { arena, lazyFree } = this;
    const kind = kindOfEntry(arena, entry);
    assert(kind.pieces !== undefined, "a value that goes in pieces has a kind with pieces");
    const ref = valueRef(arena, entry);
    return kind.pieces.walk(arena, ref, piece, fail, () => lazyFree.addValue(kind, ref));
  }

  /** A table is flushed: true when a cut still needs it and will release it. */
  adopt(dict: Dict): boolean {
    for (const cut of this.running) {
      if (cut.dicts.includes(dict)) {
        cut.orphans.push({ dict, bytes: this.arena.countHeld(sizeOf(dict)) });
        return true;
      }
    }
    return false;
  }

  /** @internal Takes a cut off the list, and gives up what it held. */
  end(cut: Cut, completed: boolean): void {
    cut.done = true;
    this.running.splice(this.running.indexOf(cut), 1);
    this.abortedInARow = completed ? 0 : this.abortedInARow + 1;
    for (const walk of cut.walks) walk.leave();
    cut.walks.length = 0;
    for (const { dict, bytes } of cut.orphans) {
      this.arena.heldBytes -= bytes;
      // Another running cut may need the table as well: then that one inherits it.
      if (!this.adopt(dict)) this.lazyFree.addTable(dict);
    }
  }
}

/**
 * About how many bytes a table takes with all its values, by those that come first in it: the order of
 * hashes is as good as chance.
 */
function sizeOf(dict: Dict): number {
  const { arena } = dict;
  const some = new RefList(SIZE_SAMPLES);
  dict.scan(0, SIZE_SAMPLES, some);
  const count = Math.max(1, some.count);
  // Of few keys more is asked: among their elements are those that make the size.
  const samples = Math.max(ELEMENTS_EACH_MIN, Math.floor(ELEMENT_SAMPLES / count));
  let bytes = 0;
  for (let i = 0; i < some.count; i++) bytes += entryMemory(arena, some.at(i), samples);
  return dict.tableBytes() + Math.round((bytes / count) * dict.count);
}

/** True when epoch `a` comes before `b`, modulo 2^16. */
function isOlder(a: number, b: number): boolean {
  return (b - a) << 16 > 0;
}
