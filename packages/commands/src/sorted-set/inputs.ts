/**
 * Inputs: the sorted sets that one command of set algebra names, which may be as many as a request has
 * words. A set is one whose scores are all 1, a missing key one without members.
 *
 * What it knows of them is void when the command ends.
 */
import {
  type ListpackValue,
  NONE,
  type Ref,
  RefList,
  SetValue,
  SortedSetValue,
  Type,
  typeOf,
} from "@kv/core";
import type { Call } from "../call/call.ts";
import { errors } from "../call/errors.ts";
import { Kept } from "../call/kept.ts";

/** So many inputs have windows of their own; the others share one. */
const WINDOWS = 16;
/** A request has fewer words than this. */
const INDEX_BITS = 2 ** 21;

/** A window on one input: its members with scores. */
export class Input {
  /** The score of the member that next() or find() came to. */
  score = 0;
  private readonly sorted: SortedSetValue;
  private readonly set: SetValue;
  private isSorted = false;
  private isThere = false;

  constructor({ keyspace: { arena, seed } }: Call) {
    this.sorted = new SortedSetValue(arena, seed);
    this.set = new SetValue(arena, seed);
  }

  /** Makes this the window on what an entry holds; NONE: on nothing. */
  attach(entry: Ref): this {
    this.isThere = entry !== NONE;
    if (!this.isThere) return this;
    this.isSorted = typeOf(this.sorted.arena, entry) === Type.ZSET;
    if (this.isSorted) this.sorted.attach(entry);
    else this.set.attach(entry);
    return this;
  }

  /** Number of members. */
  get length(): number {
    if (!this.isThere) return 0;
    return this.isSorted ? this.sorted.length : this.set.length;
  }

  /** The member that next() came to. In place. */
  get member(): ListpackValue {
    return this.isSorted ? this.sorted.member : this.set.member;
  }

  /** Begins a walk over all members. */
  begin(): void {
    if (!this.isThere) return;
    if (this.isSorted) this.sorted.seek(0);
    else this.set.rewind();
  }

  /** Goes to the walk's next member. False when there is none any more. */
  next(): boolean {
    if (!this.isThere) return false;
    if (!this.isSorted) {
      this.score = 1;
      return this.set.next();
    }
    const isMore = this.sorted.next();
    this.score = this.sorted.score;
    return isMore;
  }

  /** True when it has the member that another input shows; its score is then in `score`. */
  find(text: ListpackValue): boolean {
    if (!this.isThere) return false;
    if (!this.isSorted) {
      this.score = 1;
      return this.set.hasShown(text);
    }
    const isFound = this.sorted.find(text.bytes, text.view, text.start, text.end);
    this.score = this.sorted.score;
    return isFound;
  }
}

/** Several inputs with their weights, looked up for reading: see the head of this file. */
export class Inputs {
  /** How many there are, missing ones included. */
  count = 0;
  private readonly call: Call;
  private readonly entries = new RefList();
  private readonly windows: Input[] = [];
  private readonly shared: Input;
  private weights = new Float64Array(WINDOWS);

  constructor(call: Call) {
    this.call = call;
    this.shared = new Input(call);
  }

  /** Looks up `count` inputs at the arguments from `first` on. Throws wrongType. */
  lookUp(first: number, count: number): this {
    const { call, entries } = this;
    const { arena } = call.keyspace;
    entries.clear();
    for (let i = first; i < first + count; i++) {
      const entry = call.lookupRead(i);
      const type = entry === NONE ? Type.ZSET : typeOf(arena, entry);
      if (type !== Type.ZSET && type !== Type.SET) throw errors.wrongType;
      entries.push(entry);
    }
    this.count = count;
    if (this.weights.length < count) this.weights = new Float64Array(count);
    this.weights.fill(1, 0, count);
    this.attach();
    return this;
  }

  private attach(): void {
    const { windows, entries, call } = this;
    const own = Math.min(entries.count, WINDOWS);
    while (windows.length < own) windows.push(new Input(call));
    for (let i = 0; i < own; i++) (windows[i] as Input).attach(entries.at(i));
  }

  /** A window on an input. From the 16th on it is void when the next one is asked for. */
  at(index: number): Input {
    if (index < WINDOWS) return this.windows[index] as Input;
    return this.shared.attach(this.entries.at(index));
  }

  /** What the scores of an input count. */
  weightAt(index: number): number {
    return this.weights[index] as number;
  }

  /** Says what the scores of an input count. */
  setWeight(index: number, weight: number): void {
    this.weights[index] = weight;
  }

  /** Puts the smallest first; of the same size, those that were named first. */
  sort(): void {
    const { count, entries } = this;
    const order = new Float64Array(count);
    for (let i = 0; i < count; i++) order[i] = this.at(i).length * INDEX_BITS + i;
    order.sort();
    const weights = this.weights.slice(0, count);
    const sorted = new RefList(Math.max(WINDOWS, count));
    for (let i = 0; i < count; i++) {
      const index = (order[i] as number) % INDEX_BITS;
      this.weights[i] = weights[index] as number;
      sorted.push(entries.at(index));
    }
    entries.clear();
    for (let i = 0; i < count; i++) entries.push(sorted.at(i));
    this.attach();
  }
}

const kept = new Kept((call) => new Inputs(call));

/** `count` inputs at the arguments from `first` on. Throws wrongType. */
export function inputsAt(call: Call, first: number, count: number): Inputs {
  return kept.of(call).lookUp(first, count);
}
