/**
 * Defragmenter: brings blocks together that removals have left on sparsely used spans, so that
 * their pages become free. Work for the background, a step at a time between commands.
 *
 * A pass plans for each size class which spans to leave (evacuation.ts), or which segments to leave
 * altogether (segment-evacuation.ts). Then it walks all databases as SCAN does and moves what it
 * finds there: keys and their values, the elements of large ones, the tables in between. What the
 * blocks of a value are, its kind knows (values/kind.ts).
 *
 * Moving changes nothing that a client, an expiry or a snapshot could see. A copy is taken byte by
 * byte, so epoch, idle bits and expiry go with it, and a cut is not told. Nobody keeps the ref of a
 * key or field from one command to the next; these do keep refs, and are respected:
 *
 *   - a snapshot that walks a large value knows it by its first block: held values are left alone;
 *   - what waits to be freed lazily is in no database any more, so it is not met;
 *   - a Database's Dicts remember where header and directory are: they are attached again when
 *     those have moved.
 *
 * Between two steps everything may change: keys come and go, databases are flushed or swapped. So a
 * pass carries along cursors and, for a value that takes several steps, the name of its key.
 */
import type { Arena, Ref } from "../memory/arena.ts";
import { NONE } from "../memory/arena.ts";
import { Evacuation, type MovePlan } from "../memory/evacuation.ts";
import { RefList } from "../memory/ref-list.ts";
import type { Dict } from "../table/dict.ts";
import {
  bytesOf,
  EXTERNAL_FLAG,
  flagsOf,
  keyIndex,
  keyLength,
  setValueRef,
  valueRef,
} from "../table/entry.ts";
import { MovableDict } from "../table/movable-dict.ts";
import type { SliceMoving, ValueKind } from "../values/kind.ts";
import { kindOfEntry } from "../values/kind-table.ts";
import type { Database } from "./database.ts";

/** Keys, and elements or pages of large tables, that are dealt with between two looks at the budget. */
const SLICE = 16;
/** Pages of a table, of up to 32 KiB each, that are as much work as that. */
const TABLE_PAGES = 2;
/** Longest name of a large value that is dealt with. */
const NAME_BYTES_MAX = 65536;

/** What is defragmented: a keyspace. */
export interface Defragmented {
  /** Whose blocks move. */
  readonly arena: Arena;
  /** The databases whose keys name the blocks. */
  readonly databases: readonly Database[];
}

/** Moves blocks of one keyspace together, a step at a time: see the head of this file. */
export class Defragmenter {
  /** Values with more elements than this are dealt with in several steps. */
  scanFieldsMax = 1000;
  /** Blocks that were moved. */
  hits = 0;
  /** Blocks that were looked at and stayed. */
  misses = 0;
  /** Keys of which some block was moved. */
  keyHits = 0;
  /** Keys of which no block was moved. */
  keyMisses = 0;
  private readonly databases: readonly Database[];
  private readonly arena: Arena;
  private evacuation: MovePlan;
  private readonly table: MovableDict;
  private readonly keys = new RefList();
  /** Names of the values in the present slice of keys that are too large for it. */
  private readonly large: Uint8Array[] = [];
  /** How far the large value at hand is. */
  private moving: SliceMoving | null = null;
  private pass: Generator<number, void>;
  private readonly move = (ref: Ref): Ref => {
    const moved = this.evacuation.move(ref);
    if (moved === ref) this.misses++;
    else this.hits++;
    return moved;
  };

  /** `plan` says which blocks move, and where to. */
  constructor(keyspace: Defragmented, plan: MovePlan = new Evacuation(keyspace.arena)) {
    this.databases = keyspace.databases;
    this.arena = keyspace.arena;
    this.evacuation = plan;
    this.table = new MovableDict(keyspace.arena);
    this.pass = this.walk();
  }

  /** Goes on over about `entryCount` keys or elements. True: the pass is over; the next call begins another. */
  step(entryCount: number): boolean {
    let left = entryCount;
    while (left > 0) {
      const { done, value } = this.pass.next();
      if (done === true) {
        this.restart();
        return true;
      }
      left -= value;
    }
    return false;
  }

  /** Gives up the pass: the next step begins another, by this plan. */
  restart(plan: MovePlan = this.evacuation): void {
    this.evacuation.end();
    this.evacuation = plan;
    this.pass = this.walk();
  }

  /** CONFIG RESETSTAT and the like. */
  resetCounts(): void {
    this.hits = 0;
    this.misses = 0;
    this.keyHits = 0;
    this.keyMisses = 0;
  }

