/**
 * PendingChange: what a command does to the pending entries of one group or several, as one change:
 * all of it or, when there is no room for the last one, nothing.
 *
 *      change.begin(stream, group, isNewConsumer);     // once for each group
 *      try { change.add(...); change.take(...); change.drop(...); }
 *      catch (full) { change.rollBack(); throw full; }
 *      change.commit();
 *
 * Everything can be seen at once, but what could not be undone waits for commit(): an entry that was
 * taken from a consumer still stands in that one's tree, one that was dropped has no owner and still
 * stands in the trees. Neither commit() nor rollBack() can fail.
 *
 * The log is a list of records of numbers, each with its kind at both ends, so that it can be read
 * either way.
 */
import { assert } from "../../assert.ts";
import { type Arena, NONE, type Ref } from "../../memory/arena.ts";
import { RefList } from "../../memory/ref-list.ts";
import { wordIndex, wordsOf } from "../../table/entry.ts";
import type { StreamGroup } from "./stream-group.ts";
import { StreamId } from "./stream-id.ts";
import { DELIVERED_WORD, DELIVERIES_WORD, NAME_WORD } from "./stream-layout.ts";
import type { StreamValue } from "./stream-value.ts";

/** Kinds of records, which are their lengths in words as well. */
const ADDED = 6;
const DROPPED = 7;
const TAKEN = 11;
const BEGUN = 12;

/** Changes of pending entries: see the head of this file. One object does for all streams of an arena. */
export class PendingChange {
  private readonly arena: Arena;
  private readonly log = new RefList();
  private stream: StreamValue | null = null;
  private group: StreamGroup | null = null;
  private readonly id = new StreamId();

  constructor(arena: Arena) {
    this.arena = arena;
  }

  /** Goes on with a group, of which the consumer is at hand. `isNewConsumer`: it was made just now. */
  begin(stream: StreamValue, group: StreamGroup, isNewConsumer: boolean): void {
    const { log, id } = this;
    this.stream = stream;
    this.group = group;
    log.push(BEGUN);
    log.push(stream.header);
    log.push(group.groupName);
    log.push(group.consumerName);
    log.push(isNewConsumer ? 1 : 0);
    this.pushId(group.readLastId(id));
    log.push(group.readHi);
    log.push(group.readLo);
    log.push(BEGUN);
  }

  private pushId(id: StreamId): void {
    const { log } = this;
    log.push(id.msHi);
    log.push(id.msLo);
    log.push(id.seqHi);
    log.push(id.seqLo);
  }

  /** Makes an entry pending for the consumer, which is pending for nobody. */
  add(id: StreamId, nowMs: number, deliveries: number): void {
    const group = this.group as StreamGroup;
    group.addPending(id, nowMs, deliveries);
    const { log } = this;
    log.push(ADDED);
    this.pushId(id);
    log.push(ADDED);
  }

  /** Makes a pending entry the consumer's. What is to be said of its delivery may be set then. */
  take(id: StreamId): void {
    const group = this.group as StreamGroup;
    const { log, arena } = this;
    const entry = group.findPending(id);
    const words = wordsOf(arena, entry);
    const at = wordIndex(entry);
    const name = words[at + NAME_WORD] as number;
    const timeLo = words[at + DELIVERED_WORD] as number;
    const timeHi = words[at + DELIVERED_WORD + 1] as number;
    const countLo = words[at + DELIVERIES_WORD] as number;
    const countHi = words[at + DELIVERIES_WORD + 1] as number;
    if (name !== group.consumerName) group.takeOver(id);
    log.push(TAKEN);
    this.pushId(id);
    log.push(name);
    log.push(timeLo);
    log.push(timeHi);
    log.push(countLo);
    log.push(countHi);
    log.push(TAKEN);
  }

