/**
 * StreamRange: a walk over the entries of a stream between two IDs, upwards or downwards.
 *
 *      range.begin(tree, start, end, false);
 *      while (range.next()) { ... range.id, range.fieldCount ...; while (range.nextField()) ... }
 *
 * Entries lie in place: `field` and `value` are void when the stream changes, and so is the walk.
 *
 * find() comes to a single entry. It goes on from the entry that it came to before when that is in the
 * same block and not behind it, so that ascending IDs cost one walk in all. So forget() has to be
 * called when blocks have changed.
 */
import type { Arena, Ref } from "../../memory/arena.ts";
import { NONE, SEGMENT_SHIFT, UNIT_MASK } from "../../memory/arena.ts";
import { ListpackValue } from "../../memory/listpack.ts";
import {
  isString,
  readInteger,
  stored,
  stringBytes,
  stringHeadBytes,
} from "../../memory/listpack-element.ts";
import { LISTPACK_HEADER_BYTES, positionAfter } from "../../memory/listpack-walk.ts";
import type { IdTree } from "./id-tree.ts";
import {
  DELETED,
  endAt,
  entryBefore,
  firstEntryAt,
  integerAt,
  readEntryId,
  SAME_FIELDS,
} from "./stream-block.ts";
import { StreamId } from "./stream-id.ts";

const NO_BYTES = new Uint8Array(0);
const NO_VIEW = new DataView(NO_BYTES.buffer);

/** A walk over entries: see the head of this file. */
export class StreamRange {
  /** The ID of the entry. */
  readonly id = new StreamId();
  /** How many fields it has. */
  fieldCount = 0;
  /** The field that nextField() came to. */
  readonly field = new ListpackValue();
  /** Its value. */
  readonly value = new ListpackValue();
  /** @internal The block of the entry. */
  listpack: Ref = NONE;
  /** @internal Where the entry begins in the bytes of the block's segment. */
  entryAt = 0;
  private readonly arena: Arena;
  private tree: IdTree | null = null;
  private readonly start = new StreamId();
  private readonly end = new StreamId();
  private isReverse = false;
  private bytes: Uint8Array = NO_BYTES;
  private view: DataView = NO_VIEW;
  /** Upwards: where the next entry begins; downwards: where the last one began. */
  private at = 0;
  /** Upwards: the block's end byte; downwards: the first entry. */
  private limit = 0;
  /** The ID that those of the block's entries are counted from. */
  private readonly master = new StreamId();
  private masterFieldsAt = 0;
  private masterFieldCount = 0;
  private fieldsLeft = 0;
  private isSame = false;
  private fieldAt = 0;
  private valueAt = 0;
  /** Whether find() may go on from the entry at hand. */
  private isPlaced = false;

  constructor(arena: Arena) {
    this.arena = arena;
  }

  /** Begins a walk from `start` to `end`, both included; with `isReverse` from `end` down to `start`. */
  begin(tree: IdTree, start: StreamId, end: StreamId, isReverse: boolean): void {
    this.tree = tree;
    this.start.copy(start);
    this.end.copy(end);
    this.isReverse = isReverse;
    this.listpack = NONE;
    this.isPlaced = false;
    let found: boolean;
    if (isReverse) found = tree.seekAtMost(end);
    else found = tree.seekAtMost(start) || tree.first();
    if (found) this.enter();
  }

  /** Begins a walk over the entries of one block, stored under the master ID `id`: of whichever stream. */
  beginBlock(listpack: Ref, id: StreamId): void {
    this.tree = null;
    this.start.setMin();
    this.end.setMax();
    this.isReverse = false;
    this.isPlaced = false;
    this.enterBlock(listpack, id);
  }

  /** Comes to the entry of this ID. False when there is none, or it has been deleted. */
  find(tree: IdTree, id: StreamId): boolean {
    this.tree = tree;
    this.end.copy(id);
    this.isReverse = false;
    if (!tree.seekAtMost(id)) {
      this.listpack = NONE;
      this.isPlaced = false;
      return false;
    }
    const mayGoOn = this.isPlaced && tree.value === this.listpack && this.id.compare(id) <= 0;
    if (!mayGoOn) this.enter();
    this.isPlaced = true;
    this.start.setMin();
    for (let at = mayGoOn ? this.entryAt : this.at; at < this.limit; at = this.afterEntry()) {
      this.readEntry(at);
      this.at = 0;
      const order = this.id.compare(id);
      if (order >= 0) return order === 0 && ((this.bytes[at] as number) & DELETED) === 0;
    }
    return false;
  }

