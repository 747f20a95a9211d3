/**
 * The eviction policies, one entry each. The keys of `evictionPolicies` are the values that the
 * directive maxmemory-policy takes, in the order in which its error message lists them.
 *
 * A policy says three things: which keys may go, what the 24 idle bits of an entry mean while it
 * rules, and how good a candidate an entry is. Everything else is the same for all of them. A new
 * policy is one entry here and nothing elsewhere; it must pass `policyContract`.
 */
import { type Arena, expiryMs, idleBits, type Ref } from "@kv/core";
import { lfuDecrAndReturn } from "./frequency.ts";
import { idleTimeMs } from "./idle-clock.ts";

/** The time of scoring, in the units of the idle bits. */
export interface ScoreTime {
  /** Seconds, 24 bits: see lruClock(). */
  readonly lruClock: number;
  /** Minutes, 16 bits: see lfuMinutes(). */
  readonly lfuMinutes: number;
  /** Minutes without use that cost a counter one step; 0 is never. */
  readonly lfuDecayMinutes: number;
}

/** How good a candidate the entry is: the highest goes first. Never NaN; changes nothing. */
export type Score = (arena: Arena, entry: Ref, time: ScoreTime) => number;

/** A policy: see the head of this file. `policyContract` of @kv/eviction/testing judges it. */
export interface EvictionPolicy {
  /** Keys that may go: none, all, or those with an expiry. */
  readonly keys: "none" | "all" | "expiring";
  /** What a use of a key writes into its idle bits: the LRU clock, or the LFU counter. */
  readonly usage: "lru" | "lfu";
  /** Whether the use of a key has a say in whether it goes: then files keep it, too. */
  readonly judgesUse: boolean;
  /** null takes keys at random, from the databases in turn. */
  readonly score: Score | null;
}

const longestIdle: Score = (arena, entry, time) =>
  idleTimeMs(idleBits(arena, entry), time.lruClock);

const leastUsed: Score = (arena, entry, time) =>
  255 - lfuDecrAndReturn(idleBits(arena, entry), time.lfuMinutes, time.lfuDecayMinutes);

const soonestToExpire: Score = (arena, entry) => -expiryMs(arena, entry);

/** The policies by the name that `maxmemory-policy` takes. */
export const evictionPolicies = {
  "volatile-lru": { keys: "expiring", usage: "lru", judgesUse: true, score: longestIdle },
  "volatile-lfu": { keys: "expiring", usage: "lfu", judgesUse: true, score: leastUsed },
  "volatile-random": { keys: "expiring", usage: "lru", judgesUse: false, score: null },
  "volatile-ttl": { keys: "expiring", usage: "lru", judgesUse: false, score: soonestToExpire },
  "allkeys-lru": { keys: "all", usage: "lru", judgesUse: true, score: longestIdle },
  "allkeys-lfu": { keys: "all", usage: "lfu", judgesUse: true, score: leastUsed },
  "allkeys-random": { keys: "all", usage: "lru", judgesUse: false, score: null },
  noeviction: { keys: "none", usage: "lru", judgesUse: false, score: null },
} satisfies Record<string, EvictionPolicy>;

/** The name of one of the policies that are here. */
export type EvictionPolicyName = keyof typeof evictionPolicies;
