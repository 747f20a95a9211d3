/**
 * Deadlines: what is due first of many waits that end at some time: a binary heap, in which each
 * wait knows its place, so that taking one out of the middle is as quick as adding it.
 */

/** A wait that ends at a time. */
export interface Deadline {
  /** In milliseconds since 1970. */
  readonly untilMs: number;
  /** Its place in the heap, kept by Deadlines; -1: it is in none. */
  heapIndex: number;
}

/** A heap of deadlines: see the head of this file. */
export class Deadlines<T extends Deadline> {
  private readonly heap: T[] = [];

  /** How many there are. */
  get count(): number {
    return this.heap.length;
  }

  /** The one that is due first. */
  get first(): T | undefined {
    return this.heap[0];
  }

  add(item: T): void {
    this.heap.push(item);
    this.rise(item, this.heap.length - 1);
  }

  remove(item: T): void {
    const at = item.heapIndex;
    if (at === -1) return;
    item.heapIndex = -1;
    const last = this.heap.pop() as T;
    if (last === item) return;
    this.rise(last, at);
    this.sink(last, last.heapIndex);
  }

  /** Puts `item` at `at`, or above it as far as it is due before what is there. */
  private rise(item: T, at: number): void {
    const { heap } = this;
    let place = at;
    while (place > 0) {
      const above = heap[(place - 1) >> 1] as T;
      if (above.untilMs <= item.untilMs) break;
      this.put(above, place);
      place = (place - 1) >> 1;
    }
    this.put(item, place);
  }

  private sink(item: T, at: number): void {
    const { heap } = this;
    let place = at;
    for (;;) {
      let below = place * 2 + 1;
      if (below >= heap.length) break;
      const left = heap[below] as T;
      const right = heap[below + 1];
      if (right !== undefined && right.untilMs < left.untilMs) below++;
      const sooner = heap[below] as T;
      if (sooner.untilMs >= item.untilMs) break;
      this.put(sooner, place);
      place = below;
    }
    this.put(item, place);
  }

  private put(item: T, place: number): void {
    this.heap[place] = item;
    item.heapIndex = place;
  }
}
