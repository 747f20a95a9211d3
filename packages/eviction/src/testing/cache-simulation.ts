/**
 * SimulatedCache: a cache of a fixed number of keys on a real keyspace, kept to its size by an
 * Evictor. It counts keys where a server counts bytes; everything else is the real thing.
 */
import { NONE, type Ref } from "@kv/core";
import { Evictor } from "../evict.ts";
import { defaultEvictionSettings } from "../settings.ts";
import { KeyFixture } from "./key-fixture.ts";
import type { CacheModel } from "./reference-models.ts";

/** What a cache is simulated with. */
export interface SimulatedCacheOptions {
  /** The value of maxmemory-policy. */
  policy: string;
  /** Keys that fit. */
  capacity: number;
  /** Of its randomness: the same seed and uses give the same hits. */
  seed: number;
  /** Time from one use to the next: what LRU seconds and LFU minutes are filled with. */
  useIntervalMs: number;
  /** maxmemory-samples. Default: 5. */
  samples?: number;
  /** lfu-log-factor. Default: 10. */
  lfuLogFactor?: number;
  /** lfu-decay-time, in minutes. Default: 1. */
  lfuDecayMinutes?: number;
}

/** A cache of a fixed number of keys that an Evictor keeps to its size. */
export class SimulatedCache implements CacheModel {
  /** The keys that it holds. */
  readonly fixture: KeyFixture;
  /** What keeps it to its size. */
  readonly evictor: Evictor;
  private readonly capacity: number;
  private readonly useIntervalMs: number;
  private nowMs = 1_700_000_000_000;

  constructor(options: SimulatedCacheOptions) {
    const { capacity, seed, useIntervalMs, ...settings } = options;
    this.capacity = capacity;
    this.useIntervalMs = useIntervalMs;
    this.fixture = new KeyFixture(seed, 1);
    this.evictor = new Evictor({
      keyspace: this.fixture.keyspace,
      random32: this.fixture.random32,
      settings: { ...defaultEvictionSettings(), ...settings },
    });
  }

  /** Uses a key, and lets it in. True when it was there. */
  use(key: number): boolean {
    const { fixture, evictor } = this;
    const { arena } = fixture.keyspace;
    const database = fixture.database(0);
    this.nowMs += this.useIntervalMs;
    evictor.clock.advance(this.nowMs);
    const name = `key:${key}`;
    const entry: Ref = fixture.find(0, name);
    if (entry !== NONE) {
      evictor.clock.touch(arena, entry);
      return true;
    }
    evictor.performEvictions(
      this.nowMs,
      () => database.size + 1 - this.capacity,
      () => false,
      (from, victim) => from.remove(victim, false),
    );
    fixture.set(0, name, "value", evictor.clock.newKeyBits);
    return false;
  }
}
