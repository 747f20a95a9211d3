/**
 * Exact caches of `capacity` keys, which remember everything: what the approximations are measured
 * against. use() says whether the key was there, and lets it in.
 */
import { seededRandom32 } from "./seeded-random.ts";

/** A cache that is asked for one key after another. */
export interface CacheModel {
  /** Uses a key, and lets it in. True when it was there. */
  use(key: number): boolean;
}

/** Evicts the key whose last use is longest ago. */
export class ExactLru implements CacheModel {
  private readonly capacity: number;
  /** In order of last use, as a Set keeps the order of insertion. */
  private readonly keys = new Set<number>();

  constructor(capacity: number) {
    this.capacity = capacity;
  }

  /** Uses a key, and lets it in. True when it was there. */
  use(key: number): boolean {
    const hit = this.keys.delete(key);
    if (!hit && this.keys.size >= this.capacity) {
      for (const oldest of this.keys) {
        this.keys.delete(oldest);
        break;
      }
    }
    this.keys.add(key);
    return hit;
  }
}

/** Evicts the key used least often since it came in; of several, the one used longest ago. */
export class ExactLfu implements CacheModel {
  private readonly capacity: number;
  private readonly useCounts = new Map<number, number>();
  /** The keys of each count, in order of last use. */
  private readonly byCount = new Map<number, Set<number>>();
  private lowestCount = 1;

  constructor(capacity: number) {
    this.capacity = capacity;
  }

  /** Uses a key, and lets it in. True when it was there. */
  use(key: number): boolean {
    const count = this.useCounts.get(key) ?? 0;
    if (count === 0 && this.useCounts.size >= this.capacity) this.evictOne();
    if (count > 0) this.byCount.get(count)?.delete(key);
    this.useCounts.set(key, count + 1);
    const peers = this.byCount.get(count + 1);
    if (peers === undefined) this.byCount.set(count + 1, new Set([key]));
    else peers.add(key);
    if (count === 0) this.lowestCount = 1;
    return count > 0;
  }

  private evictOne(): void {
    for (; ; this.lowestCount++) {
      for (const key of this.byCount.get(this.lowestCount) ?? []) {
        this.byCount.get(this.lowestCount)?.delete(key);
        this.useCounts.delete(key);
        return;
      }
    }
  }
}

/** Evicts any key: what every policy has to beat where there is something to know. */
export class RandomEviction implements CacheModel {
  private readonly capacity: number;
  private readonly random32: () => number;
  private readonly keys: number[] = [];
  private readonly present = new Set<number>();

  constructor(capacity: number, seed: number) {
    this.capacity = capacity;
    this.random32 = seededRandom32(seed);
  }

  /** Uses a key, and lets it in. True when it was there. */
  use(key: number): boolean {
    if (this.present.has(key)) return true;
    this.present.add(key);
    if (this.keys.length < this.capacity) {
      this.keys.push(key);
      return false;
    }
    const at = this.random32() % this.keys.length;
    this.present.delete(this.keys[at] as number);
    this.keys[at] = key;
    return false;
  }
}

/** Share of the uses that found their key. */
export function hitRate(cache: CacheModel, trace: Int32Array): number {
  let hits = 0;
  for (const key of trace) if (cache.use(key)) hits++;
  return hits / trace.length;
}
