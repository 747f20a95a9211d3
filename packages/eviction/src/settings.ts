/**
 * What can be configured about eviction, with Redis's defaults. One plain object, shared by the
 * parts of this package and changed in place by whoever owns the directives; changes are seen by
 * the next AccessClock.advance() and the next Evictor.performEvictions().
 */

export interface EvictionSettings {
  /** maxmemory: 0 is no limit. */
  maxmemoryBytes: number;
  /** maxmemory-policy: a key of the policies that the Evictor was made with. */
  policy: string;
  /** maxmemory-samples: keys looked at per database and round. */
  samples: number;
  /** maxmemory-eviction-tenacity, 0 to 100: see evictionTimeLimitUs(). */
  tenacity: number;
  /** lfu-log-factor: how much harder each step of the counter is than the one before. */
  lfuLogFactor: number;
  /** lfu-decay-time: minutes without use that cost a counter one step; 0 is never. */
  lfuDecayMinutes: number;
}

/** Redis's defaults (redis.conf 7.2), in an object of their own: no limit, and nothing evicted. */
export function defaultEvictionSettings(): EvictionSettings {
  return {
    maxmemoryBytes: 0,
    policy: "noeviction",
    samples: 5,
    tenacity: 10,
    lfuLogFactor: 10,
    lfuDecayMinutes: 1,
  };
}
