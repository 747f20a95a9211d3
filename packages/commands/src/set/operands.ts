/**
 * Operands: the sets that one command of set algebra names, which may be as many as a request has
 * words. Missing keys are empty sets.
 *
 * What it knows of them is void when the command ends.
 */
import { NONE, type Ref, RefList, SetValue, Type } from "@kv/core";
import type { Call } from "../call/call.ts";
import { Kept } from "../call/kept.ts";

/** So many sets have a window of their own; the others share one. */
const WINDOWS = 16;
/** A request has fewer words than this. */
const INDEX_BITS = 2 ** 21;

/** Several sets, looked up for reading: see the head of this file. */
export class Operands {
  /** How many there are, missing ones included. */
  count = 0;
  /** How many of them are missing. */
  missingCount = 0;
  private readonly call: Call;
  private readonly entries = new RefList();
  private readonly windows: SetValue[] = [];
  private readonly shared: SetValue;
  private order = new Float64Array(16);

  constructor(call: Call) {
    this.call = call;
    this.shared = this.newWindow();
  }

  private newWindow(): SetValue {
    const { arena, seed } = this.call.keyspace;
    return new SetValue(arena, seed);
  }

  /** Looks up the sets at the arguments from `first` to before `end`. Throws wrongType. */
  lookUp(first: number, end: number): this {
    const { call, entries } = this;
    entries.clear();
    this.missingCount = 0;
    for (let i = first; i < end; i++) {
      const entry = call.readTyped(i, Type.SET);
      if (entry === NONE) this.missingCount++;
      entries.push(entry);
    }
    this.count = entries.count;
    this.attach();
    return this;
  }

  private attach(): void {
    const { windows, entries } = this;
    const own = Math.min(entries.count, WINDOWS);
    while (windows.length < own) windows.push(this.newWindow());
    for (let i = 0; i < own; i++) {
      const entry = entries.at(i);
      if (entry !== NONE) (windows[i] as SetValue).attach(entry);
    }
  }

  /** The entry of a set, or NONE. */
  entryAt(index: number): Ref {
    return this.entries.at(index);
  }

  /** A window on a set that is there. From the 16th on it is void when the next one is asked for. */
  at(index: number): SetValue {
    if (index < WINDOWS) return this.windows[index] as SetValue;
    return this.shared.attach(this.entries.at(index));
  }

  /** Members of a set; 0 when it is missing. */
  lengthAt(index: number): number {
    return this.entries.at(index) === NONE ? 0 : this.at(index).length;
  }

  /** Puts the sets from `first` on in the order of their sizes: the smallest first, or the largest. */
  sort(first: number, ascending: boolean): void {
    const { entries } = this;
    const { count } = entries;
    if (this.order.length < count) this.order = new Float64Array(count);
    const order = this.order.subarray(0, count - first);
    // The size and, below it, where the set stands now.
    for (let i = first; i < count; i++) {
      const length = this.lengthAt(i);
      order[i - first] = (ascending ? length : 2 ** 31 - length) * INDEX_BITS + i;
    }
    order.sort();
    const sorted = new RefList(Math.max(16, count));
    for (let i = 0; i < count; i++) {
      const index = i < first ? i : (order[i - first] as number) % INDEX_BITS;
      sorted.push(entries.at(index));
    }
    entries.clear();
    for (let i = 0; i < count; i++) entries.push(sorted.at(i));
    this.attach();
  }
}

const kept = new Kept((call) => new Operands(call));

/** The sets at the arguments from `first` to before `end`. Throws wrongType. */
export function operandsAt(call: Call, first: number, end: number): Operands {
  return kept.of(call).lookUp(first, end);
}
