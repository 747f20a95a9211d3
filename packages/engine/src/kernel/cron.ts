/**
 * Periodic work: `run()` is the cron, `hz` times a second; `turn()` comes before each wait for
 * events. Every job is small or bounded in time; what is not done is done in the next turn.
 *
 *      run     clock · LRU clock · rates · peak of memory · pause · jobs' cron() · dynamic hz · what was written leaves
 *      turn    clock · pause · eviction that is not over · jobs' turn() · what was written leaves · slices:
 *              snapshots, freed memory, jobs' slice()
 *
 * The jobs are the systems', in their order. What makes replies or messages belongs into turn(),
 * what nobody is waiting for into slice().
 */
import type { Keyspace } from "@kv/core";
import type { Clients } from "./clients.ts";
import { Due } from "./due.ts";
import type { Host } from "./host.ts";
import type { Output } from "./output.ts";
import type { Pause } from "./pause.ts";
import type { Propagator } from "./propagate.ts";
import { Rates, SAMPLE_PERIOD_MS } from "./rates.ts";
import { EngineState, type Situation } from "./situation.ts";
import type { SnapshotJobs } from "./snapshot-jobs.ts";
import type { Stats } from "./stats.ts";
import type { UsedMemory } from "./used-memory.ts";

const LAZY_FREE_SLICE = 512;
/** More clients than this in a turn of the cron, and it comes more often. */
const CLIENTS_PER_TURN = 200;
const HZ_MAX = 500;

/** What a system does periodically. */
export interface Job {
  /** `hz` times a second. */
  cron?(nowMs: number): void;
  /** Before the host waits for events, and before what was written leaves. */
  turn?(): void;
  /** When all turns are over, and those who had waited in them went on: what gathered meanwhile is told. */
  turnEnds?(): void;
  /** A slice of work that nobody waits for. Answers when the next one is due: see Due. */
  slice?(): number;
  /**
   * While the server is busy with a script (EngineState.BUSY), in place of all of the above: nothing else
   * may change the data in its middle. Answers when the next one is due: see Due.
   */
  busyTurn?(): number;
  /**
   * While nothing happens but what the end of the server waits for (EngineState.ENDING), in place of all of
   * the above. Answers when the next one is due: see Due.
   */
  lastTurn?(): number;
  /** True: events must be followed by a turn although nobody asked for one with host.wake(). */
  readonly needsTurn?: boolean;
}

/** What a Cron is made of. */
export interface CronParts {
  /** Measures what the work took, and is asked for a turn where some of it is left. */
  host: Host;
  /** Gets the time of each turn, and how often the cron comes. */
  situation: Situation;
  /** Counts turns and their time; keeps the peak of memory. */
  stats: Stats;
  /** Values that were unlinked are freed in slices. */
  keyspace: Keyspace;
  /** How many there are decides how often the cron comes. */
  clients: Clients;
  /** Its peak is kept, the clock of accesses moves, and keys go until it is within its limit. */
  memory: UsedMemory;
  /** What was written for clients meanwhile leaves. */
  output: Output;
  /** What was changed meanwhile leaves. */
  propagator: Propagator;
  /** Ends when its time is up; those who were held go on. */
  pause: Pause;
  /** Whoever writes a snapshot gets its slice. */
  snapshotJobs: SnapshotJobs;
}

/** Periodic work: see the head of this file. */
export class Cron {
  /** Commands and bytes per second, sampled here. */
  readonly rates: Rates;
  /** DEBUG PAUSE-CRON. */
  isPaused = false;
  /** hz. */
  configuredHz = 10;
  /** dynamic-hz. */
  dynamicHz = true;
  private cycles = 0;
  /** The jobs, by what they have to do. */
  private crons: readonly Required<Pick<Job, "cron">>[] = [];
  private turns: readonly Required<Pick<Job, "turn">>[] = [];
  private turnEnds: readonly Required<Pick<Job, "turnEnds">>[] = [];
  private slices: readonly Required<Pick<Job, "slice">>[] = [];
  private busyTurns: readonly Required<Pick<Job, "busyTurn">>[] = [];
  private lastTurns: readonly Required<Pick<Job, "lastTurn">>[] = [];
  private demanding: readonly Required<Pick<Job, "needsTurn">>[] = [];
  private readonly parts: CronParts;

  constructor(parts: CronParts) {
    this.parts = parts;
    this.rates = new Rates(parts.host, parts.stats);
  }

