/**
 * SortOrder: in which order elements come.
 *
 * Each element has a number, its weight or the first bytes of its text, by which nearly all comparisons
 * are settled; the others look at the texts. Many are first dealt out by their numbers, digit by digit
 * (number-order.ts), and what is left are runs of equal ones. Sorting these is merging: elements that are
 * equal in all stay in the order in which they were loaded. Of a long run of which only the first are
 * wanted, those are picked by a heap.
 *
 * Texts are compared byte by byte. A reply has them in the order of the C locale, for which a text ends
 * with its first zero byte; what is stored is told apart to the last byte, so that it is the same on
 * every server.
 */
import { type Arena, compareBytes, NONE, StringView } from "@kv/core";
import { parseDouble } from "@kv/resp";
import { orderByNumber } from "./number-order.ts";
import { SortTexts } from "./sort-texts.ts";

/** Bytes of a text that a number holds exactly. */
const PREFIX_BYTES = 6;
/** Smaller numbers are not exact: C's strtod calls that out of range. */
const NORMAL_MIN = 2 ** -1022;
/** Up to so many neighbours are put in order by insertion. */
const RUN = 8;
/** Fewer elements are not worth being dealt out. */
const DEALT_MIN = 256;
/** A run that is so many times longer than what is wanted of it is not sorted but picked from. */
const PICKED_FACTOR = 8;
/** More than that are not picked from all elements, but dealt out with them. */
const PICKED_MAX = 1024;
/** A number below that of every text. */
export const NO_WEIGHT = -1;

/** The number that a text is, as C's strtod reads it; NaN when it is none, or out of range. */
export function weightOfText(bytes: Uint8Array, start: number, end: number): number {
  let from = start;
  while (from < end && isSpace(bytes[from] as number)) from++;
  let to = from;
  while (to < end && bytes[to] !== 0) to++;
  // Nothing at all is 0, but spaces are no number.
  if (from === to) return from === start ? 0 : Number.NaN;
  const value = parseDouble(bytes, from, to);
  return value !== 0 && Math.abs(value) < NORMAL_MIN ? Number.NaN : value;
}

function isSpace(byte: number): boolean {
  return byte === 32 || (byte >= 9 && byte <= 13);
}

/** The first bytes of a text as a number. `isStored`: a zero byte is like any other. */
export function prefixOf(bytes: Uint8Array, start: number, end: number, isStored: boolean): number {
  let value = 0;
  let at = start;
  for (let i = 0; i < PREFIX_BYTES; i++) {
    let byte = 0;
    if (at < end) {
      byte = bytes[at++] as number;
      if (byte === 0 && !isStored) at = end;
    }
    value = value * 256 + byte;
  }
  return value;
}

/** What elements are sorted by, where that is not their own text: strings and values of hashes. */
export class SortWeights {
  /** Copies of them; nothing of a long string. */
  readonly texts: SortTexts;
  /** Entries of long strings, which stay where they are. */
  readonly entries: Int32Array<ArrayBuffer>;

  /** For so many elements. */
  constructor(count: number) {
    this.texts = new SortTexts(count);
    this.entries = new Int32Array(count);
  }
}

/** Puts elements in order: see the head of this file. */
export class SortOrder {
  /** The numbers by which elements are compared first. */
  readonly numbers: Float64Array<ArrayBuffer>;
  /** The elements' indexes, in order when sort() is done. */
  order: Int32Array<ArrayBuffer>;
  /** The elements' texts. */
  private readonly texts: SortTexts;
  /** What they are sorted by, if that is other texts. */
  weights: SortWeights | null = null;
  private readonly arena: Arena;
  private spare: Int32Array<ArrayBuffer>;
  private isDescending = false;
  private isAlpha = false;
  private isStored = false;
  private readonly one = new StringView();
  private readonly other = new StringView();

  /** Takes over the texts, and a number for each that may be set until they are sorted. */
  constructor(arena: Arena, texts: SortTexts, numbers: Float64Array<ArrayBuffer>) {
    const { count } = texts;
    this.arena = arena;
    this.texts = texts;
    this.numbers = numbers;
    this.order = new Int32Array(count);
    this.spare = new Int32Array(count);
    for (let i = 0; i < count; i++) this.order[i] = i;
  }

  /** Gives the memory back, at once. */
  free(): void {
    this.numbers.buffer.transfer(0);
    this.order.buffer.transfer(0);
    this.spare.buffer.transfer(0);
    this.texts.free();
    this.weights?.entries.buffer.transfer(0);
    this.weights?.texts.free();
  }

  /**
   * Sorts by `numbers`; where they are equal by the elements' texts or, if `isAlpha`, by the weights,
   * if there are any. Only order[start, end) is wanted; elsewhere the order is any.
   */
  sort(
    isDescending: boolean,
    isAlpha: boolean,
    isStored: boolean,
    start: number,
    end: number,
  ): void {
    this.isDescending = isDescending;
    this.isAlpha = isAlpha;
    this.isStored = isStored;
    const { numbers } = this;
    const { length } = this.order;
    if (length < DEALT_MIN || (end <= PICKED_MAX && end * PICKED_FACTOR < length)) {
      this.sortRun(0, length, end);
      return;
    }
    if (orderByNumber(numbers, isDescending, this.order, this.spare)) {
      const dealt = this.spare;
      this.spare = this.order;
      this.order = dealt;
    }
    for (let from = 0, to = 0; from < end; from = to) {
      const number = numbers[this.order[from] as number];
      for (to = from + 1; to < length && numbers[this.order[to] as number] === number; to++);
      if (to > start) this.sortRun(from, to, end);
    }
  }

