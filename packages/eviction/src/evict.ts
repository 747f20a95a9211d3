/**
 * Evictor: makes room when memory runs over the limit, by the policy that is set.
 *
 * It chooses the keys; the caller deletes them, propagates, notifies and counts, says how much is
 * still to be freed, and when time is up. So nothing here knows clocks, replicas or clients.
 *
 *   - Scored policies look at `samples` keys of each database per round, keep the best candidates
 *     in a pool, and evict the pool's best. A candidate is looked up again first: a key that is
 *     gone, may not go any more, or was used since it was scored, is passed over.
 *   - Random policies take a random key from the databases in turn.
 *   - What was freed lazily and is still held (a large value, a flushed database) is given back
 *     before the next key goes: no key is evicted for memory that is free already.
 *
 * Promises: no key goes that the policy does not name, none once the limit is kept; the time
 * budget is asked after every 16 keys at least. Apart from keys over 255 bytes, choosing a key
 * allocates nothing.
 */

import type { Dict, Ref } from "@kv/core";
import {
  assert,
  type Database,
  EXPIRY_FLAG,
  flagsOf,
  type Keyspace,
  NONE,
  RefList,
} from "@kv/core";
import { AccessClock } from "./access-clock.ts";
import { type EvictionPolicy, evictionPolicies } from "./policies.ts";
import { CandidatePool } from "./pool.ts";
import { defaultEvictionSettings, type EvictionSettings } from "./settings.ts";

/**
 * "ok": the limit is kept. "running": time was up before it was; to be called again soon, commands
 * may go on. "fail": nothing (more) may be evicted; commands that need memory are refused.
 */
export type EvictionResult = "ok" | "running" | "fail";

/** What an Evictor works on. */
export interface EvictorOptions {
  /** The databases to evict from. */
  keyspace: Keyspace;
  /** Gives random 32-bit numbers. */
  random32: () => number;
  /** Kept and read, never written. Default: Redis's defaults, in an object of its own. */
  settings?: EvictionSettings;
  /** The policies to choose from. Default: Redis's eight. */
  policies?: Readonly<Record<string, EvictionPolicy>>;
}

/** Keys evicted between two looks at the clock. */
const KEYS_PER_TIME_CHECK = 16;
/** Objects freed between two looks at the clock. */
const LAZY_FREE_SLICE = 256;

/**
 * Microseconds that one call may take, by maxmemory-eviction-tenacity: 50 per step up to 10, 15 %
 * more per step up to 99 (two minutes), no limit at 100.
 */
export function evictionTimeLimitUs(tenacity: number): number {
  if (tenacity <= 10) return 50 * tenacity;
  if (tenacity < 100) return Math.floor(500 * 1.15 ** (tenacity - 10));
  return Number.POSITIVE_INFINITY;
}

/** Makes room by the policy that is set: see the head of this file. */
export class Evictor {
  /** What it was given, or its own; read anew at each call. */
  readonly settings: EvictionSettings;
  /** What the use of a key writes into its entry; performEvictions() advances it too. */
  readonly clock: AccessClock;
  /** Keys evicted since the start. */
  evictedCount = 0;
  /** Bytes that the arena got back in performEvictions() since the start. */
  freedBytes = 0;

  private readonly keyspace: Keyspace;
  private readonly random32: () => number;
  private readonly policies: Readonly<Record<string, EvictionPolicy>>;
  private readonly pool = new CandidatePool();
  private readonly sampled = new RefList();
  /** The policy that scored what is in the pool. */
  private poolPolicy: EvictionPolicy | null = null;
  private victimDatabase: Database | null = null;
  private nextDatabase = 0;

  constructor(options: EvictorOptions) {
    this.keyspace = options.keyspace;
    this.random32 = options.random32;
    this.settings = options.settings ?? defaultEvictionSettings();
    this.policies = options.policies ?? evictionPolicies;
    this.clock = new AccessClock(this.settings, this.policies, this.random32);
  }

  /** The policy that is set. */
  get policy(): EvictionPolicy {
    const policy = this.policies[this.settings.policy];
    assert(policy !== undefined, "settings.policy names one of the policies");
    return policy;
  }

  /** Bytes by which `usedBytes`, less what does not count (replica and AOF buffers), is too much. */
  overBytes(usedBytes: number, uncountedBytes: number): number {
    const { maxmemoryBytes } = this.settings;
    return maxmemoryBytes === 0 ? 0 : usedBytes - uncountedBytes - maxmemoryBytes;
  }

