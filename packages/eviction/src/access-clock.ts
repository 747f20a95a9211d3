/**
 * AccessClock: what the use of a key leaves in its entry, under the policy that rules now.
 *
 * advance() reads time and settings, once per loop turn or command; the rest is called for every
 * key that a command looks up or writes, and so costs a comparison and a store. No allocation.
 */
import { type Arena, assert, idleBits, NONE, type Ref, setIdleBits } from "@kv/core";
import { LFU_INIT_VAL, lfuBits, lfuIncrement, lfuMinutes } from "./frequency.ts";
import { lruClock } from "./idle-clock.ts";
import type { EvictionPolicy, ScoreTime } from "./policies.ts";
import type { EvictionSettings } from "./settings.ts";

/**
 * The clock by which uses of keys are written down. Reads `settings` when it is advanced; throws
 * (assert) when these name no policy.
 */
export class AccessClock implements ScoreTime {
  /** The LRU clock: seconds since 1970, in 24 bits. */
  lruClock = 0;
  /** Minutes since 1970, in 16 bits: when LFU counters last lost a step. */
  lfuMinutes = 0;
  /** Minutes without use that cost a counter one step; 0 is never. */
  lfuDecayMinutes = 1;
  /** The idle bits of a key born now. */
  newKeyBits = 0;
  private countsUses = false;
  private lfuLogFactor = 10;
  private readonly settings: Readonly<EvictionSettings>;
  private readonly policies: Readonly<Record<string, EvictionPolicy>>;
  private readonly random32: () => number;

  constructor(
    settings: Readonly<EvictionSettings>,
    policies: Readonly<Record<string, EvictionPolicy>>,
    random32: () => number,
  ) {
    this.settings = settings;
    this.policies = policies;
    this.random32 = random32;
    this.advance(0);
  }

  /** Takes over the time, in milliseconds since 1970, and the settings as they are now. */
  advance(nowMs: number): void {
    const { settings } = this;
    const policy = this.policies[settings.policy];
    assert(policy !== undefined, "settings.policy names one of the policies");
    this.lruClock = lruClock(nowMs);
    this.lfuMinutes = lfuMinutes(nowMs);
    this.lfuDecayMinutes = settings.lfuDecayMinutes;
    this.lfuLogFactor = settings.lfuLogFactor;
    this.countsUses = policy.usage === "lfu";
    this.newKeyBits = this.countsUses ? lfuBits(LFU_INIT_VAL, this.lfuMinutes) : this.lruClock;
  }

  /** The key is being used. */
  touch(arena: Arena, entry: Ref): void {
    setIdleBits(arena, entry, this.usedBits(arena, entry));
  }

  /**
   * The idle bits for a key that is about to get a new value; NONE is a key that is not there yet.
   * Overwriting is a use: it does not make a much-used key a newcomer.
   */
  writtenBits(arena: Arena, entry: Ref): number {
    return entry === NONE ? this.newKeyBits : this.usedBits(arena, entry);
  }

  private usedBits(arena: Arena, entry: Ref): number {
    if (!this.countsUses) return this.lruClock;
    const bits = idleBits(arena, entry);
    const { lfuMinutes, lfuLogFactor, lfuDecayMinutes } = this;
    return lfuIncrement(bits, lfuMinutes, lfuLogFactor, lfuDecayMinutes, this.random32());
  }
}
