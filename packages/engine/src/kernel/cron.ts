/**
 * Periodic work: `run()` is the cron, `hz` times a second; `turn()` comes before each wait for
 * events. Every job is small or bounded in time; what is not done is done in the next turn.
 *
 *   run     clock · active expiry (slow cycle) · active defragmentation · lazily freed memory ·
 *           idle and limited clients · pause · rates · save points · rewriting · dynamic hz · modules
 *   turn    active expiry (fast cycle) · outboxes · snapshot slices · lazily freed memory ·
 *           defragmentation
 */
import { Notify } from "@kv/commands";
import { expiryMs, RefList } from "@kv/core";
import type { Engine } from "../engine.ts";
import { ActiveDefragmentation } from "../systems/memory/active-defragmentation.ts";
import { ClientState } from "./client.ts";
import { Due } from "./due.ts";
import { EngineState } from "./guards.ts";
import { Rates, SAMPLE_PERIOD_MS } from "./rates.ts";

/** Percent of a processor that the slow expire cycle may use, at effort 1. */
const EXPIRE_CPU_PERCENT = 25;
const FAST_CYCLE_US = 1000;
/** Share of expired keys among those looked at above which a database is worth another look. */
const STALE_ACCEPTABLE_PERCENT = 10;
const EXPIRE_KEYS_PER_LOOP = 20;
const LAZY_FREE_SLICE = 512;
/** An idle client's query buffer is given back after so long. */
const QUERY_BUFFER_IDLE_MS = 2000;

export class CronJobs {
  readonly rates: Rates;
  readonly defragmentation: ActiveDefragmentation;
  /** DEBUG SET-ACTIVE-EXPIRE. */
  activeExpire = true;
  /** DEBUG PAUSE-CRON. */
  isPaused = false;
  /** active-expire-effort, 1 to 10. */
  expireEffort = 1;
  configuredHz = 10;
  dynamicHz = true;
  /** timeout, in seconds; 0 is never. */
  idleTimeoutSeconds = 0;
  cycles = 0;
  private readonly engine: Engine;
  private readonly found = new RefList();
  private expireDatabase = 0;
  private slowCycleHitLimit = false;
  private lastFastCycleUs = 0;
  private lastReportMs = 0;
  private readonly hasTurnHooks: boolean;

  constructor(engine: Engine) {
    this.engine = engine;
    this.rates = new Rates(engine);
    this.defragmentation = new ActiveDefragmentation(engine);
    this.hasTurnHooks = engine.modules.some(({ hooks }) => hooks?.turn !== undefined);
  }

  run(): void {
    const { host, stats } = this.engine;
    if (this.isPaused) return;
    const startUs = host.monotonicUs();
    this.runJobs();
    stats.cronMicroseconds += host.monotonicUs() - startUs;
  }

  private runJobs(): void {
    const { engine } = this;
    const nowMs = engine.host.wallMs();
    engine.nowMs = nowMs;
    this.cycles++;
    engine.memory.refreshIdle(nowMs);
    engine.memory.countClients();
    if (this.isTurnOf(SAMPLE_PERIOD_MS)) this.rates.sample();
    const { usedBytes } = engine.memory;
    if (usedBytes > engine.stats.peakMemoryBytes) engine.stats.peakMemoryBytes = usedBytes;
    // One that is over ends here at the latest, and who was held goes on with the next turn.
    engine.pause.isInForce();
    this.clients(nowMs);
    if (this.activeExpire && this.mayExpire()) this.expireCycle(false);
    this.defragmentation.run();
    this.report(nowMs);
    engine.saving.cron(nowMs);
    for (const { hooks } of engine.modules) hooks?.cron?.(engine, nowMs);
    if (engine.keyspace.lazyFree.pendingCount > 0) engine.host.wake();
    this.adaptHz();
    engine.propagator.finish();
    engine.output.flushAll();
  }

  /** Before waiting for events. Answers when the next turn is due, if nothing happens: see Due. */
  turn(): number {
    const { engine } = this;
    const { stats, host } = engine;
    engine.nowMs = host.wallMs();
    stats.loopTurns++;
    const jobsStartUs = host.monotonicUs();
    // A turn lasts from the first command behind the last one until everybody can wait again.
    const startUs = stats.loopStartUs === 0 ? jobsStartUs : stats.loopStartUs;
    if (this.activeExpire && this.mayExpire()) this.expireCycle(true);
    for (const { hooks } of engine.modules) hooks?.turn?.(engine);
    engine.propagator.finish();
    engine.pause.turn();
    engine.tracking.turn();
    engine.clientEviction.turn();
    engine.output.flushAll();
    let due = engine.saving.turn();
    const { lazyFree } = engine.keyspace;
    if (lazyFree.pendingCount > 0 && lazyFree.step(LAZY_FREE_SLICE)) due = Due.SOON;
    due = Math.max(due, this.defragmentation.turn());
    this.countTurn(startUs, jobsStartUs);
    return due;
  }

  private countTurn(startUs: number, jobsStartUs: number): void {
    const { stats, host } = this.engine;
    const endUs = host.monotonicUs();
    const elapsedUs = endUs - startUs;
    const commands = stats.commandsProcessed - stats.loopCommandsBefore;
    stats.loopMicroseconds += elapsedUs;
    stats.cronMicroseconds += endUs - jobsStartUs;
    if (elapsedUs > stats.loopMicrosecondsMax) stats.loopMicrosecondsMax = elapsedUs;
    if (commands > stats.loopCommandsMax) stats.loopCommandsMax = commands;
    stats.loopCommandsBefore = stats.commandsProcessed;
    stats.loopStartUs = 0;
  }

