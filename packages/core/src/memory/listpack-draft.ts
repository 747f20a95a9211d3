/**
 * ListpackDraft: the bytes of a listpack that is written from front to back, outside of the arena.
 *
 *   draft.begin(); draft.add(bytes, 0, 3); draft.add(bytes, 3, 9); draft.finish();
 *   listpackFromBytes(arena, draft.bytes, 0, draft.length);
 *
 * Who knows all elements of a small value before it exists asks the arena for one block, where adding
 * them one by one would ask for a larger one again and again.
 */
import {
  backlenBytes,
  END,
  encodedBytes,
  LISTPACK_HEADER_BYTES,
  writeElement,
} from "./listpack-element.ts";

const FIRST_BYTES = 4096;

/** A listpack under construction: see the head of this file. */
export class ListpackDraft {
  /** The first `length` bytes are the listpack's once it is finished. Another array when it has grown. */
  bytes = new Uint8Array(FIRST_BYTES);
  /** A view over the same memory. */
  view = new DataView(this.bytes.buffer);
  /** Bytes so far. */
  length = LISTPACK_HEADER_BYTES;
  private count = 0;

  /** Begins anew. */
  begin(): void {
    this.length = LISTPACK_HEADER_BYTES;
    this.count = 0;
  }

  /** Puts bytes[start, end), which lie elsewhere, behind the last element. */
  add(bytes: Uint8Array, start: number, end: number): void {
    const size = encodedBytes(bytes, start, end);
    const after = this.length + size + backlenBytes(size);
    if (after >= this.bytes.length) this.grow(after + 1);
    writeElement(this.bytes, this.length, bytes, start, end, size);
    this.length = after;
    this.count++;
  }

  /** All elements are there. */
  finish(): void {
    this.bytes[this.length++] = END;
    this.view.setUint32(0, this.length, true);
    this.view.setUint16(4, Math.min(this.count, 0xffff), true);
  }

  private grow(atLeast: number): void {
    const larger = new Uint8Array(Math.max(atLeast, this.bytes.length * 2));
    larger.set(this.bytes.subarray(0, this.length));
    this.bytes = larger;
    this.view = new DataView(larger.buffer);
  }
}
