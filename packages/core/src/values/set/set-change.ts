/**
 * SetChange: several members of one set, added as one change: all of them or, when the arena has no
 * room for the last one, none.
 *
 *      change.begin(set);
 *      try { change.add(...); change.add(...); } catch (full) { change.rollBack(); throw full; }
 *      change.commit();
 *
 * Of an intset or a listpack begin() keeps a copy. Members that are new in a table are taken out again
 * if need be. Neither commit() nor rollBack() allocates anything.
 *
 * Nobody looks at the set in between, and a snapshot learns of each change as ever.
 */
import { assert } from "../../assert.ts";
import { type Arena, NONE, type Ref } from "../../memory/arena.ts";
import { RefList } from "../../memory/ref-list.ts";
import { setEncoding, setValueRef, valueRef } from "../../table/entry.ts";
import { freeElement, insertElement } from "../element.ts";
import { copyBlock } from "../one-block.ts";
import { freeValue } from "../value.ts";
import type { SetLimits } from "./new-set.ts";
import { createMember } from "./set-member.ts";
import type { SetValue } from "./set-value.ts";

/**
 * Adds several members to a set as one change: see the head of this file. One object does for all
 * sets of an arena.
 */
export class SetChange {
  private readonly arena: Arena;
  private set: SetValue | null = null;
  /** The flat block as it was, and what it is; NONE: the set was a table already. */
  private backup: Ref = NONE;
  private encoding = 0;
  /** Members that are new in the table. */
  private readonly added = new RefList();

  constructor(arena: Arena) {
    this.arena = arena;
  }

  /** Begins a change of the set that `set` is attached to. Throws before anything has changed. */
  begin(set: SetValue): void {
    assert(this.set === null, "one change ends before the next begins");
    if (!set.isTable) this.backup = copyBlock(this.arena, valueRef(this.arena, set.entry));
    this.encoding = set.encoding;
    this.set = set;
  }

  /** As SetValue.expect(). When it throws, rollBack() is to follow. */
  expect(members: number, limits: SetLimits): void {
    (this.set as SetValue).expect(members, limits);
  }

  /** As SetValue.add(). When it throws, rollBack() is to follow. */
  add(bytes: Uint8Array, view: DataView, start: number, end: number, limits: SetLimits): boolean {
    const set = this.set as SetValue;
    if (this.backup !== NONE) return set.add(bytes, view, start, end, limits);
    const { dict } = set;
    const hash = dict.hash(bytes, view, start, end);
    if (dict.find(bytes, view, start, end, hash) !== NONE) return false;
    const member = createMember(this.arena, bytes, start, end);
    set.beforeChange(NONE, bytes, view, start, end);
    insertElement(dict, member, hash);
    this.added.push(member);
    return true;
  }

  /** Makes the change. */
  commit(): void {
    if (this.backup !== NONE) this.arena.free(this.backup);
    this.end();
  }

  /** Makes the set what it was. */
  rollBack(): void {
    const { arena, added, backup, encoding } = this;
    const set = this.set as SetValue;
    const { dict, entry } = set;
    if (backup !== NONE) {
      freeValue(arena, entry);
      setValueRef(arena, entry, backup);
      setEncoding(arena, entry, encoding);
      set.attach(entry);
    }
    for (let i = 0; i < added.count; i++) {
      const member = added.at(i);
      assert(dict.findRef(member, dict.hashOfEntry(member)), "a member that was added is there");
      dict.removeFound();
      freeElement(arena, member);
    }
    this.end();
  }

  private end(): void {
    this.set = null;
    this.backup = NONE;
    this.added.clear();
  }
}
