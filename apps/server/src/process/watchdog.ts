/**
 * Watchdog: tells the log where the server hangs (`watchdog-period`).
 *
 *      main thread                  shared memory             thread of its own
 *      Cron -> beat()  -- writes -> [deadline] <- looks at -- watchdog-thread.ts
 *                                                             past it: log, stack of the main thread
 *
 * The loop that hangs cannot say so itself. While the period is 0 there is no such thread, and
 * nothing of it is loaded.
 */
import type { Worker } from "node:worker_threads";
import { hasRoomForThread } from "./room.ts";

/** What the two threads share: 64-bit integers, in this order. */
export const Slot = {
  /** On the clock of process.hrtime, which all threads read alike. */
  DEADLINE_NS: 0,
  /** 1: `loglevel` is nothing. */
  SILENT: 1,
  COUNT: 2,
} as const;

/** What the thread is given at its start. */
export interface Watch {
  slots: BigInt64Array<SharedArrayBuffer>;
  /** `logfile`, which cannot be changed while the server runs. Empty: standard output. */
  logFile: string;
  /** How long the main thread is given to come to a place where it can be stopped. */
  patienceMs: number;
}

/** Enough on a machine that is busy with other things. */
const PATIENCE_MS = 5000;

export interface WatchdogOptions {
  logFile: () => string;
  /** See Watch. */
  patienceMs?: number;
  /** The value of `loglevel`. */
  logLevel: () => string;
  /** Beats a second. */
  hz: () => number;
  failed: (error: Error) => void;
}

/** In the sources beside this file; a build puts this file elsewhere, but not the thread's. */
const threadFile = new URL(
  import.meta.url.endsWith(".ts") ? "./watchdog-thread.ts" : "./process/watchdog-thread.js",
  import.meta.url,
);

export class Watchdog {
  readonly #options: WatchdogOptions;
  #periodMs = 0;
  #slots: Watch["slots"] | undefined;
  #worker: Worker | undefined;

  constructor(options: WatchdogOptions) {
    this.#options = options;
  }

  /**
   * Watches with this period, 0 for not at all. Returns the period that is in force: 0, too, where there is
   * no thread to be had.
   */
  setPeriod(wantedMs: number): number {
    this.#stop();
    this.#periodMs = wantedMs === 0 ? 0 : Math.max(wantedMs, this.#leastMs);
    try {
      if (wantedMs !== 0) this.#start();
    } catch (error) {
      this.#stop();
      this.#periodMs = 0;
      this.#options.failed(error as Error);
    }
    return this.#periodMs;
  }

  /** The loop is alive. */
  beat(): void {
    if (this.#slots === undefined) return;
    const allowedMs = Math.max(this.#periodMs, this.#leastMs);
    const deadline = process.hrtime.bigint() + BigInt(allowedMs) * 1_000_000n;
    Atomics.store(this.#slots, Slot.DEADLINE_NS, deadline);
    Atomics.store(this.#slots, Slot.SILENT, this.#options.logLevel() === "nothing" ? 1n : 0n);
  }

  /** A beat may come late by as much as it takes from one to the next, and nothing hangs. */
  get #leastMs(): number {
    return Math.ceil(1000 / this.#options.hz()) * 2;
  }

  #start(): void {
    if (!hasRoomForThread()) throw new Error("There is no memory for a thread");
    const { Worker } = process.getBuiltinModule("node:worker_threads");
    const bytes = Slot.COUNT * BigInt64Array.BYTES_PER_ELEMENT;
    this.#slots = new BigInt64Array(new SharedArrayBuffer(bytes));
    this.beat();
    const { logFile, patienceMs = PATIENCE_MS } = this.#options;
    const watch: Watch = { slots: this.#slots, logFile: logFile(), patienceMs };
    this.#worker = new Worker(threadFile, { workerData: watch });
    this.#worker.unref();
    // Without a listener, its error would be one of this thread, and the end of the server.
    this.#worker.on("error", (error: Error) => this.#options.failed(error));
  }

  #stop(): void {
    void this.#worker?.terminate();
    this.#worker = undefined;
    this.#slots = undefined;
  }
}
