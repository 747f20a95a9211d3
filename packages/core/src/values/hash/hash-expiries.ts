/**
 * HashExpiries: the part of HashValue that gives fields an expiry, takes it away and removes those that
 * have passed.
 *
 * Several fields of a table are one change: prepareExpiry() for each, which may fail and which nobody
 * sees, then setExpiry(), which cannot. Of a listpack HashChange keeps a copy.
 */
import { assert } from "../../assert.ts";
import { NONE } from "../../memory/arena.ts";
import { deleteAt, find, first, next, readAt } from "../../memory/listpack.ts";
import {
  Encoding,
  EXPIRY_FLAG,
  flagsOf,
  setEncoding,
  setExpiryMs,
  setValueRef,
} from "../../table/entry.ts";
import { freeElement } from "../element.ts";
import { nextTriple, passedTriples, TRIPLE, tripleExpiry, triplesOf } from "./field-expiry.ts";
import { fieldWithFlag } from "./hash-field.ts";
import { HashFields, NO_EXPIRY } from "./hash-fields.ts";

/** Up to so many bytes the copy of a value is kept room for. */
const KEPT_COPY_BYTES_MAX = 4096;

/** A window on the expiries of a hash: see the head of this file. */
export class HashExpiries extends HashFields {
  private copyBytes = new Uint8Array(64);

  /**
   * Gets a hash ready for setExpiry() of a field: a listpack becomes volatile, the entry of a table gets
   * the room it needs, and so does the heap, for `more` fields. Nobody sees a difference. Throws
   * ArenaFullError.
   */
  prepareExpiry(bytes: Uint8Array, view: DataView, start: number, end: number, more: number): void {
    const { arena, dict } = this;
    if (!this.isTable) {
      if (this.isVolatile) return;
      const triples = triplesOf(arena, this.listpack);
      arena.free(this.listpack);
      this.listpack = triples;
      this.isVolatile = true;
      setValueRef(arena, this.entry, triples);
      setEncoding(arena, this.entry, Encoding.LISTPACK_EX);
      return;
    }
    const found = dict.find(bytes, view, start, end, dict.hash(bytes, view, start, end));
    if (found === NONE) return;
    if ((flagsOf(arena, found) & EXPIRY_FLAG) === 0) {
      const flagged = fieldWithFlag(arena, found);
      dict.replaceFound(flagged);
      arena.free(found);
    }
    this.makeHeapRoom(more);
  }

  /** @internal Room in the heap of the table for so many fields more. Throws ArenaFullError. */
  makeHeapRoom(more: number): void {
    const heap = this.openHeap();
    try {
      heap.makeRoom(more);
    } finally {
      this.dict.attachment = heap.ref;
    }
  }

  /** Gives back what prepareExpiry() has taken and nobody needed. */
  endPreparation(): void {
    if (!this.isTable) return;
    this.openHeap().tidy();
    this.closeHeap();
  }

  /**
   * Says when the field bytes[start, end), which is there and which prepareExpiry() was told of,
   * expires; NO_EXPIRY: not at all. Of a table this cannot fail; of a listpack it throws
   * ArenaFullError, and has changed nothing.
   */
  setExpiry(bytes: Uint8Array, view: DataView, start: number, end: number, expiryMs: number): void {
    const { arena, dict } = this;
    if (!this.isTable) {
      if (this.isVolatile) this.setTripleExpiry(bytes, start, end, Math.max(0, expiryMs));
      return;
    }
    const found = dict.find(bytes, view, start, end, dict.hash(bytes, view, start, end));
    assert(found !== NONE, "a field that is to expire is there");
    this.beforeChange(found, bytes, view, start, end);
    if (expiryMs === NO_EXPIRY) {
      if ((flagsOf(arena, found) & EXPIRY_FLAG) !== 0) this.endExpiry(found);
      return;
    }
    const heap = this.openHeap();
    const slot = heap.slotOf(found);
    setExpiryMs(arena, found, expiryMs);
    if (slot === -1) heap.insert(found, expiryMs);
    else heap.change(slot, expiryMs);
    this.closeHeap();
  }

  /** The triple of the field goes where its expiry belongs. */
  private setTripleExpiry(bytes: Uint8Array, start: number, end: number, expiryMs: number): void {
    const { arena, listpack, value } = this;
    const at = find(arena, listpack, bytes, start, end, TRIPLE);
    assert(at !== 0, "a field that is to expire is there");
    if (tripleExpiry(arena, listpack, at) === expiryMs) return;
    readAt(arena, listpack, next(arena, listpack, at), value);
    // A listpack takes in nothing that lies in itself.
    const length = value.end - value.start;
    if (this.copyBytes.length < length) this.copyBytes = new Uint8Array(length);
    const copy = this.copyBytes;
    for (let i = 0; i < length; i++) copy[i] = value.bytes[value.start + i] as number;
    this.moveTriple(at, bytes, start, end, copy, 0, length, expiryMs);
    if (copy.length > KEPT_COPY_BYTES_MAX) this.copyBytes = new Uint8Array(64);
  }

  /**
   * Removes up to `wanted` fields that have passed at `nowMs`. Shows each of them in `field` and calls
   * `each`, which must not look at the hash. Returns how many there were.
   */
  removePassed(nowMs: number, wanted: number, each: () => void): number {
    const { arena, dict, field } = this;
    if (!this.isVolatile) return 0;
    let removed = 0;
    if (!this.isTable) {
      removed = Math.min(wanted, passedTriples(arena, this.listpack, nowMs));
      let at = first(arena, this.listpack);
      for (let left = removed; left > 0; left--, at = nextTriple(arena, this.listpack, at)) {
        readAt(arena, this.listpack, at, field);
        each();
      }
      const start = first(arena, this.listpack);
      if (removed > 0) this.moveTo(deleteAt(arena, this.listpack, start, removed * TRIPLE));
      return removed;
    }
    while (removed < wanted && this.openHeap().topExpiryMs < nowMs) {
      const passed = this.heap.entryAt(0);
      this.readField(passed);
      each();
      this.readField(passed);
      this.beforeChange(passed, field.bytes, field.view, field.start, field.end);
      assert(dict.findRef(passed, dict.hashOfEntry(passed)), "what is in the heap is in the table");
      dict.removeFound();
      this.endExpiry(passed);
      freeElement(arena, passed);
      removed++;
    }
    return removed;
  }
}
