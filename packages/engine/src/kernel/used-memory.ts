/**
 * Memory: what is in use, and making room when that is too much.
 *
 * Used memory is a sum, not a guess: the arena's blocks, plus the buffers held for clients. The
 * runtime's own heap is no data and is reported apart.
 */
import { type IdleKeeper, Notify } from "@kv/commands";
import type { Keyspace } from "@kv/core";
import { Evictor, evictionTimeLimitUs, lfuDecrAndReturn, lfuIncrement } from "@kv/eviction";
import type { Client } from "./client.ts";
import { CLIENT_BYTES } from "./client-report.ts";
import type { Clients } from "./clients.ts";
import type { EngineEffects } from "./effects.ts";
import type { Host } from "./host.ts";
import type { LatencyMonitor } from "./latency-monitor.ts";
import type { Pause } from "./pause.ts";
import type { Propagator } from "./propagate.ts";
import { EngineState, type Situation } from "./situation.ts";
import type { Stats } from "./stats.ts";

/** What UsedMemory is made of. */
export interface UsedMemoryParts {
  /** Measures how long evicting takes, and is asked for a turn when some is left. */
  host: Host;
  /** Is told whether `maxmemory` is set; says whether the data set is loading. */
  situation: Situation;
  /** Counts evicted keys, and the time over the limit. */
  stats: Stats;
  /** Whose memory this is, and where keys are evicted. */
  keyspace: Keyspace;
  /** Whose buffers count as well. */
  clients: Clients;
  /** Removes an evicted key and tells everybody. */
  effects: EngineEffects;
  /** Is told when an eviction cycle is over: what it removed leaves. */
  propagator: Propagator;
  /** Hears how long evicting took. */
  latency: LatencyMonitor;
  /** While it is in force, nothing is evicted. */
  pause: Pause;
}

/** What scripts and functions take beside their machines, in bytes: no part of the data set. */
export interface ScriptMemory {
  /** Scripts, as they are kept to be run by their SHA-1. */
  readonly scriptBytes: number;
  /** Libraries of functions, as they are kept. */
  readonly functionBytes: number;
}

/** What is kept for replicas, in bytes: no part of the data set. */
export interface ReplicationMemory {
  /** The backlog: as far as it may be as long as that or, where nobody reads it, all that is still there. */
  readonly backlogBytes: number;
  /** What is kept since replicas are slow, or begin. */
  readonly replicaBytes: number;
  /** What of that has been given to their connections, and so counts among what clients have. */
  readonly connectionBytes: number;
  /** What is kept beyond the backlog, whoever it was for: nothing is evicted for want of it. */
  readonly beyondBytes: number;
}

/** Closes clients that cost too much, before what they ask for is done. */
export interface ClientLimit {
  /** Before keys are evicted: closes clients that cost too much. */
  goBeforeKeys(): void;
  /** A request is to run that takes so many bytes. False: its client has been closed. */
  mayServe(client: Client, requestBytes: number): boolean;
}

/** What memory is in use, and how room is made: see the head of this file. */
export class UsedMemory {
  /** Chooses what goes; has `maxmemory` and the other eviction directives. */
  readonly evictor: Evictor;
  /** What commands write into the LRU or LFU bits of the keys that they use. */
  readonly idle: IdleKeeper;
  /** lazyfree-lazy-eviction. */
  lazyEviction = false;
  /** replica-ignore-maxmemory: a replica evicts nothing, its primary does. */
  isLeftToPrimary = true;
  /**
   * What else is kept: logs, and the like. Whoever keeps something that
   * clients can make grow adds a function that tells how much.
   */
  readonly further: (() => number)[] = [];
  /** That of scripts and functions, which count as `further`; whoever runs them puts it here. */
  scripts: ScriptMemory = { scriptBytes: 0, functionBytes: 0 };
  /** That of replication, which counts as `further`; whoever has replicas puts it here. */
  replication: ReplicationMemory = {
    backlogBytes: 0,
    replicaBytes: 0,
    connectionBytes: 0,
    beyondBytes: 0,
  };
  /** `maxmemory-clients`, while there is such a limit; whoever holds clients to it puts it here. */
  clientLimit: ClientLimit | null = null;
  /** Bytes in use when the server was put together: `used_memory_startup` of INFO. */
  startupBytes = 0;
  /** What of the bytes at the start was key tables. */
  startupTableBytes = 0;
  /**
   * The buffers of the batch being served, which all clients share, and which are no data; whoever
   * serves puts them here.
   */
  batchBytes: () => number = () => 0;
  /** What of the bytes at the start was those. */
  startupBatchBytes = 0;
  private readonly host: Host;
  private readonly situation: Situation;
  private readonly stats: Stats;
  private readonly keyspace: Keyspace;
  private readonly clients: Clients;
  private readonly effects: EngineEffects;
  private readonly propagator: Propagator;
  private readonly latency: LatencyMonitor;
  private readonly pause: Pause;
  private refreshedMs = -1;
  /** By how much the wall clock was set since the start: see accessMs(). */
  private steppedMs = 0;
  private clientBytes = 0;
  private countedMs = 0;
  /** The next turn evicts. */
  private isEvicting = false;
  /** Since when evicting has not sufficed; 0: it has. */
  private exceededSinceUs = 0;

