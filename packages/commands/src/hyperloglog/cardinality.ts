/**
 * From registers to a number: how many different elements a HyperLogLog has probably seen.
 *
 * The estimator is Ertl's ("New cardinality estimation algorithms for HyperLogLog sketches", 2017),
 * the one that Redis has used since 4.0: it needs only how many registers have each value, and no
 * tables that correct it. Both servers must come to the same number, so the sums are made in the
 * same order.
 */
import { REGISTERS } from "./hll-format.ts";

/** Highest value that a hash can give a register, less one: 64 bits without the 14 of the index. */
const RANK_BITS = 50;
/** 1 / (2 ln 2). */
const ALPHA = 0.7213475204444817;

/** What Redis makes of an estimate that no 64-bit integer can hold: the smallest one there is. */
const BEYOND = 2 ** 63;

/**
 * The estimate for so many registers of each value (indexed by it); BEYOND when it is no less than
 * that, which registers that no hash has made may come to.
 */
export function estimate(counts: Int32Array): number {
  let z = REGISTERS * tau((REGISTERS - (counts[RANK_BITS + 1] as number)) / REGISTERS);
  for (let value = RANK_BITS; value >= 1; value--) {
    z += counts[value] as number;
    z *= 0.5;
  }
  z += REGISTERS * sigma((counts[0] as number) / REGISTERS);
  return Math.min(Math.round((ALPHA * REGISTERS * REGISTERS) / z), BEYOND);
}

/** The share of registers that nothing fell into, as the estimator weighs it. */
function sigma(x: number): number {
  if (x === 1) return Number.POSITIVE_INFINITY;
  let y = 1;
  let z = x;
  let before: number;
  do {
    x *= x;
    before = z;
    z += x * y;
    y += y;
  } while (before !== z);
  return z;
}

/** The share of registers that have not reached the highest value. */
function tau(x: number): number {
  if (x === 0 || x === 1) return 0;
  let y = 1;
  let z = 1 - x;
  let before: number;
  do {
    x = Math.sqrt(x);
    before = z;
    y *= 0.5;
    z -= (1 - x) * (1 - x) * y;
  } while (before !== z);
  return z / 3;
}
