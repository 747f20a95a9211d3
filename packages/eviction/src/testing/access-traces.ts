/**
 * Access traces: which key is used when, as a list of key numbers. A trace is recorded as its
 * generator and its seed, and so is the same everywhere.
 */
import { seededRandom32 } from "./seeded-random.ts";

/** Uses of `keyCount` keys, the k-th most popular in proportion to 1 / k^exponent. */
export function zipfTrace(
  seed: number,
  length: number,
  keyCount: number,
  exponent: number,
): Int32Array {
  const draw = zipf(seed, keyCount, exponent);
  return Int32Array.from({ length }, draw);
}

/** A Zipf trace into which, every `period` uses, `scanLength` keys break that never come again. */
export function scanTrace(
  seed: number,
  length: number,
  keyCount: number,
  exponent: number,
  period: number,
  scanLength: number,
): Int32Array {
  const draw = zipf(seed, keyCount, exponent);
  let scanned = keyCount;
  return Int32Array.from({ length }, (_, at) =>
    at % period < scanLength && at >= period ? scanned++ : draw(),
  );
}

/** Keys 0 to keyCount - 1, in order, over and over: the worst that can happen to exact LRU. */
export function loopTrace(length: number, keyCount: number): Int32Array {
  return Int32Array.from({ length }, (_, at) => at % keyCount);
}

/** Nine uses in ten go to a hot set, which is another one every `period` uses. */
export function shiftingTrace(
  seed: number,
  length: number,
  keyCount: number,
  hotCount: number,
  period: number,
): Int32Array {
  const random32 = seededRandom32(seed);
  return Int32Array.from({ length }, (_, at) => {
    if (random32() % 10 === 0) return random32() % keyCount;
    const first = Math.floor(at / period) * hotCount;
    return (first + (random32() % hotCount)) % keyCount;
  });
}

/** The traces that hit rates are compared on. */
export const recordedTraces: Readonly<Record<string, () => Int32Array>> = {
  zipf: () => zipfTrace(11, 60_000, 5_000, 0.9),
  "zipf, flat": () => zipfTrace(12, 60_000, 5_000, 0.6),
  scan: () => scanTrace(13, 60_000, 4_000, 0.9, 6_000, 1_500),
  loop: () => loopTrace(40_000, 2_000),
  "shifting hot set": () => shiftingTrace(14, 60_000, 5_000, 400, 10_000),
};

/** Draws key numbers by inverting the summed probabilities; popular keys are spread out. */
function zipf(seed: number, keyCount: number, exponent: number): () => number {
  const random32 = seededRandom32(seed);
  const sums = new Float64Array(keyCount);
  let sum = 0;
  for (let rank = 0; rank < keyCount; rank++) {
    sum += 1 / (rank + 1) ** exponent;
    sums[rank] = sum;
  }
  return () => {
    const wanted = (random32() / 2 ** 32) * sum;
    let low = 0;
    let high = keyCount - 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((sums[middle] as number) > wanted) high = middle;
      else low = middle + 1;
    }
    return low;
  };
}