  constructor(parts: UsedMemoryParts) {
    this.host = parts.host;
    this.situation = parts.situation;
    this.stats = parts.stats;
    this.keyspace = parts.keyspace;
    this.clients = parts.clients;
    this.effects = parts.effects;
    this.propagator = parts.propagator;
    this.latency = parts.latency;
    this.pause = parts.pause;
    const { host, keyspace } = parts;
    this.evictor = new Evictor({ keyspace, random32: () => host.random32() });
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
          host.random32(),
        ),
    };
  }

  /** The server is put together: what is in use now is what the start took. */
  started(): void {
    this.startupBytes = this.usedBytes;
    this.startupTableBytes = this.keyspace.tableBytes();
    this.startupBatchBytes = this.batchBytes();
  }

  /** The wall clock was set: keys have been left alone for as long as before. */
  clockStepped(stepMs: number): void {
    this.steppedMs += stepMs;
    this.refreshedMs += stepMs;
  }

  /** The clock of accesses, which nobody sets, when the wall clock shows this. */
  accessMs(nowMs: number): number {
    return nowMs - this.steppedMs;
  }

  /** Brings the LRU or LFU bits of new accesses up to date. */
  refreshIdle(nowMs: number): void {
    if (nowMs - this.refreshedMs < 100 && nowMs >= this.refreshedMs) return;
    this.refreshedMs = nowMs;
    const { clock } = this.evictor;
    clock.advance(this.accessMs(nowMs));
    this.idle.fresh = clock.newKeyBits;
    this.idle.isClock = this.evictor.policy.usage !== "lfu";
  }

  /** After a change of the eviction directives. */
  settingsChanged(): void {
    this.refreshedMs = -1;
    const { maxmemoryBytes } = this.evictor.settings;
    this.idle.sharesIntegers = maxmemoryBytes === 0 || !this.evictor.policy.judgesUse;
    this.situation.setUnusual(EngineState.MEMORY_LIMITED, this.evictor.settings.maxmemoryBytes > 0);
  }

  /**
   * Bytes in use: data, what is kept for clients, buffers of the batch being served, and the logs.
   */
  get usedBytes(): number {
    let sum = this.keyspace.arena.usedBytes + this.clientBytes + this.batchBytes();
    for (const bytes of this.further) sum += bytes();
    return sum;
  }

  /** The client's buffers have grown, or may have become smaller. */
  recount(client: Client): void {
    const bytes = client.closed ? 0 : CLIENT_BYTES + client.bufferBytes;
    this.clientBytes += bytes - client.countedBytes;
    client.countedBytes = bytes;
  }

  /** What grows is counted at once, what becomes smaller by the cron and by whoever makes room. */
  countClients(): void {
    for (const client of this.clients.values()) this.recount(client);
  }

  /** Bytes held for clients, as of the last count. */
  get clientBufferBytes(): number {
    return this.clientBytes;
  }

  /**
   * What no key is evicted for: what is kept for slow replicas and, as memory of a forked child would be,
   * what is there for a snapshot alone. Evicting more would not make it less.
   */
  get uncountedBytes(): number {
    return this.replication.beyondBytes + this.keyspace.arena.heldBytes;
  }

  /** Bytes over `maxmemory`; 0 or less: none. */
  overBytes(): number {
    return this.evictor.overBytes(this.usedBytes, this.uncountedBytes);
  }

  /**
   * The limit is a lower one: keys go with the next turn, not in the middle of the command or the
   * transaction that said so.
   */
  evictSoon(): void {
    this.isEvicting = true;
    this.host.wake();
  }

  /** Before the host waits for events: goes on where a turn's time was not enough. */
  turn(): void {
    if (!this.isEvicting) return;
    this.isEvicting = false;
    this.makeRoom();
  }

  /** Evicts as far as needed. False: still over the limit, and nothing more may go now. */
  makeRoom(): boolean {
    if (this.overBytes() <= 0) {
      if (this.exceededSinceUs !== 0) this.noteExceeded(false);
      return true;
    }
    const { evictor, host, situation } = this;
    // Buffers that were sent meanwhile cost no key its life.
    if (this.clientBytes > 0 && situation.nowMs !== this.countedMs) {
      this.countedMs = situation.nowMs;
      this.countClients();
    }
    // While clients are paused the data set stays as it is.
    if (this.pause.isInForce() || situation.is(EngineState.LOADING)) return true;
    // A script that others are told to wait for is in the middle of what it does: no key goes under it.
    if (situation.is(EngineState.BUSY)) return true;
    if (this.isLeftToPrimary && situation.is(EngineState.REPLICA)) return true;
    // Clients go before keys, as far as they are what is too much.
    this.clientLimit?.goBeforeKeys();
    const startUs = host.monotonicUs();
    const limitUs = evictionTimeLimitUs(evictor.settings.tenacity);
    const result = evictor.performEvictions(
      situation.nowMs,
      () => this.overBytes(),
      () => host.monotonicUs() - startUs > limitUs,
      (database, entry) => {
        this.effects.removeKey(database, entry, "evicted", Notify.EVICTED, this.lazyEviction);
        this.stats.evictedKeys++;
        // Each is a change of its own: nobody need see them together.
        this.propagator.finish();
      },
    );
    this.latency.eventTook("eviction-cycle", host.monotonicUs() - startUs, situation.nowMs);
    if (result === "running") this.evictSoon();
    this.noteExceeded(result === "running" || result === "fail");
    return result !== "fail";
  }

  /** Measures how long used memory stays over the limit although keys are evicted. */
  private noteExceeded(isOver: boolean): void {
    if (isOver) {
      if (this.exceededSinceUs === 0) this.exceededSinceUs = this.host.monotonicUs();
    } else {
      this.stats.evictionExceededUs += this.exceededForUs;
      this.exceededSinceUs = 0;
    }
  }

  /** How long it has been over the limit by now; 0: it is not. */
  get exceededForUs(): number {
    return this.exceededSinceUs === 0 ? 0 : this.host.monotonicUs() - this.exceededSinceUs;
  }
}