  /** Sorts order[from, to), of which what is before `end` is wanted. */
  private sortRun(from: number, to: number, end: number): void {
    let last = to;
    if ((end - from) * PICKED_FACTOR < to - from) {
      if (end <= from) return;
      last = end;
      this.pick(from, to, last);
    }
    for (let at = from; at < last; at += RUN) this.insert(at, Math.min(at + RUN, last));
    if (last - from <= RUN) return;
    for (let width = RUN; width < last - from; width *= 2) {
      for (let at = from; at < last; at += 2 * width) {
        const middle = Math.min(at + width, last);
        this.merge(at, middle, Math.min(middle + width, last));
      }
      for (let at = from; at < last; at++) this.order[at] = this.spare[at] as number;
    }
  }

  /** Brings those that come first in order[from, to) to order[from, last), as they were loaded. */
  private pick(from: number, to: number, last: number): void {
    const { order } = this;
    const count = last - from;
    // A heap: none comes behind the one that it hangs from, so at `from` is the last of them.
    for (let at = (count >> 1) - 1; at >= 0; at--) this.sink(from, at, count);
    for (let at = last; at < to; at++) {
      const element = order[at] as number;
      const highest = order[from] as number;
      if (!this.comesFirst(element, highest)) continue;
      order[from] = element;
      order[at] = highest;
      this.sink(from, 0, count);
    }
    order.subarray(from, last).sort();
  }

  private sink(from: number, place: number, count: number): void {
    const { order } = this;
    const element = order[from + place] as number;
    for (;;) {
      let child = 2 * place + 1;
      if (child >= count) break;
      let lower = order[from + child] as number;
      if (child + 1 < count && this.comesFirst(lower, order[from + child + 1] as number))
        lower = order[from + ++child] as number;
      if (!this.comesFirst(element, lower)) break;
      order[from + place] = lower;
      place = child;
    }
    order[from + place] = element;
  }

  /** Whether `one` is before `other`, of equal ones the one that was loaded first. */
  private comesFirst(one: number, other: number): boolean {
    if (this.isBefore(one, other)) return true;
    return one < other && !this.isBefore(other, one);
  }

  private insert(from: number, to: number): void {
    const { order } = this;
    for (let i = from + 1; i < to; i++) {
      const element = order[i] as number;
      let at = i;
      for (; at > from && this.isBefore(element, order[at - 1] as number); at--)
        order[at] = order[at - 1] as number;
      order[at] = element;
    }
  }

  /** Merges order[from, middle) and order[middle, to) into `spare`. */
  private merge(from: number, middle: number, to: number): void {
    const { order, spare } = this;
    let left = from;
    let right = middle;
    for (let at = from; at < to; at++) {
      const takesRight =
        left === middle ||
        (right < to && this.isBefore(order[right] as number, order[left] as number));
      spare[at] = order[takesRight ? right++ : left++] as number;
    }
  }

  private isBefore(one: number, other: number): boolean {
    const { numbers } = this;
    const left = numbers[one] as number;
    const right = numbers[other] as number;
    if (left !== right) return left < right !== this.isDescending;
    const compared = this.compareTexts(one, other);
    return this.isDescending ? compared > 0 : compared < 0;
  }

  private compareTexts(one: number, other: number): number {
    const { texts, weights } = this;
    if (!this.isAlpha) return compareIn(texts, one, other);
    if (weights === null)
      return this.isStored ? compareIn(texts, one, other) : collate(texts, one, other);
    // Neither has a weight: all elements without one are alike.
    if (this.numbers[one] === NO_WEIGHT) return 0;
    return this.compareWeights(weights, one, other);
  }

  private compareWeights({ texts, entries }: SortWeights, one: number, other: number): number {
    const left = this.one;
    const right = this.other;
    const leftEntry = entries[one] as number;
    const rightEntry = entries[other] as number;
    if (leftEntry !== NONE) left.read(this.arena, leftEntry);
    if (rightEntry !== NONE) right.read(this.arena, rightEntry);
    const leftView = leftEntry === NONE ? texts.view : left.view;
    const rightView = rightEntry === NONE ? texts.view : right.view;
    const leftStart = leftEntry === NONE ? texts.start(one) : left.start;
    const rightStart = rightEntry === NONE ? texts.start(other) : right.start;
    let leftEnd = leftEntry === NONE ? texts.end(one) : left.end;
    let rightEnd = rightEntry === NONE ? texts.end(other) : right.end;
    if (!this.isStored) {
      leftEnd = textEnd(leftView, leftStart, leftEnd);
      rightEnd = textEnd(rightView, rightStart, rightEnd);
    }
    return compareBytes(leftView, leftStart, leftEnd, rightView, rightStart, rightEnd);
  }
}

function compareIn(texts: SortTexts, one: number, other: number): number {
  const { view } = texts;
  const start = texts.start(other);
  return compareBytes(view, texts.start(one), texts.end(one), view, start, texts.end(other));
}

/** Where a text ends for C: before its first zero byte. */
function textEnd(view: DataView, start: number, end: number): number {
  for (let at = start; at < end; at++) if (view.getUint8(at) === 0) return at;
  return end;
}

function collate(texts: SortTexts, one: number, other: number): number {
  const { view } = texts;
  const start = texts.start(one);
  const otherStart = texts.start(other);
  const end = textEnd(view, start, texts.end(one));
  const otherEnd = textEnd(view, otherStart, texts.end(other));
  return compareBytes(view, start, end, view, otherStart, otherEnd);
}
