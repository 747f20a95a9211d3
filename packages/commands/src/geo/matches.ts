/**
 * What a search has found: numbers in typed arrays, which grow with it, and no object for each. A
 * member is named by its rank in the sorted set, which does not change while a command runs.
 */

/** Room that is kept from one search to the next. */
const KEPT_MAX = 65536;
/** So many are put in order by insertion. */
const RUN_MAX = 12;

/** The places that a search has found, in the order of finding them, or of their distance. */
export class Matches {
  count = 0;
  /** Ranks of the members. */
  ranks = new Uint32Array(64);
  distances = new Float64Array(64);
  scores = new Float64Array(64);
  /** The matches in the order asked for. */
  order = new Uint32Array(64);
  /** What a merge is written to. */
  private merged = new Uint32Array(64);

  clear(): void {
    this.count = 0;
    if (this.ranks.length > KEPT_MAX) this.resize(64);
  }

  add(rank: number, distance: number, score: number): void {
    const { count } = this;
    if (count === this.ranks.length) this.resize(2 * count);
    this.ranks[count] = rank;
    this.distances[count] = distance;
    this.scores[count] = score;
    this.count = count + 1;
  }

  private resize(capacity: number): void {
    const kept = this.count;
    const ranks = new Uint32Array(capacity);
    const distances = new Float64Array(capacity);
    const scores = new Float64Array(capacity);
    ranks.set(this.ranks.subarray(0, kept));
    distances.set(this.distances.subarray(0, kept));
    scores.set(this.scores.subarray(0, kept));
    this.ranks = ranks;
    this.distances = distances;
    this.scores = scores;
    this.order = new Uint32Array(capacity);
    this.merged = new Uint32Array(capacity);
  }

  /** Leaves the matches in the order in which they were found. */
  keepOrder(): void {
    for (let i = 0; i < this.count; i++) this.order[i] = i;
  }

  /** Puts the first `wanted` by distance in order; those at the same distance stay as found. */
  sort(descending: boolean, wanted: number): void {
    this.keepOrder();
    if (wanted < this.count) this.select(descending, wanted);
    this.mergeSort(descending, wanted);
  }

  /** Whether match `a` comes before match `b`: no two are equal, as one was found first. */
  private isBefore(a: number, b: number, descending: boolean): boolean {
    const one = this.distances[a] as number;
    const other = this.distances[b] as number;
    if (one === other) return a < b;
    return one < other !== descending;
  }

  /** Moves the first `wanted` in order to the front, in any order (Hoare's selection). */
  private select(descending: boolean, wanted: number): void {
    const { order } = this;
    let low = 0;
    let high = this.count - 1;
    while (low < high) {
      const pivot = order[(low + high) >>> 1] as number;
      let i = low;
      let j = high;
      while (i <= j) {
        while (this.isBefore(order[i] as number, pivot, descending)) i++;
        while (this.isBefore(pivot, order[j] as number, descending)) j--;
        if (i > j) break;
        const swapped = order[i] as number;
        order[i++] = order[j] as number;
        order[j--] = swapped;
      }
      if (wanted <= j) high = j;
      else if (wanted > i) low = i;
      else return;
    }
  }

  /** Puts order[0, count) in order: runs of a few by insertion, then merged with each other. */
  private mergeSort(descending: boolean, count: number): void {
    for (let start = 0; start < count; start += RUN_MAX)
      this.insertionSort(descending, start, Math.min(start + RUN_MAX, count));
    let from = this.order;
    let to = this.merged;
    for (let run = RUN_MAX; run < count; run *= 2) {
      for (let start = 0; start < count; start += 2 * run) {
        const middle = Math.min(start + run, count);
        const end = Math.min(start + 2 * run, count);
        let i = start;
        let j = middle;
        for (let at = start; at < end; at++) {
          const takesLeft =
            j >= end ||
            (i < middle && this.isBefore(from[i] as number, from[j] as number, descending));
          to[at] = (takesLeft ? from[i++] : from[j++]) as number;
        }
      }
      const merged = to;
      to = from;
      from = merged;
    }
    this.order = from;
    this.merged = to;
  }

  private insertionSort(descending: boolean, start: number, end: number): void {
    const { order } = this;
    for (let i = start + 1; i < end; i++) {
      const match = order[i] as number;
      let at = i;
      for (; at > start && this.isBefore(match, order[at - 1] as number, descending); at--)
        order[at] = order[at - 1] as number;
      order[at] = match;
    }
  }
}
