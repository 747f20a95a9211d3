/**
 * The engine's two rhythms.
 *
 *   - A turn follows whatever was read in one round of the event loop, once for all sockets; while
 *     the engine says that work is left, turns go on, with I/O or a short rest between them.
 *   - The cron runs `hz` times a second. A late run is not made up for, and does not shift the next.
 */
import { Due } from "@kv/engine";

/** A timer's shortest time. */
const restMs = 1;

export class TurnLoop {
  readonly #turn: () => number;
  #isScheduled = false;
  #rest: NodeJS.Timeout | undefined;
  #isStopped = false;

  /** `turn` does what is due and says when the next turn is (Due); it must not throw. */
  constructor(turn: () => number) {
    this.#turn = turn;
  }

  /** Has a turn run when the events at hand have been dealt with. */
  request(): void {
    if (this.#isScheduled || this.#isStopped) return;
    this.#isScheduled = true;
    setImmediate(this.#run);
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#rest);
  }

  readonly #run = (): void => {
    this.#isScheduled = false;
    clearTimeout(this.#rest);
    if (this.#isStopped) return;
    const due = this.#turn();
    if (due === Due.SOON) this.request();
    else if (due === Due.LATER) this.#rest = setTimeout(this.#run, restMs);
  };
}

export class Cron {
  readonly #run: () => void;
  readonly #hz: () => number;
  #dueMs = 0;
  #timer: NodeJS.Timeout | undefined;

  /** `run` must not throw. `hz` is asked after every run. */
  constructor(run: () => void, hz: () => number) {
    this.#run = run;
    this.#hz = hz;
  }

  start(): void {
    this.#dueMs = performance.now();
    this.#schedule();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #schedule(): void {
    const periodMs = 1000 / Math.max(1, this.#hz());
    const nowMs = performance.now();
    this.#dueMs += periodMs;
    // Far behind: the loop was held up, or the process was stopped.
    if (this.#dueMs < nowMs) this.#dueMs = nowMs + periodMs;
    this.#timer = setTimeout(this.#fire, Math.max(1, Math.round(this.#dueMs - nowMs)));
  }

  readonly #fire = (): void => {
    this.#run();
    if (this.#timer !== undefined) this.#schedule();
  };
}