  /** The systems' jobs, in their order. Once, when the server is put together. */
  take(jobs: readonly Job[]): void {
    this.crons = jobs.filter((job) => job.cron !== undefined) as typeof this.crons;
    this.turns = jobs.filter((job) => job.turn !== undefined) as typeof this.turns;
    this.turnEnds = jobs.filter((job) => job.turnEnds !== undefined) as typeof this.turnEnds;
    this.slices = jobs.filter((job) => job.slice !== undefined) as typeof this.slices;
    this.busyTurns = jobs.filter((job) => job.busyTurn !== undefined) as typeof this.busyTurns;
    this.lastTurns = jobs.filter((job) => job.lastTurn !== undefined) as typeof this.lastTurns;
    this.demanding = jobs.filter((job) => "needsTurn" in job) as typeof this.demanding;
  }

  /** One run of the cron: the host calls it Situation.hz times a second. */
  run(): void {
    const { host, stats } = this.parts;
    if (this.isPaused) return;
    const startUs = host.monotonicUs();
    this.runJobs();
    stats.cronMicroseconds += host.monotonicUs() - startUs;
  }

  private runJobs(): void {
    const { host, situation, stats, keyspace, memory, output, propagator, pause } = this.parts;
    const nowMs = situation.readClock();
    situation.clockSteps.follow(nowMs);
    this.cycles++;
    memory.refreshIdle(nowMs);
    if (this.isTurnOf(SAMPLE_PERIOD_MS)) this.rates.sample();
    const { usedBytes } = memory;
    if (usedBytes > stats.peakMemoryBytes) stats.peakMemoryBytes = usedBytes;
    // One that is over ends here at the latest, and who was held goes on with the next turn.
    pause.isInForce();
    if (situation.is(EngineState.BUSY | EngineState.ENDING)) {
      output.flushAll();
      return;
    }
    for (const job of this.crons) {
      job.cron(nowMs);
      // The final save has begun in here: what changed behind its instant would be told to nobody.
      if (situation.is(EngineState.ENDING)) return;
    }
    if (keyspace.lazyFree.pendingCount > 0) host.wake();
    this.adaptHz();
    propagator.finish();
    output.flushAll();
  }

  /** Before waiting for events. Answers when the next turn is due, if nothing happens: see Due. */
  turn(): number {
    const { host, situation, stats, keyspace, memory, output, propagator, pause } = this.parts;
    situation.readClock();
    stats.loopTurns++;
    if (situation.is(EngineState.BUSY)) return this.busyTurn();
    if (situation.is(EngineState.ENDING)) return this.lastTurn();
    const jobsStartUs = host.monotonicUs();
    // A turn lasts from the first command behind the last one until everybody can wait again.
    const startUs = stats.loopStartUs === 0 ? jobsStartUs : stats.loopStartUs;
    propagator.finish();
    pause.turn();
    memory.turn();
    for (const job of this.turns) {
      job.turn();
      if (situation.is(EngineState.ENDING)) return this.lastTurn();
    }
    for (const job of this.turnEnds) job.turnEnds();
    propagator.finish();
    output.flushAll();
    let due = this.parts.snapshotJobs.slice();
    const { lazyFree } = keyspace;
    if (lazyFree.pendingCount > 0 && lazyFree.step(LAZY_FREE_SLICE)) due = Due.SOON;
    for (const job of this.slices) due = Math.max(due, job.slice());
    this.countTurn(startUs, jobsStartUs);
    return due;
  }

  private busyTurn(): number {
    let due: number = Due.NEVER;
    for (const job of this.busyTurns) due = Math.max(due, job.busyTurn());
    this.parts.output.flushAll();
    return due;
  }

  private lastTurn(): number {
    let due: number = Due.NEVER;
    for (const job of this.lastTurns) due = Math.max(due, job.lastTurn());
    this.parts.output.flushAll();
    return due;
  }

  private countTurn(startUs: number, jobsStartUs: number): void {
    const { stats, host } = this.parts;
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
    for (const job of this.demanding) if (job.needsTurn) return true;
    return false;
  }

  /** Whether a job that is due every `periodMs` has its turn: each, when turns are no more frequent. */
  private isTurnOf(periodMs: number): boolean {
    const turns = Math.floor((periodMs * this.parts.situation.hz) / 1000);
    return turns <= 1 || this.cycles % turns === 0;
  }

  /** More clients, more cron turns, so that each stays short. */
  private adaptHz(): void {
    const { clients, situation } = this.parts;
    let hz = this.configuredHz;
    if (this.dynamicHz) while (clients.size / hz > CLIENTS_PER_TURN && hz < HZ_MAX) hz *= 2;
    situation.hz = Math.min(hz, HZ_MAX);
  }
}