  /** One pass. Yields the work done since the last time, and never with a ref in its hands. */
  private *walk(): Generator<number, void> {
    const { evacuation } = this;
    this.large.length = 0;
    this.moving = null;
    if (!evacuation.begin()) return;
    for (let sizeClass = 0; sizeClass < evacuation.classCount; sizeClass++)
      yield Math.ceil(evacuation.plan(sizeClass) / SLICE);
    for (const database of this.databases) {
      for (let cursor = 0; ; ) {
        cursor = this.sliceOfKeys(database, cursor);
        yield SLICE;
        for (const key of this.large.splice(0)) yield* this.largeValue(database, key);
        if (cursor === 0) break;
      }
      // Asked for anew each time: a flush or a reseed replaces a database's tables.
      for (let index = 0; index < database.tables.length; index++)
        yield* this.tableOf(() => database.tables[index] as Dict);
      for (let page = 0; database.fieldExpiries.movePage(page, this.move); page++) yield 1;
    }
    evacuation.end();
  }

  private sliceOfKeys(database: Database, cursor: number): number {
    const { keys } = this;
    keys.clear();
    const next = database.dict.scan(cursor, SLICE, keys);
    for (let i = 0; i < keys.count; i++) this.key(database, keys.at(i));
    return next;
  }

  private key(database: Database, old: Ref): void {
    const { arena } = this;
    const hitsBefore = this.hits;
    const largeBefore = this.large.length;
    const entry = this.move(old);
    if (entry !== old) database.entryMoved(old, entry);
    if ((flagsOf(arena, entry) & EXTERNAL_FLAG) !== 0) this.value(entry);
    if (this.large.length === largeBefore) this.countKey(hitsBefore);
  }

  private countKey(hitsBefore: number): void {
    if (this.hits !== hitsBefore) this.keyHits++;
    else this.keyMisses++;
  }

  /** Moves what lies outside the entry, or puts it off if that is too much. */
  private value(entry: Ref): void {
    const { arena } = this;
    const kind = kindOfEntry(arena, entry);
    const ref = valueRef(arena, entry);
    const { pieces } = kind;
    if (pieces !== undefined) {
      if (arena.holds.has(ref)) return;
      if (pieces.count(arena, ref) > this.scanFieldsMax) {
        const at = keyIndex(arena, entry);
        // Its name is kept until its turn: where that would be a burden, it does not move.
        if (keyLength(arena, entry) > NAME_BYTES_MAX) return;
        this.large.push(bytesOf(arena, entry).slice(at, at + keyLength(arena, entry)));
        return;
      }
    }
    const moved = kind.move(arena, ref, this.move);
    if (moved !== ref) setValueRef(arena, entry, moved);
  }

  private *largeValue(database: Database, key: Uint8Array): Generator<number, void> {
    const { arena } = this;
    const hitsBefore = this.hits;
    let kind: ValueKind | null = null;
    for (;;) {
      const entry = this.movable(database, key);
      // The key may hold something else by now.
      if (entry === NONE || (kind !== null && kindOfEntry(arena, entry) !== kind)) break;
      kind = kindOfEntry(arena, entry);
      this.moving ??= kind.pieces?.move(arena) ?? null;
      if (this.moving === null) break;
      const ref = valueRef(arena, entry);
      const moved = this.moving.step(ref, SLICE, this.move);
      if (moved !== ref) setValueRef(arena, entry, moved);
      if (this.moving.isDone) break;
      yield SLICE;
    }
    this.moving = null;
    this.countKey(hitsBefore);
  }

  /** The key's entry, if its value lies outside and no snapshot holds it: else NONE. */
  private movable(database: Database, key: Uint8Array): Ref {
    const { arena } = this;
    const view = new DataView(key.buffer, key.byteOffset, key.byteLength);
    const entry = database.findKey(key, view, 0, key.length);
    if (entry === NONE || (flagsOf(arena, entry) & EXTERNAL_FLAG) === 0) return NONE;
    return arena.holds.has(valueRef(arena, entry)) ? NONE : entry;
  }

  /** Moves the table of a database. */
  private *tableOf(current: () => Dict): Generator<number, void> {
    for (let cursor = 0; ; ) {
      const table = this.table.attach(current().header);
      for (let i = 0; i < TABLE_PAGES; i++) {
        cursor = table.movePage(cursor, this.move);
        if (cursor === 0) break;
      }
      if (cursor === 0) break;
      yield SLICE;
    }
    const dict = current();
    this.table.attach(dict.header).moveDirectory(this.move);
    dict.attach(this.table.moveHeader(this.move));
  }
}
