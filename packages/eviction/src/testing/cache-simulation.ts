/**
 * SimulatedCache: a cache of a fixed number of keys on a real keyspace, kept to its size by an
 * Evictor. It counts keys where a server counts bytes; everything else is the real thing.
 */
import { NONE, type Ref } from "@kv/core";
import { Evictor } from "../evict.ts";
import { defaultEvictionSettings } from "../settings.ts";
import { KeyFixture } from "./key-fixture.ts";
import type { CacheModel } from "./reference-models.ts";

export interface SimulatedCacheOptions {
  policy: string;
  /** Keys that fit. */
  capacity: number;
  seed: number;
  /** Time from one use to the next: what LRU seconds and LFU minutes are filled with. */
  useIntervalMs: number;
  samples?: number;
  lfuLogFactor?: number;
  lfuDecayMinutes?: number;
}

export class SimulatedCache implements CacheModel {
  readonly fixture: KeyFixture;
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