  /** Removes a pending entry. */
  drop(id: StreamId): void {
    const group = this.group as StreamGroup;
    const { log, arena } = this;
    const entry = group.findPending(id);
    log.push(DROPPED);
    this.pushId(id);
    log.push(wordsOf(arena, entry)[wordIndex(entry) + NAME_WORD] as number);
    log.push(DROPPED);
    group.setOwner(id, NONE);
  }

  /** The block of a pending entry that has not been dropped, or NONE. */
  find(id: StreamId): Ref {
    const { arena } = this;
    const entry = (this.group as StreamGroup).findPending(id);
    if (entry === NONE) return NONE;
    const name = wordsOf(arena, entry)[wordIndex(entry) + NAME_WORD] as number;
    return name === NONE ? NONE : entry;
  }

  private readId(at: number): StreamId {
    return this.id.read(this.log.refs, at);
  }

  /** Goes back to the group whose record begins at `at`. */
  private enter(at: number): StreamGroup {
    const { log } = this;
    const stream = (this.stream as StreamValue).attachHeader(log.at(at + 1));
    const group = stream.groups.atName(log.at(at + 2));
    group.chooseByName(log.at(at + 3));
    return group;
  }

  /** Makes the change. */
  commit(): void {
    const { log } = this;
    let group = this.group as StreamGroup;
    let begunCount = 0;
    for (let at = 0; at < log.count; at += log.at(at)) {
      const kind = log.at(at);
      // Of a single group the windows are where they have to be.
      if (kind === BEGUN && (begunCount++ > 0 || this.hasSeveral())) group = this.enter(at);
      else if (kind === DROPPED) {
        const id = this.readId(at + 1);
        group.setOwner(id, log.at(at + 5));
        group.removePending(id);
      } else if (kind === TAKEN && log.at(at + 5) !== group.consumerName) {
        group.takeFrom(log.at(at + 5), this.readId(at + 1));
      }
    }
    this.end();
  }

  private hasSeveral(): boolean {
    const { log } = this;
    for (let at = BEGUN; at < log.count; at += log.at(at)) if (log.at(at) === BEGUN) return true;
    return false;
  }

  /** Makes the groups what they were. */
  rollBack(): void {
    const { log } = this;
    for (let end = log.count; end > 0; ) {
      let begin = end;
      do begin -= log.at(begin - 1);
      while (log.at(begin) !== BEGUN);
      const group = this.enter(begin);
      for (let at = end; at > begin + BEGUN; at -= log.at(at - 1)) {
        this.undo(group, at - log.at(at - 1));
      }
      this.leave(group, begin);
      end = begin;
    }
    this.end();
  }

  private undo(group: StreamGroup, at: number): void {
    const { log, arena } = this;
    const kind = log.at(at);
    const id = this.readId(at + 1);
    if (kind === ADDED) {
      group.removePending(id);
      return;
    }
    const name = log.at(at + 5);
    group.setOwner(id, name);
    if (kind === DROPPED) return;
    assert(kind === TAKEN, "a log has records of known kinds");
    const entry = group.ownPending(id);
    const words = wordsOf(arena, entry);
    const word = wordIndex(entry);
    words[word + DELIVERED_WORD] = log.at(at + 6);
    words[word + DELIVERED_WORD + 1] = log.at(at + 7);
    words[word + DELIVERIES_WORD] = log.at(at + 8);
    words[word + DELIVERIES_WORD + 1] = log.at(at + 9);
    if (name !== group.consumerName) group.takeFrom(group.consumerName, id);
  }

  /** What begin() has found is so again. */
  private leave(group: StreamGroup, at: number): void {
    const { log } = this;
    const id = this.readId(at + 5);
    if (group.readLastId(new StreamId()).compare(id) !== 0) group.setLastId(id);
    group.setRead(log.at(at + 9), log.at(at + 10));
    if (log.at(at + 4) === 1) group.deleteConsumer();
  }

  private end(): void {
    this.log.clear();
    this.stream = null;
    this.group = null;
  }
}
