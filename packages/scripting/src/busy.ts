/**
 * Busy: a script that runs for longer than `busy-reply-threshold` stops every millisecond or so, for
 * others to be told that the server is busy, and for SCRIPT KILL to arrive.
 *
 *      EVAL ── 5 s ── suspended ┄ turn ┄ resumed ── 1 ms ── suspended ┄ turn ┄ ... ── over: the reply
 *
 * Whoever sent it waits meanwhile, and what it sent behind it. Nobody else changes anything: commands
 * are refused by the guard `busy`, and the cron's jobs rest. A script within EXEC stops the transaction.
 *
 * One that stands in an append-only file is never stopped: the next command of the file would be run in
 * its middle. That it is slow is told all the same.
 */
import type { CommandError } from "@kv/commands";
import { Due, EngineState, type Ports } from "@kv/engine";

/** How long a busy script runs between two turns of the loop. */
const SLICE_US = 1000;

/** When the script that runs is to stop for others. One for each engine. */
export class Busy {
  private isResuming = false;
  /** When the script began, by the first look at the clock; 0: there was none yet. */
  startUs = 0;
  private interruptAtUs = 0;
  private thresholdMs = 0;
  private readonly ports: Ports;
  private readonly tellSlow: () => void;

  constructor(ports: Ports, tellSlow: () => void) {
    this.ports = ports;
    this.tellSlow = tellSlow;
  }

  /** A script is suspended, or goes on after it was. */
  get isBusy(): boolean {
    return this.ports.situation.is(EngineState.BUSY);
  }

  /** `busy-reply-threshold`; 0: nothing makes the server busy. */
  setThreshold(thresholdMs: number): void {
    this.thresholdMs = Math.max(0, thresholdMs);
  }

  /** A script begins. Most are over before they are asked for the first time, and need no clock. */
  begins(): void {
    this.startUs = 0;
  }

  /** Whether the script that runs is to be suspended now. Asked about every half millisecond. */
  readonly isDue = (): boolean => {
    const { host, situation } = this.ports;
    if (this.thresholdMs === 0) return false;
    const nowUs = host.monotonicUs();
    if (this.startUs === 0) {
      this.startUs = nowUs;
      this.interruptAtUs = nowUs + this.thresholdMs * 1000;
    }
    if (nowUs < this.interruptAtUs) return false;
    if (!situation.isReplaying) return true;
    this.interruptAtUs = Number.POSITIVE_INFINITY;
    this.tellSlow();
    return false;
  };

  /** The script has been suspended. `error` is what others are told, `rest` is due when it is over. */
  suspended(error: CommandError, rest: () => void): void {
    const { execution, situation } = this.ports;
    execution.suspend(rest);
    situation.busyError = error;
    situation.setUnusual(EngineState.BUSY, true);
    this.waits();
  }

  /** It has been suspended once more. */
  suspendedAgain(): void {
    this.ports.execution.suspendAgain();
    this.waits();
  }

  private waits(): void {
    this.isResuming = false;
    this.ports.host.wake();
  }

  /** True when the script is to be resumed now. */
  get mayResume(): boolean {
    return this.ports.execution.isSuspended && !this.isResuming;
  }

  /** The script is about to be resumed, as soon as nothing else runs. */
  resumes(): void {
    this.isResuming = true;
  }

  /** The script goes on: the command that runs is its own again. */
  readonly resuming = (): void => {
    const { execution, host } = this.ports;
    this.interruptAtUs = host.monotonicUs() + SLICE_US;
    execution.resume();
  };

  /** The script is over, and with it what its client waited for, unless another one is suspended now. */
  ended(): void {
    this.ports.situation.setUnusual(EngineState.BUSY, false);
    this.ports.execution.finishSuspended();
  }

  /** When the host is to come back for the next turn. */
  get due(): number {
    return this.isResuming ? Due.NEVER : Due.SOON;
  }
}