  /**
   * Evicts until `overBytes` returns 0 or less. `evict` removes the entry from the database, lazily
   * or not; `deadline` returns true when the time budget is used up.
   */
  performEvictions(
    nowMs: number,
    overBytes: () => number,
    deadline: () => boolean,
    evict: (database: Database, entry: Ref) => void,
  ): EvictionResult {
    if (overBytes() <= 0) return "ok";
    const { policy, clock, keyspace } = this;
    clock.advance(nowMs);
    const bytesBefore = keyspace.arena.usedBytes;
    // Where no key may go, what is free already may: no write is refused for want of that.
    const result =
      policy.keys === "none"
        ? this.releaseFreed(overBytes, deadline)
        : this.makeRoom(policy, overBytes, deadline, evict);
    this.freedBytes += bytesBefore - keyspace.arena.usedBytes;
    return result;
  }

  private makeRoom(
    policy: EvictionPolicy,
    overBytes: () => number,
    deadline: () => boolean,
    evict: (database: Database, entry: Ref) => void,
  ): EvictionResult {
    for (let evicted = 1; ; evicted++) {
      const released = this.releaseFreed(overBytes, deadline);
      if (released !== "fail") return released;

      const entry = policy.score === null ? this.takeRandom(policy) : this.takeBest(policy);
      const database = this.victimDatabase;
      if (entry === NONE || database === null) return "fail";
      const keysBefore = database.size;
      evict(database, entry);
      assert(database.size < keysBefore, "evict() removes the key that it is given");
      this.evictedCount++;

      if (overBytes() <= 0) return "ok";
      if (evicted % KEYS_PER_TIME_CHECK === 0 && deadline()) return "running";
    }
  }

  /** Gives back what was freed lazily, as far as needed. "fail": it was not enough. */
  private releaseFreed(overBytes: () => number, deadline: () => boolean): EvictionResult {
    const { lazyFree } = this.keyspace;
    let more = lazyFree.pendingCount > 0;
    while (more) {
      more = lazyFree.step(LAZY_FREE_SLICE);
      if (overBytes() <= 0) return "ok";
      if (more && deadline()) return "running";
    }
    return "fail";
  }

  /** A random key that may go, or NONE; its database in `victimDatabase`. */
  private takeRandom(policy: EvictionPolicy): Ref {
    const { databases } = this.keyspace;
    for (let tries = databases.length; tries > 0; tries--) {
      const database = databases[this.nextDatabase] as Database;
      this.nextDatabase = (this.nextDatabase + 1) % databases.length;
      const entry = tableOf(database, policy).random(this.random32);
      if (entry === NONE) continue;
      this.victimDatabase = database;
      return entry;
    }
    return NONE;
  }

  /** The best candidate known after another round of sampling, or NONE when no key may go. */
  private takeBest(policy: EvictionPolicy): Ref {
    if (this.poolPolicy !== policy) {
      // Scores of different policies cannot be compared.
      this.pool.clear();
      this.poolPolicy = policy;
    }
    // A round that finds only ghosts empties the pool, and what is sampled after that is no ghost.
    while (this.sampleAll(policy)) {
      const entry = this.takeFromPool(policy);
      if (entry !== NONE) return entry;
    }
    return NONE;
  }

  /** Offers some keys of every database to the pool. False when no database has a key that may go. */
  private sampleAll(policy: EvictionPolicy): boolean {
    const { arena, databases } = this.keyspace;
    const { sampled, pool, clock } = this;
    const score = policy.score;
    assert(score !== null, "only scored policies use the pool");
    let found = false;
    for (let index = 0; index < databases.length; index++) {
      const table = tableOf(databases[index] as Database, policy);
      if (table.count === 0) continue;
      found = true;
      sampled.clear();
      table.sample(this.settings.samples, this.random32, sampled);
      // A sparse table may show nothing but empty slots; one key at least makes a round count.
      if (sampled.count === 0) sampled.push(table.random(this.random32));
      for (let i = 0; i < sampled.count; i++) {
        const entry = sampled.at(i);
        pool.offer(index, arena, entry, score(arena, entry, clock));
      }
    }
    return found;
  }

  /** The best candidate of the pool that still is one, or NONE. */
  private takeFromPool(policy: EvictionPolicy): Ref {
    const { pool, keyspace, clock } = this;
    const { arena } = keyspace;
    while (pool.takeBest()) {
      const database = keyspace.databases[pool.bestDatabase] as Database;
      const entry = database.findKey(pool.bestBytes, pool.bestView, pool.bestStart, pool.bestEnd);
      if (entry === NONE) continue;
      if (policy.keys === "expiring" && (flagsOf(arena, entry) & EXPIRY_FLAG) === 0) continue;
      // A score that fell says that the key was used, or got more time, after it was sampled.
      if ((policy.score?.(arena, entry, clock) ?? 0) < pool.bestScore) continue;
      this.victimDatabase = database;
      return entry;
    }
    return NONE;
  }
}

function tableOf(database: Database, policy: EvictionPolicy): Dict {
  return policy.keys === "expiring" ? database.expires : database.dict;
}
