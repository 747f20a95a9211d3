/**
 * The engine's two rhythms.
 *
 *   - A turn follows whatever was read in one round of the event loop, once for all sockets; while
 *     the engine says that work is left, turns go on, with I/O or a short rest between them.
 *   - The cron runs `hz` times a second. A late run is not made up for, and does not shift the next;
 *     one that is late by much lets what waits in the sockets be read first.
 *
 * In a test with fake timers turns go on, for they follow events; the cron follows the timers of the
 * test, so that an hour can pass at once. Timers that are replaced, or taken away again, lose what was
 * due: then a second timer, a real one, sees to it that the cron goes on.
 */
import { Due } from "@kv/engine";
import { millisecondsOf, realTimers } from "./real-timers.ts";

/** A timer's shortest time. */
const REST_MS = 1;
/** And its longest: whoever waits for longer asks again. */
const LONGEST_MS = 2 ** 31 - 1;

/** Runs the turns that are asked for, and those that the last turn left for later. */
export class TurnLoop {
  readonly #turn: () => number;
  #isScheduled = false;
  #rest: NodeJS.Timeout | undefined;
  #cancelAlarm: (() => void) | undefined;
  #isStopped = false;

  /** `turn` does what is due and says when the next turn is (Due); it must not throw. */
  constructor(turn: () => number) {
    this.#turn = turn;
  }

  /** Has a turn run when the events at hand have been dealt with. */
  request(): void {
    if (this.#isScheduled || this.#isStopped) return;
    this.#isScheduled = true;
    realTimers.setImmediate(this.#run);
  }

  /** Has a turn run in so many milliseconds at the latest; only the last such request counts. */
  requestAfter(durationMs: number): void {
    this.#cancelAlarm?.();
    this.#cancelAlarm = undefined;
    if (this.#isStopped) return;
    // The timers of a test, if there are any: what is due then is a matter of its time of day.
    const { setTimeout, clearTimeout } = globalThis;
    const delayMs = Math.min(Math.max(1, Math.ceil(durationMs)), LONGEST_MS);
    const timer = setTimeout(this.#run, delayMs);
    refer(timer, false);
    this.#cancelAlarm = () => clearTimeout(timer);
  }

  stop(): void {
    this.#isStopped = true;
    this.#cancelAlarm?.();
    realTimers.clearTimeout(this.#rest);
  }

  readonly #run = (): void => {
    this.#isScheduled = false;
    realTimers.clearTimeout(this.#rest);
    if (this.#isStopped) return;
    const due = this.#turn();
    if (due === Due.SOON) this.request();
    else if (due === Due.LATER) this.#rest = realTimers.setTimeout(this.#run, REST_MS);
  };
}

/** How often the second timer looks whether the cron still runs. */
const WATCH_MS = 1000;
/** A cron that has not run for so long has lost its timer. */
const LOST_MS = 2000;

/** Behind such a standstill somebody may seem to have been silent whose words nobody has read yet. */
const STANDSTILL_MS = 1000;

/** Of the clock that a test may have replaced together with the timers. */
const fakeableMs = () => millisecondsOf(process.hrtime());

/** Runs what is due `hz` times a second. */
export class Cron {
  readonly #run: () => void;
  readonly #hz: () => number;
  #dueMs = 0;
  /** When it last ran, or was started, whatever the timers of a test say. */
  #ranMs = 0;
  #timer: NodeJS.Timeout | undefined;
  #cancel: (() => void) | undefined;
  #watch: NodeJS.Timeout | undefined;
  #isReferenced = true;

  /** `run` must not throw. `hz` is asked after every run. */
  constructor(run: () => void, hz: () => number) {
    this.#run = run;
    this.#hz = hz;
  }

  start(): void {
    this.#dueMs = fakeableMs();
    this.#ranMs = realTimers.monotonicMs();
    this.#watch = realTimers.setInterval(this.#look, WATCH_MS);
    this.#watch.unref();
    this.#schedule();
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#timer = undefined;
    realTimers.clearInterval(this.#watch);
    this.#watch = undefined;
  }

  /** Whether the process is kept alive by it. */
  setReferenced(isReferenced: boolean): void {
    this.#isReferenced = isReferenced;
    refer(this.#timer, isReferenced);
  }

  #schedule(): void {
    const periodMs = 1000 / Math.max(1, this.#hz());
    const nowMs = fakeableMs();
    this.#dueMs += periodMs;
    // Behind: the loop was held up, or the process was stopped. Ahead by more than timers round:
    // the clock is another one, or stands still.
    const isElsewhere = this.#dueMs < nowMs || this.#dueMs > nowMs + periodMs + 1;
    if (isElsewhere) this.#dueMs = nowMs + periodMs;
    // Of the same kind: a real timer is nothing that a fake clearTimeout() knows.
    const { setTimeout, clearTimeout } = globalThis;
    const timer = setTimeout(this.#fire, Math.max(1, Math.round(this.#dueMs - nowMs)));
    this.#timer = timer;
    this.#cancel = () => clearTimeout(timer);
    if (!this.#isReferenced) refer(timer, false);
  }

  readonly #fire = (): void => {
    this.#ranMs = realTimers.monotonicMs();
    // Timers come ahead of the sockets, and immediates behind them.
    if (fakeableMs() - this.#dueMs > STANDSTILL_MS) realTimers.setImmediate(this.#runUnlessStopped);
    else this.#run();
    if (this.#watch !== undefined) this.#schedule();
  };

  readonly #runUnlessStopped = (): void => {
    if (this.#watch !== undefined) this.#run();
  };

  readonly #look = (): void => {
    if (realTimers.monotonicMs() - this.#ranMs < LOST_MS) return;
    this.#cancel?.();
    this.#fire();
  };
}

/** A test that plays a browser has timers that are numbers, and hold nothing. */
function refer(timer: Partial<NodeJS.Timeout> | undefined, isReferenced: boolean): void {
  if (isReferenced) timer?.ref?.();
  else timer?.unref?.();
}
