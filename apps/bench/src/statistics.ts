/**
 * The statistics of a benchmark on a machine that others use too: medians and extremes over
 * rounds, and ratios of pairs. A mean would let one disturbed round speak for all of them.
 */

export interface Summary {
  median: number;
  low: number;
  high: number;
  count: number;
}

export function median(values: readonly number[]): number {
  if (values.length === 0) return Number.NaN;
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

export function summarize(values: readonly number[]): Summary {
  return {
    median: median(values),
    low: Math.min(...values),
    high: Math.max(...values),
    count: values.length,
  };
}

/**
 * `ours[i] / reference[i]` of each round. The two of a round ran next to each other, so a slow
 * spell of the machine hits both and cancels out; the ratio of two medians would keep it.
 */
export function pairedRatios(ours: readonly number[], reference: readonly number[]): number[] {
  if (ours.length !== reference.length) throw new RangeError("a round has both servers or none");
  return ours.map((value, round) => value / reference[round]);
}

export function geometricMean(values: readonly number[]): number {
  if (values.length === 0) return Number.NaN;
  return Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
}
