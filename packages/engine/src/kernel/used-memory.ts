/**
 * Memory: what is in use, and making room when that is too much.
 *
 * Used memory is a sum, not a guess: the arena's blocks, plus the buffers held for clients. The
 * runtime's own heap is no data and is reported apart.
 */
import { type IdleKeeper, Notify } from "@kv/commands";
import { Evictor, evictionTimeLimitUs, lfuDecrAndReturn, lfuIncrement } from "@kv/eviction";
import type { Engine } from "../engine.ts";
import type { Client } from "./client.ts";
import { CLIENT_BYTES } from "./client-costs.ts";
import { EngineState } from "./guards.ts";

export class Memory {
  readonly evictor: Evictor;
  readonly idle: IdleKeeper;
  /** lazyfree-lazy-eviction. */
  lazyEviction = false;
  private readonly engine: Engine;
  /** Bytes in use when the engine was put together, and what of them was tables. */
  readonly startupBytes: number;
  readonly startupTableBytes: number;
  private refreshedMs = -1;
  private clientBytes = 0;
  private countedMs = 0;
  /** Since when evicting has not sufficed; 0: it has. */
  private exceededSinceUs = 0;

  constructor(engine: Engine) {
    this.engine = engine;
    this.evictor = new Evictor({
      keyspace: engine.keyspace,
      random32: () => engine.host.random32(),
    });
    const { settings, clock } = this.evictor;
    this.idle = {
      fresh: 0,
      isClock: true,
      sharesIntegers: true,
      frequency: (bits) => lfuDecrAndReturn(bits, clock.lfuMinutes, settings.lfuDecayMinutes),
      touched: (bits) =>
        lfuIncrement(
          bits,
          clock.lfuMinutes,
          settings.lfuLogFactor,
          settings.lfuDecayMinutes,
          engine.host.random32(),
        ),
    };
    this.startupBytes = this.usedBytes;
    this.startupTableBytes = engine.keyspace.tableBytes();
  }

  /** Brings the LRU or LFU bits of new accesses up to date. */
  refreshIdle(nowMs: number): void {
    if (nowMs - this.refreshedMs < 100 && nowMs >= this.refreshedMs) return;
    this.refreshedMs = nowMs;
    const { clock } = this.evictor;
    clock.advance(nowMs);
    this.idle.fresh = clock.newKeyBits;
    this.idle.isClock = this.evictor.policy.usage !== "lfu";
  }

  /** After a change of the eviction directives. */
  settingsChanged(): void {
    this.refreshedMs = -1;
    const { maxmemoryBytes, policy } = this.evictor.settings;
    this.idle.sharesIntegers = maxmemoryBytes === 0 || !/l[rf]u$/.test(policy);
    this.engine.setUnusual(EngineState.MEMORY_LIMITED, this.evictor.settings.maxmemoryBytes > 0);
  }

  /** Bytes in use: data, what is kept for clients, buffers of the batch being served, and the logs. */
  get usedBytes(): number {
    const { keyspace, reply, batch, slowLog, aclLog } = this.engine;
    const buffers = this.clientBytes + reply.heldBytes + batch.heldBytes;
    return keyspace.arena.usedBytes + buffers + slowLog.keptBytes + aclLog.keptBytes;
  }

  /** The client's buffers have grown, or may have become smaller. */
  recount(client: Client): void {
    const bytes = client.closed ? 0 : CLIENT_BYTES + client.bufferBytes;
    this.clientBytes += bytes - client.countedBytes;
    client.countedBytes = bytes;
  }

  /** What grows is counted at once, what becomes smaller by the cron and by whoever makes room. */
  countClients(): void {
    for (const client of this.engine.clients.values()) this.recount(client);
  }

  get clientBufferBytes(): number {
    return this.clientBytes;
  }

  /** Bytes over `maxmemory`; 0 or less: none. */
  overBytes(): number {
    return this.evictor.overBytes(this.usedBytes, 0);
  }

  /** Evicts as far as needed. False: still over the limit, and nothing more may go now. */
  makeRoom(): boolean {
    if (this.overBytes() <= 0) {
      if (this.exceededSinceUs !== 0) this.noteExceeded(false);
      return true;
    }
    const { engine, evictor } = this;
    // Buffers that were sent meanwhile cost no key its life.
    if (this.clientBytes > 0 && engine.nowMs !== this.countedMs) {
      this.countedMs = engine.nowMs;
      this.countClients();
    }
    // While clients are paused the data set stays as it is.
    if (engine.pause.isInForce() || (engine.unusual & EngineState.LOADING) !== 0) return true;
    const startUs = engine.host.monotonicUs();
    const limitUs = evictionTimeLimitUs(evictor.settings.tenacity);
    const result = evictor.performEvictions(
      engine.nowMs,
      () => this.overBytes(),
      () => engine.host.monotonicUs() - startUs > limitUs,
      (database, entry) => {
        engine.effects.removeKey(database, entry, "evicted", Notify.EVICTED, this.lazyEviction);
        engine.stats.evictedKeys++;
      },
    );
    engine.propagator.finish();
    engine.latency.eventTook("eviction-cycle", engine.host.monotonicUs() - startUs, engine.nowMs);
    if (result === "running") engine.host.wake();
    this.noteExceeded(result === "running" || result === "fail");
    return result !== "fail";
  }

  /** Measures how long used memory stays over the limit although keys are evicted. */
  private noteExceeded(isOver: boolean): void {
    if (isOver) {
      if (this.exceededSinceUs === 0) this.exceededSinceUs = this.engine.host.monotonicUs();
    } else {
      this.engine.stats.evictionExceededUs += this.exceededForUs;
      this.exceededSinceUs = 0;
    }
  }

  /** How long it has been over the limit by now; 0: it is not. */
  get exceededForUs(): number {
    return this.exceededSinceUs === 0 ? 0 : this.engine.host.monotonicUs() - this.exceededSinceUs;
  }
}
