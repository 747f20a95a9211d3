/**
 * Sorting elements by score and member, as the order of a sorted set wants them: for sorted sets that
 * are made as a whole, where that is several times cheaper than one insertion after the other.
 *
 * Many elements are sorted by the bits of their scores, sixteen at a time from the lowest on, which
 * needs no comparison; digits that are the same for all are passed over, as those of small integers
 * mostly are. What then has equal scores is sorted by its members.
 */
import type { Arena, Ref } from "../../memory/arena.ts";
import { keyLength, viewOf } from "../../table/entry.ts";
import { compareMember, memberIndex, scoreOf } from "./scored-member.ts";

/** Fewer elements are compared with each other. */
const RADIX_MIN = 1024;
const DIGIT_BITS = 16;
const DIGITS = 1 << DIGIT_BITS;

const double = new Float64Array(1);
const words = new Int32Array(double.buffer);

/** How one element compares with another by score and member. */
function order(arena: Arena, one: Ref, other: Ref): number {
  const score = scoreOf(arena, one);
  const otherScore = scoreOf(arena, other);
  if (score !== otherScore) return score < otherScore ? -1 : 1;
  const at = memberIndex(other);
  return compareMember(arena, one, viewOf(arena, other), at, at + keyLength(arena, other));
}

/** Sorts the elements refs[0, count). */
export function sortElements(arena: Arena, refs: Int32Array, count: number): void {
  const spare = new Int32Array(count);
  if (count < RADIX_MIN) {
    mergeSort(arena, refs, spare, 0, count);
    return;
  }
  sortByScores(arena, refs, spare, count);
  for (let from = 0; from < count; ) {
    const score = scoreOf(arena, refs[from] as number);
    let to = from + 1;
    while (to < count && scoreOf(arena, refs[to] as number) === score) to++;
    if (to - from > 1) mergeSort(arena, refs, spare, from, to);
    from = to;
  }
  spare.buffer.transfer(0);
}

/** By merging longer and longer runs of refs[from, to). */
function mergeSort(arena: Arena, refs: Int32Array, spare: Int32Array, from: number, to: number) {
  for (let width = 1; width < to - from; width *= 2) {
    for (let start = from; start + width < to; start += 2 * width)
      merge(arena, refs, spare, start, start + width, Math.min(to, start + 2 * width));
  }
}

function merge(
  arena: Arena,
  refs: Int32Array,
  spare: Int32Array,
  start: number,
  middle: number,
  end: number,
): void {
  // Runs that are in order already, as members of an input are, cost one comparison.
  if (order(arena, refs[middle - 1] as number, refs[middle] as number) <= 0) return;
  spare.set(refs.subarray(start, middle), start);
  let left = start;
  let right = middle;
  let at = start;
  while (left < middle && right < end) {
    if (order(arena, spare[left] as number, refs[right] as number) <= 0)
      refs[at++] = spare[left++] as number;
    else refs[at++] = refs[right++] as number;
  }
  while (left < middle) refs[at++] = spare[left++] as number;
}

/** Sorts refs by the scores alone. */
function sortByScores(arena: Arena, refs: Int32Array, spare: Int32Array, count: number): void {
  const high = new Int32Array(count);
  const low = new Int32Array(count);
  for (let i = 0; i < count; i++) {
    // -0 is equal to 0.
    double[0] = scoreOf(arena, refs[i] as number) + 0;
    // Bits that ascend, as unsigned numbers, where the doubles do.
    const sign = (words[1] as number) >> 31;
    high[i] = (words[1] as number) ^ (sign | 0x80000000);
    low[i] = (words[0] as number) ^ sign;
  }
  const columns = { refs, high, low };
  const others = { refs: spare, high: new Int32Array(count), low: new Int32Array(count) };
  let from = columns;
  let to = others;
  const counts = new Int32Array(DIGITS);
  for (let digit = 0; digit < 4; digit++) {
    const keys = digit < 2 ? from.low : from.high;
    const shift = (digit & 1) * DIGIT_BITS;
    counts.fill(0);
    for (let i = 0; i < count; i++) {
      const key = ((keys[i] as number) >>> shift) & (DIGITS - 1);
      counts[key] = (counts[key] as number) + 1;
    }
    if (counts[((keys[0] as number) >>> shift) & (DIGITS - 1)] === count) continue;
    let sum = 0;
    for (let key = 0; key < DIGITS; key++) {
      const size = counts[key] as number;
      counts[key] = sum;
      sum += size;
    }
    for (let i = 0; i < count; i++) {
      const key = ((keys[i] as number) >>> shift) & (DIGITS - 1);
      const place = counts[key] as number;
      counts[key] = place + 1;
      to.refs[place] = from.refs[i] as number;
      to.high[place] = from.high[i] as number;
      to.low[place] = from.low[i] as number;
    }
    [from, to] = [to, from];
  }
  if (from !== columns) refs.set(spare.subarray(0, count));
  for (const { high, low } of [columns, others]) {
    high.buffer.transfer(0);
    low.buffer.transfer(0);
  }
}