  /**
   * Whether events must be followed by a turn: else an idle loop would be woken for nothing. Who
   * has something waiting (outboxes, snapshots, resumed clients) asks for its turn with host.wake().
   */
  get needsTurn(): boolean {
    const { engine } = this;
    return this.slowCycleHitLimit || engine.clientEviction.isOn || this.hasTurnHooks;
  }

  private mayExpire(): boolean {
    const { engine } = this;
    const barred = EngineState.LOADING | EngineState.REPLICA;
    return (engine.unusual & barred) === 0 && !engine.pause.isInForce();
  }

  /** Whether a job that is due every `periodMs` has its turn: each, when turns are no more frequent. */
  private isTurnOf(periodMs: number): boolean {
    const turns = Math.floor((periodMs * this.engine.hz) / 1000);
    return turns <= 1 || this.cycles % turns === 0;
  }

  /** More clients, more cron turns, so that each stays short. */
  private adaptHz(): void {
    const { engine } = this;
    let hz = this.configuredHz;
    if (this.dynamicHz) while (engine.clients.size / hz > 200 && hz < 500) hz *= 2;
    engine.hz = Math.min(hz, 500);
  }

  private clients(nowMs: number): void {
    const { engine } = this;
    for (const client of engine.clients.values()) {
      if (client.connection.pendingBytes > 0) engine.output.checkLimit(client);
      if (client.closed) continue;
      const idleMs = nowMs - client.lastActiveMs;
      // Who only listens is not idle.
      const listens = ClientState.REPLICATION | ClientState.MONITOR | ClientState.WAITING;
      const exempt = client.is(listens) || client.subscribes;
      if (this.idleTimeoutSeconds > 0 && !exempt && idleMs > this.idleTimeoutSeconds * 1000) {
        engine.host.log("verbose", "Closing idle client");
        engine.closeClient(client, "idle");
        continue;
      }
      if (idleMs > QUERY_BUFFER_IDLE_MS && client.reader.bufferBytes > 1024) client.reader.shrink();
      if (idleMs > QUERY_BUFFER_IDLE_MS) client.outputPeakBytes = 0;
    }
  }

  /** Every 5 seconds, for those who read the verbose log. */
  private report(nowMs: number): void {
    const { engine } = this;
    if (nowMs - this.lastReportMs < 5000) return;
    this.lastReportMs = nowMs;
    for (const database of engine.keyspace.databases) {
      if (database.size === 0) continue;
      engine.host.log(
        "verbose",
        `DB ${database.index}: ${database.size} keys (${database.expires.count} volatile) in ${database.dict.slotCount()} slots HT.`,
      );
    }
    engine.host.log(
      "debug",
      `${engine.clients.size} clients connected (0 replicas), ${engine.memory.usedBytes} bytes in use`,
    );
  }

  /**
   * Looks for expired keys among those with an expiry, database by database, in hash order from
   * where it stopped. A database is looked at again while more than a tenth of what was seen had
   * expired. The slow cycle may use a quarter of a cron period's time, the fast one a millisecond,
   * and only when the slow one ran out of its time.
   */
  private expireCycle(fast: boolean): void {
    const { engine, found } = this;
    const { host, keyspace } = engine;
    const startUs = host.monotonicUs();
    const effort = this.expireEffort - 1;
    const fastUs = FAST_CYCLE_US + (FAST_CYCLE_US / 4) * effort;
    if (fast) {
      if (!this.slowCycleHitLimit || startUs - this.lastFastCycleUs < fastUs * 2) return;
      this.lastFastCycleUs = startUs;
    }
    const percent = EXPIRE_CPU_PERCENT + 2 * effort;
    const limitUs = fast ? fastUs : (percent * 10_000) / engine.hz;
    const wanted = EXPIRE_KEYS_PER_LOOP + (EXPIRE_KEYS_PER_LOOP / 4) * effort;
    const acceptable = STALE_ACCEPTABLE_PERCENT - effort;
    this.slowCycleHitLimit = false;
    let seenInAll = 0;
    let expiredInAll = 0;
    for (let visited = 0; visited < keyspace.databases.length; visited++) {
      const database = keyspace.databases[this.expireDatabase % keyspace.databases.length];
      this.expireDatabase++;
      if (database === undefined || database.expires.count === 0) continue;
      for (;;) {
        found.clear();
        database.expireCursor = database.expires.scan(database.expireCursor, wanted, found);
        let expired = 0;
        for (let i = 0; i < found.count; i++) {
          const entry = found.at(i);
          if (engine.nowMs <= expiryMs(keyspace.arena, entry)) continue;
          engine.effects.removeKey(
            database,
            entry,
            "expired",
            Notify.EXPIRED,
            engine.effects.lazyExpire,
          );
          engine.stats.expiredKeys++;
          expired++;
        }
        seenInAll += found.count;
        expiredInAll += expired;
        engine.propagator.finish();
        if (host.monotonicUs() - startUs > limitUs) {
          this.slowCycleHitLimit = true;
          engine.stats.expireCycleTimeLimitReached++;
          break;
        }
        if (database.expires.count === 0 || expired * 100 <= found.count * acceptable) break;
      }
      if (this.slowCycleHitLimit) break;
    }
    const elapsedUs = host.monotonicUs() - startUs;
    engine.stats.expireCycleMicroseconds += elapsedUs;
    engine.latency.eventTook("expire-cycle", elapsedUs, engine.nowMs);
    if (seenInAll > 0) {
      const percentNow = (expiredInAll / seenInAll) * 100;
      engine.stats.expiredStalePercent =
        percentNow * 0.05 + engine.stats.expiredStalePercent * 0.95;
    }
  }
}
