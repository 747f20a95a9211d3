/**
 * Expiry: keys whose time has come are looked for, so that they do not wait for somebody to ask for
 * them. A slow cycle comes with the cron; when it ran out of time, or more keys are overdue than is
 * acceptable by what was seen of late, fast ones follow between its turns.
 */
import { Notify } from "@kv/commands";
import { expiryMs, RefList } from "@kv/core";
import { EngineState } from "../../kernel/situation.ts";
import { type ActiveExpiry, Port, type Ports } from "../../module/ports.ts";
import type { Running } from "../../module/system.ts";
import { FieldExpiry } from "./field-expiry.ts";

/** Percent of a processor that the slow cycle may use, at effort 1. */
const CPU_PERCENT = 25;
const FAST_CYCLE_US = 1000;
/** Share of expired keys among those looked at above which a database is worth another look. */
const STALE_ACCEPTABLE_PERCENT = 10;
const KEYS_PER_LOOP = 20;

export const expiryPort = new Port<Expiry>("expiry");

type Needs = Pick<
  Ports,
  "host" | "situation" | "stats" | "keyspace" | "effects" | "propagator" | "pause" | "latency"
>;

export class Expiry implements Running, ActiveExpiry {
  /** DEBUG SET-ACTIVE-EXPIRE. */
  isActive = true;
  /** active-expire-effort, 1 to 10. */
  effort = 1;
  /** What INFO shows: how many of the keys with an expiry are overdue, an estimate. */
  stalePercent = 0;
  timeLimitReachedCount = 0;
  elapsedUs = 0;
  private readonly ports: Needs;
  private readonly found = new RefList();
  private readonly fields: FieldExpiry;
  private databaseNumber = 0;
  private slowCycleHitLimit = false;
  private lastFastCycleUs = 0;

  constructor(ports: Needs) {
    this.ports = ports;
    this.fields = new FieldExpiry(ports);
  }

  cron(): void {
    if (this.mayExpire()) this.cycle(false);
  }

  turn(): void {
    if (this.needsTurn && this.mayExpire()) this.cycle(true);
  }

  get needsTurn(): boolean {
    return this.slowCycleHitLimit || this.stalePercent >= this.acceptablePercent;
  }

  private get acceptablePercent(): number {
    return STALE_ACCEPTABLE_PERCENT - (this.effort - 1);
  }

  resetStatistics(): void {
    this.stalePercent = 0;
    this.timeLimitReachedCount = 0;
    this.elapsedUs = 0;
  }

  private mayExpire(): boolean {
    const { pause, situation } = this.ports;
    if (!this.isActive || situation.is(EngineState.LOADING | EngineState.REPLICA)) return false;
    return !pause.isInForce();
  }

  /**
   * Looks for expired keys among those with an expiry, database by database, in hash order from
   * where it stopped. A database is looked at again while more than a tenth of what was seen had
   * expired. The slow cycle may use a quarter of a cron period's time, the fast one a millisecond.
   */
  private cycle(fast: boolean): void {
    const { found } = this;
    const { host, keyspace, situation, effects, propagator, stats } = this.ports;
    const startUs = host.monotonicUs();
    const effort = this.effort - 1;
    const fastUs = FAST_CYCLE_US + (FAST_CYCLE_US / 4) * effort;
    if (fast) {
      if (startUs - this.lastFastCycleUs < fastUs * 2) return;
      this.lastFastCycleUs = startUs;
    }
    const percent = CPU_PERCENT + 2 * effort;
    const limitUs = fast ? fastUs : (percent * 10_000) / situation.hz;
    const wanted = KEYS_PER_LOOP + (KEYS_PER_LOOP / 4) * effort;
    const acceptable = this.acceptablePercent;
    this.slowCycleHitLimit = false;
    let seenInAll = 0;
    let expiredInAll = 0;
    for (let visited = 0; visited < keyspace.databases.length; visited++) {
      const database = keyspace.databases[this.databaseNumber % keyspace.databases.length];
      this.databaseNumber++;
      if (database === undefined || database.expires.count === 0) continue;
      for (;;) {
        found.clear();
        database.expireCursor = database.expires.scan(database.expireCursor, wanted, found);
        let expired = 0;
        for (let i = 0; i < found.count; i++) {
          const entry = found.at(i);
          if (situation.nowMs <= expiryMs(keyspace.arena, entry)) continue;
          effects.removeKey(database, entry, "expired", Notify.EXPIRED, effects.lazyExpire);
          stats.expiredKeys++;
          expired++;
        }
        seenInAll += found.count;
        expiredInAll += expired;
        propagator.finish();
        if (host.monotonicUs() - startUs > limitUs) {
          this.slowCycleHitLimit = true;
          this.timeLimitReachedCount++;
          break;
        }
        if (database.expires.count === 0 || expired * 100 <= found.count * acceptable) break;
      }
      if (this.slowCycleHitLimit) break;
    }
    this.expireFields(startUs, limitUs);
    const elapsedUs = host.monotonicUs() - startUs;
    this.elapsedUs += elapsedUs;
    this.ports.latency.eventTook("expire-cycle", elapsedUs, situation.nowMs);
    // Where there is nothing that expires, nothing is overdue.
    const percentNow = seenInAll === 0 ? 0 : (expiredInAll / seenInAll) * 100;
    this.stalePercent = percentNow * 0.05 + this.stalePercent * 0.95;
  }

  /**
   * Then the fields of hashes: in the time that is left, and in a quarter of all of it however many keys
   * have expired.
   */
  private expireFields(startUs: number, limitUs: number): void {
    const { host, situation } = this.ports;
    const endUs = Math.max(startUs + limitUs, host.monotonicUs() + limitUs / 4);
    if (this.fields.cycle(situation.nowMs, endUs)) return;
    if (!this.slowCycleHitLimit) this.timeLimitReachedCount++;
    this.slowCycleHitLimit = true;
  }
}
