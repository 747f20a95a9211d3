/**
 * Combining two runs of bits into a third, which may be one of the two: what BITOP is made of.
 *
 * A run is a place in some bytes, with the 32-bit words over the same memory. Words are taken where
 * all three lie on whole ones, as blocks of the arena do; the few bytes behind them, and strings
 * that lie somewhere in an entry, go byte by byte. There is a loop for each operation: one that
 * chose among them for every word would take several times as long.
 */

/** How two runs of bits are combined. */
export const Combine = {
  AND: 0,
  OR: 1,
  XOR: 2,
  /** The first and not the second. */
  AND_NOT: 3,
  /** Not the second, whatever the first. */
  NOT: 4,
} as const;

const NO_BYTES = new Uint8Array(0);

/** Bytes somewhere in memory, to be read or written. */
export class BitRun {
  bytes: Uint8Array = NO_BYTES;
  /** Words over the same memory; null: there is no such view. */
  words: Int32Array | null = null;
  /** Index of the first byte. */
  start = 0;
}

/** target[0, length) = first combined with second. */
export function combine(
  operation: number,
  target: BitRun,
  first: BitRun,
  second: BitRun,
  length: number,
): void {
  let done = 0;
  const isAligned = ((target.start | first.start | second.start) & 3) === 0;
  if (target.words !== null && first.words !== null && second.words !== null && isAligned) {
    const count = length >>> 2;
    const { words: t } = target;
    const { words: a } = first;
    const { words: b } = second;
    const at = target.start >>> 2;
    const from = first.start >>> 2;
    const and = second.start >>> 2;
    if (operation === Combine.AND) andWords(t, at, a, from, b, and, count);
    else if (operation === Combine.OR) orWords(t, at, a, from, b, and, count);
    else if (operation === Combine.XOR) xorWords(t, at, a, from, b, and, count);
    else if (operation === Combine.AND_NOT) andNotWords(t, at, a, from, b, and, count);
    else notWords(t, at, b, and, count);
    done = count * 4;
  }
  const { bytes: t, start: at } = target;
  const { bytes: a, start: from } = first;
  const { bytes: b, start: and } = second;
  for (let i = done; i < length; i++)
    t[at + i] = combined(operation, a[from + i] as number, b[and + i] as number);
}

function combined(operation: number, a: number, b: number): number {
  if (operation === Combine.AND) return a & b;
  if (operation === Combine.OR) return a | b;
  if (operation === Combine.XOR) return a ^ b;
  if (operation === Combine.AND_NOT) return a & ~b;
  return ~b;
}

function andWords(
  t: Int32Array,
  at: number,
  a: Int32Array,
  from: number,
  b: Int32Array,
  and: number,
  count: number,
): void {
  let i = 0;
  for (; i + 4 <= count; i += 4) {
    t[at + i] = (a[from + i] as number) & (b[and + i] as number);
    t[at + i + 1] = (a[from + i + 1] as number) & (b[and + i + 1] as number);
    t[at + i + 2] = (a[from + i + 2] as number) & (b[and + i + 2] as number);
    t[at + i + 3] = (a[from + i + 3] as number) & (b[and + i + 3] as number);
  }
  for (; i < count; i++) t[at + i] = (a[from + i] as number) & (b[and + i] as number);
}

function orWords(
  t: Int32Array,
  at: number,
  a: Int32Array,
  from: number,
  b: Int32Array,
  and: number,
  count: number,
): void {
  let i = 0;
  for (; i + 4 <= count; i += 4) {
    t[at + i] = (a[from + i] as number) | (b[and + i] as number);
    t[at + i + 1] = (a[from + i + 1] as number) | (b[and + i + 1] as number);
    t[at + i + 2] = (a[from + i + 2] as number) | (b[and + i + 2] as number);
    t[at + i + 3] = (a[from + i + 3] as number) | (b[and + i + 3] as number);
  }
  for (; i < count; i++) t[at + i] = (a[from + i] as number) | (b[and + i] as number);
}

function xorWords(
  t: Int32Array,
  at: number,
  a: Int32Array,
  from: number,
  b: Int32Array,
  and: number,
  count: number,
): void {
  let i = 0;
  for (; i + 4 <= count; i += 4) {
    t[at + i] = (a[from + i] as number) ^ (b[and + i] as number);
    t[at + i + 1] = (a[from + i + 1] as number) ^ (b[and + i + 1] as number);
    t[at + i + 2] = (a[from + i + 2] as number) ^ (b[and + i + 2] as number);
    t[at + i + 3] = (a[from + i + 3] as number) ^ (b[and + i + 3] as number);
  }
  for (; i < count; i++) t[at + i] = (a[from + i] as number) ^ (b[and + i] as number);
}

function andNotWords(
  t: Int32Array,
  at: number,
  a: Int32Array,
  from: number,
  b: Int32Array,
  and: number,
  count: number,
): void {
  let i = 0;
  for (; i + 4 <= count; i += 4) {
    t[at + i] = (a[from + i] as number) & ~(b[and + i] as number);
    t[at + i + 1] = (a[from + i + 1] as number) & ~(b[and + i + 1] as number);
    t[at + i + 2] = (a[from + i + 2] as number) & ~(b[and + i + 2] as number);
    t[at + i + 3] = (a[from + i + 3] as number) & ~(b[and + i + 3] as number);
  }
  for (; i < count; i++) t[at + i] = (a[from + i] as number) & ~(b[and + i] as number);
}

function notWords(t: Int32Array, at: number, b: Int32Array, and: number, count: number): void {
  let i = 0;
  for (; i + 4 <= count; i += 4) {
    t[at + i] = ~(b[and + i] as number);
    t[at + i + 1] = ~(b[and + i + 1] as number);
    t[at + i + 2] = ~(b[and + i + 2] as number);
    t[at + i + 3] = ~(b[and + i + 3] as number);
  }
  for (; i < count; i++) t[at + i] = ~(b[and + i] as number);
}
