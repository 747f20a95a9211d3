/**
 * Snapshot jobs: whoever is writing a cut of the data set (a background save, a rewritten log, a
 * replica's first copy) gets slices of time between the turns of the event loop, one job after
 * the other in turns.
 *
 * Every microsecond of a slice is one that some client waits, so slices are short, and a pause
 * follows each, while clients are being served; not only for their sake: a thread that never rests
 * is the one whom the operating system makes wait, and then for milliseconds.
 *
 * For tests jobs can be held back (`keyDelayUs`): then time passes between keys, and nothing waits for it.
 */
import { PENDING_BYTES_MAX } from "@kv/persistence";
import { Due } from "./due.ts";
import type { Host } from "./host.ts";
import type { Stats } from "./stats.ts";

/** Time for a slice while clients are being served, and while nobody is. */
const BUSY_SLICE_US = 100;
const IDLE_SLICE_US = 1000;
/** And while there is nothing else to do. */
const RUSH_SLICE_US = 10_000;
/**
 * Clients are at it when more commands than this came within the time given: fewer come from who
 * only asks how the save gets on. And they stay for that time: who pauses for less is coming back.
 */
const BUSY_COMMANDS = 5;
const BUSY_WINDOW_US = 50_000;
/** Keys between two looks at the clock. */
const SLICE_KEYS = 16;
/** Keys of a slice at most, when so much time has passed that more are due. */
const DELAYED_KEYS_MAX = 256;

/** One consumer of a cut. */
export interface SnapshotJob {
  /** Every key is written. */
  readonly isDone: boolean;
  /** Bytes on their way to the disk or the peer. Whoever takes them wakes the engine. */
  readonly pendingBytes: number;
  /** Writes about so many keys on. True when that was the last of it. */
  step(keyCount: number): boolean;
}

/** Shares out slices of time among those who write a snapshot: see the head of this file. */
export class SnapshotJobs {
  private readonly host: Host;
  private readonly stats: Stats;
  private readonly jobs: SnapshotJob[] = [];
  /** Since when commands are counted, and how many there had been then. */
  private windowStartUs = 0;
  private windowCommands = 0;
  private busyUntilUs = 0;
  /**
   * Microseconds that pass for each key, whichever job writes it. Below 0: keys for each microsecond. 0:
   * as fast as it goes.
   */
  keyDelayUs = 0;
  /** Up to when the time that has passed was spent on keys. */
  private spentUs = 0;

  constructor(host: Host, stats: Stats) {
    this.host = host;
    this.stats = stats;
  }

  /** The job gets slices from the next turn on. */
  add(job: SnapshotJob): void {
    if (this.jobs.length === 0) this.spentUs = this.host.monotonicUs();
    this.jobs.push(job);
    this.host.wake();
  }

  /** It gets no more. */
  remove(job: SnapshotJob): void {
    const index = this.jobs.indexOf(job);
    if (index !== -1) this.jobs.splice(index, 1);
  }

  /** A slice of the job whose turn it is. Answers when the next one is due: see Due. */
  slice(): number {
    const job = this.jobs.find(isReady);
    if (job === undefined) return Due.NEVER;
    if (this.jobs.length > 1) {
      this.remove(job);
      this.jobs.push(job);
    }
    if (this.keyDelayUs !== 0) return this.delayedSlice(job);
    const { host } = this;
    const startUs = host.monotonicUs();
    const isBusy = this.isServing(startUs);
    const sliceUs = isBusy ? BUSY_SLICE_US : IDLE_SLICE_US;
    while (!job.step(SLICE_KEYS) && isReady(job))
      if (host.monotonicUs() - startUs > sliceUs) return isBusy ? Due.LATER : Due.SOON;
    // Done, or waiting for its reader: another one may have something to do.
    if (!this.jobs.some(isReady)) return Due.NEVER;
    return isBusy ? Due.LATER : Due.SOON;
  }

  /**
   * A long slice of a job that nobody is served beside, and that is none of those that were added. Long
   * enough to make little of what is between two slices, short enough for who sends a signal.
   */
  rush(job: SnapshotJob): number {
    if (!isReady(job)) return Due.NEVER;
    if (this.keyDelayUs !== 0) {
      this.delayedKeys(job);
      return isReady(job) ? Due.LATER : Due.NEVER;
    }
    const startUs = this.host.monotonicUs();
    while (!job.step(SLICE_KEYS) && isReady(job))
      if (this.host.monotonicUs() - startUs > RUSH_SLICE_US) return Due.SOON;
    return Due.NEVER;
  }

  /** Time that has passed up to now is none that keys were due in. */
  beginRush(): void {
    this.spentUs = this.host.monotonicUs();
  }

  private delayedSlice(job: SnapshotJob): number {
    this.delayedKeys(job);
    return this.jobs.some(isReady) ? Due.LATER : Due.NEVER;
  }

  /** As many keys as have become due since the last one. */
  private delayedKeys(job: SnapshotJob): void {
    const passedUs = this.host.monotonicUs() - this.spentUs;
    const keyUs = durationOfKeysUs(1, this.keyDelayUs);
    const keyCount = Math.min(Math.floor(passedUs / keyUs), DELAYED_KEYS_MAX);
    // What is above the most is not owed: jobs need not hurry when they were kept waiting.
    this.spentUs += keyCount === DELAYED_KEYS_MAX ? passedUs : keyCount * keyUs;
    if (keyCount > 0) job.step(keyCount);
  }

  private isServing(nowUs: number): boolean {
    const { commandsProcessed } = this.stats;
    if (commandsProcessed - this.windowCommands > BUSY_COMMANDS) {
      this.busyUntilUs = nowUs + BUSY_WINDOW_US;
    } else if (nowUs - this.windowStartUs < BUSY_WINDOW_US) {
      return nowUs < this.busyUntilUs;
    }
    this.windowStartUs = nowUs;
    this.windowCommands = commandsProcessed;
    return nowUs < this.busyUntilUs;
  }
}

/** How long so many keys take at a delay as of `rdb-key-save-delay` and `key-load-delay`. */
export function durationOfKeysUs(keyCount: number, keyDelayUs: number): number {
  return keyDelayUs < 0 ? keyCount / -keyDelayUs : keyCount * keyDelayUs;
}

function isReady({ isDone, pendingBytes }: SnapshotJob): boolean {
  return !isDone && pendingBytes <= PENDING_BYTES_MAX;
}