  /** Comes from the entry that find() came to, to the next one that is there. False at the end. */
  findNext(): boolean {
    this.end.setMax();
    this.isPlaced = this.upwards();
    return this.isPlaced;
  }

  /** Blocks have changed: find() begins anew. */
  forget(): void {
    this.isPlaced = false;
  }

  /** Comes to the next entry that is there. False at the end. */
  next(): boolean {
    return this.isReverse ? this.downwards() : this.upwards();
  }

  private enter(): void {
    const tree = this.tree as IdTree;
    this.enterBlock(tree.value, tree.id);
  }

  private enterBlock(lp: Ref, master: StreamId): void {
    const { arena } = this;
    this.listpack = lp;
    this.master.copy(master);
    this.bytes = arena.bytes[lp >>> SEGMENT_SHIFT] as Uint8Array;
    this.view = arena.views[lp >>> SEGMENT_SHIFT] as DataView;
    const { bytes } = this;
    let at = ((lp & UNIT_MASK) << 3) + LISTPACK_HEADER_BYTES;
    at = positionAfter(bytes, positionAfter(bytes, at));
    this.masterFieldCount = integerAt(bytes, at);
    this.masterFieldsAt = positionAfter(bytes, at);
    this.fieldsLeft = 0;
    const first = firstEntryAt(arena, lp);
    const end = endAt(arena, lp);
    this.at = this.isReverse ? end : first;
    this.limit = this.isReverse ? first : end;
    this.valueAt = first;
  }

  private upwards(): boolean {
    const { id } = this;
    while (this.listpack !== NONE) {
      let at = this.at === 0 ? this.afterEntry() : this.at;
      while (at < this.limit) {
        this.readEntry(at);
        this.at = 0;
        if (id.compare(this.end) > 0) {
          this.listpack = NONE;
          return false;
        }
        const isThere = ((this.bytes[at] as number) & DELETED) === 0;
        if (isThere && id.compare(this.start) >= 0) return true;
        at = this.afterEntry();
      }
      if (this.tree === null || !this.tree.next()) break;
      this.enter();
    }
    this.listpack = NONE;
    return false;
  }

  private downwards(): boolean {
    const { id } = this;
    while (this.listpack !== NONE) {
      let { at } = this;
      while (at > this.limit) {
        at = entryBefore(this.bytes, at);
        this.at = at;
        this.readEntry(at);
        if (id.compare(this.start) < 0) {
          this.listpack = NONE;
          return false;
        }
        const isThere = ((this.bytes[at] as number) & DELETED) === 0;
        if (isThere && id.compare(this.end) <= 0) return true;
      }
      if (!(this.tree as IdTree).previous()) break;
      this.enter();
    }
    this.listpack = NONE;
    return false;
  }

  /** Reads the head of the entry at `bytes[at]`. */
  private readEntry(at: number): void {
    const { bytes, master } = this;
    this.entryAt = at;
    let next = readEntryId(
      bytes,
      at,
      master.msHi,
      master.msLo,
      master.seqHi,
      master.seqLo,
      this.id,
    );
    this.isSame = ((bytes[at] as number) & SAME_FIELDS) !== 0;
    if (this.isSame) {
      this.fieldCount = this.masterFieldCount;
      this.fieldAt = this.masterFieldsAt;
    } else {
      this.fieldCount = integerAt(bytes, next);
      next = positionAfter(bytes, next);
    }
    this.fieldsLeft = this.fieldCount;
    this.valueAt = next;
  }

  /** Where the entry ends that was read last. */
  private afterEntry(): number {
    const { bytes } = this;
    let at = this.valueAt;
    for (let left = this.isSame ? this.fieldsLeft : 2 * this.fieldsLeft; left > 0; left--)
      at = positionAfter(bytes, at);
    return positionAfter(bytes, at);
  }

  /** Puts the entry's next field into `field` and `value`. False when there are no more. */
  nextField(): boolean {
    if (this.fieldsLeft === 0) return false;
    this.fieldsLeft--;
    if (this.isSame) {
      this.fieldAt = this.read(this.fieldAt, this.field);
    } else {
      this.valueAt = this.read(this.valueAt, this.field);
    }
    this.valueAt = this.read(this.valueAt, this.value);
    return true;
  }

  /** Reads the element at bytes[at]; returns where the next one is. */
  private read(at: number, out: ListpackValue): number {
    const { bytes } = this;
    const lead = bytes[at] as number;
    if (isString(lead)) {
      const start = at + stringHeadBytes(lead);
      out.setString(bytes, this.view, start, start + stringBytes(bytes, at, lead));
    } else {
      readInteger(bytes, at, lead);
      out.setInteger(stored.hi, stored.lo);
    }
    return positionAfter(bytes, at);
  }
}
