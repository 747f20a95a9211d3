/**
 * SortTexts: many texts in one buffer, one behind the other, outside the JavaScript heap.
 *
 *      starts   [ 0 | 3 | 3 | 8 ]          bytes   [ one | three ]       3 texts: "one", "", "three"
 *
 * What is sorted is copied here first. A list may keep it compressed, and a text has to be looked at
 * many times until it has its place.
 */
import { errors } from "../call/errors.ts";

/** Shorter texts are copied byte by byte: the call into the runtime would cost more. */
const SHORT_BYTES = 32;
/** Texts that touch() takes. */
export const TOUCHED_AT_ONCE = 64;
const POSITIONS_MAX = 2 ** 32 - 1;

/** A growable row of texts: see the head of this file. */
export class SortTexts {
  /** How many there are. */
  count = 0;
  /** All of them, one behind the other. */
  bytes: Uint8Array<ArrayBuffer>;
  /** A view over the memory of `bytes`. */
  view: DataView<ArrayBuffer>;
  private readonly starts: Uint32Array<ArrayBuffer>;
  private readonly places = new Uint32Array(TOUCHED_AT_ONCE);
  private touchedSum = 0;

  /** Room for `capacity` texts. */
  constructor(capacity: number) {
    this.starts = new Uint32Array(capacity + 1);
    this.bytes = new Uint8Array(Math.max(64, capacity * 12));
    this.view = new DataView(this.bytes.buffer);
  }

  /** Appends bytes[start, end). */
  push(bytes: Uint8Array, start: number, end: number): void {
    let at = this.starts[this.count] as number;
    const length = end - start;
    if (at + length > this.bytes.length) this.grow(at, at + length);
    const target = this.bytes;
    if (length > SHORT_BYTES) target.set(bytes.subarray(start, end), at);
    else for (let i = start, to = at; i < end; i++, to++) target[to] = bytes[i] as number;
    at += length;
    this.starts[++this.count] = at;
  }

  private grow(used: number, needed: number): void {
    if (needed > POSITIONS_MAX) throw errors.outOfMemory;
    const old = this.bytes;
    this.bytes = new Uint8Array(Math.min(POSITIONS_MAX, Math.max(needed, old.length * 2)));
    this.bytes.set(old.subarray(0, used));
    this.view = new DataView(this.bytes.buffer);
    old.buffer.transfer(0);
  }

  /**
   * Reads the first byte of the texts order[from, to), at most TOUCHED_AT_ONCE of them: in the order of
   * a sort each lies somewhere else, and cache misses that do not wait for each other overlap.
   */
  touch(order: Int32Array, from: number, to: number): void {
    const { starts, bytes, places } = this;
    for (let i = from; i < to; i++) places[i - from] = starts[order[i] as number] as number;
    let sum = this.touchedSum;
    for (let i = 0; i < to - from; i++) sum ^= bytes[places[i] as number] as number;
    this.touchedSum = sum;
  }

  /** Where a text begins. */
  start(index: number): number {
    return this.starts[index] as number;
  }

  /** Where a text ends. */
  end(index: number): number {
    return this.starts[index + 1] as number;
  }

  /** Gives the memory back, at once. */
  free(): void {
    this.bytes.buffer.transfer(0);
    this.starts.buffer.transfer(0);
  }
}
