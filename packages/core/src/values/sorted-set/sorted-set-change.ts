/**
 * SortedSetChange: several members of one sorted set, added or given other scores as one change: all
 * of them or, when the arena has no room for the last one, none.
 *
 *      change.begin(set);
 *      try { change.add(...); change.add(...); } catch (full) { change.rollBack(); throw full; }
 *      change.commit();
 *
 * Of a listpack begin() keeps a copy. In a table a member that gets another score keeps its old place
 * in the order beside the new one until commit(), so that going back is only taking out; a mark in the
 * element's idle bits says that the change has met it. Neither commit() nor rollBack() allocates.
 *
 * In between a member has its new score for find(), and nobody asks for ranks.
 */
import { assert } from "../../assert.ts";
import { type Arena, NONE, type Ref } from "../../memory/arena.ts";
import { RefList } from "../../memory/ref-list.ts";
import {
  Encoding,
  idleBits,
  setEncoding,
  setIdleBits,
  setValueRef,
  valueRef,
} from "../../table/entry.ts";
import { copyBlock } from "../one-block.ts";
import { freeValue } from "../value.ts";
import { scoreOf, setScore } from "./scored-member.ts";
import { Added, type SortedSetLimits, type SortedSetValue } from "./sorted-set-value.ts";

/** A double, and the two words that it is made of. */
const double = new Float64Array(1);
const words = new Int32Array(double.buffer);

/**
 * Changes several members of a sorted set as one: see the head of this file. One object does for all
 * sorted sets of an arena.
 */
export class SortedSetChange {
  private readonly arena: Arena;
  private set: SortedSetValue | null = null;
  /** The listpack as it was; NONE: it was a table already. */
  private backup: Ref = NONE;
  /** Elements that are new in the table. */
  private readonly added = new RefList();
  /** Elements with another score than before, and the words of the scores that they had. */
  private readonly rescored = new RefList();
  private readonly oldScores = new RefList();

  constructor(arena: Arena) {
    this.arena = arena;
  }

  /** Begins a change of the sorted set that `set` is attached to. Throws before anything has changed. */
  begin(set: SortedSetValue): void {
    assert(this.set === null, "one change ends before the next begins");
    if (!set.isTable) this.backup = copyBlock(this.arena, valueRef(this.arena, set.entry));
    this.set = set;
  }

  /** As SortedSetValue.add(). When it throws, rollBack() is to follow. */
  add(
    bytes: Uint8Array,
    view: DataView,
    start: number,
    end: number,
    score: number,
    limits: SortedSetLimits,
  ): number {
    const set = this.set as SortedSetValue;
    if (this.backup !== NONE) return set.add(bytes, view, start, end, score, limits);
    const { arena } = this;
    const { dict, tree } = set;
    const hash = dict.hash(bytes, view, start, end);
    const found = dict.find(bytes, view, start, end, hash);
    if (found === NONE) {
      const element = set.insertNew(bytes, view, start, end, score, hash);
      setIdleBits(arena, element, 1);
      this.added.push(element);
      return Added.NEW;
    }
    const old = scoreOf(arena, found);
    if (old === score) return Added.SAME;
    set.beforeChange(found, bytes, view, start, end);
    tree.insertAgain(found, score);
    if (idleBits(arena, found) === 0) this.keep(found, old);
    else tree.remove(found, old);
    setScore(arena, found, score);
    return Added.RESCORED;
  }

  /** The place that goes with the score `old` stays for the time being. */
  private keep(element: Ref, old: number): void {
    double[0] = old;
    this.rescored.push(element);
    this.oldScores.push(words[0] as number);
    this.oldScores.push(words[1] as number);
    setIdleBits(this.arena, element, 1);
  }

  private oldScore(index: number): number {
    words[0] = this.oldScores.at(index * 2);
    words[1] = this.oldScores.at(index * 2 + 1);
    return double[0] as number;
  }

  /** Makes the change. */
  commit(): void {
    const { arena, added, rescored, backup } = this;
    const { tree } = this.set as SortedSetValue;
    if (backup !== NONE) arena.free(backup);
    for (let i = 0; i < rescored.count; i++) {
      tree.remove(rescored.at(i), this.oldScore(i));
      setIdleBits(arena, rescored.at(i), 0);
    }
    for (let i = 0; i < added.count; i++) setIdleBits(arena, added.at(i), 0);
    this.end();
  }

  /** Makes the sorted set what it was. */
  rollBack(): void {
    const { arena, added, rescored, backup } = this;
    const set = this.set as SortedSetValue;
    const { dict, tree, entry } = set;
    if (backup !== NONE) {
      freeValue(arena, entry);
      setValueRef(arena, entry, backup);
      setEncoding(arena, entry, Encoding.LISTPACK);
      set.attach(entry);
    }
    for (let i = 0; i < rescored.count; i++) {
      const element = rescored.at(i);
      tree.remove(element, scoreOf(arena, element));
      setScore(arena, element, this.oldScore(i));
      setIdleBits(arena, element, 0);
    }
    for (let i = 0; i < added.count; i++) {
      const element = added.at(i);
      const isKnown = dict.findRef(element, dict.hashOfEntry(element));
      assert(isKnown, "an element that was added is there");
      tree.remove(element, scoreOf(arena, element));
      dict.removeFound();
      arena.free(element);
    }
    this.end();
  }

  private end(): void {
    this.set = null;
    this.backup = NONE;
    this.added.clear();
    this.rescored.clear();
    this.oldScores.clear();
  }
}
