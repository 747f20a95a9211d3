/**
 * Scripts: programs of the operator that are run when something happens. They wait in a queue, and a
 * few run at a time.
 *
 *      scheduled ──> running ──> exit 0                          done
 *          ^            ├──> exit 1, or ended by a signal        again later, up to ten times
 *          └────────────┘    any other exit                      given up, with an event
 *                       └──> runs for too long: killed           as ended by a signal
 */
import type { Periods } from "./periods.ts";

/** How a program has ended: by itself, or by a signal. */
export interface ProgramEnd {
  /** What it says itself; 0 where a signal has ended it. */
  readonly exitCode: number;
  /** The signal's number; 0: none. */
  readonly signal: number;
}

/** A program that runs. */
export interface RunningProgram {
  /** -1: it could not be started. */
  readonly processId: number;
  /** It runs for too long: ends it at once. */
  kill(): void;
}

/** Programs beside the server, as its host has them. */
export interface Programs {
  /** Whether the file is there and may be run. The path has a character a byte, as all paths. */
  isExecutable(path: string): boolean;
  /** Starts it with these words. `ended` is told once, and never from within this call. */
  run(path: string, words: readonly string[], ended: (end: ProgramEnd) => void): RunningProgram;
}

/** A script that waits or runs. */
export interface Job {
  readonly path: string;
  readonly words: readonly string[];
  /** How often it was started. */
  attempts: number;
  /** Since when it runs, or when it may; 0: at once. */
  startMs: number;
  program: RunningProgram | null;
}

const QUEUE_MAX = 256;
const RUNNING_MAX = 16;
const ATTEMPTS_MAX = 10;

/** What Scripts are made of. */
export interface ScriptsNeeds {
  readonly programs: Programs;
  readonly periods: Periods;
  now(): number;
  /** Events about scripts. */
  tell(level: "debug" | "warning", type: string, message: string): void;
}

/** The queue of scripts: see the head of this file. */
export class Scripts {
  readonly jobs: Job[] = [];
  private readonly needs: ScriptsNeeds;

  constructor(needs: ScriptsNeeds) {
    this.needs = needs;
  }

  get runningCount(): number {
    return this.jobs.filter(({ program }) => program !== null).length;
  }

  isExecutable(path: string): boolean {
    return this.needs.programs.isExecutable(path);
  }

  /** Where the queue is full, the oldest that does not run gives way. */
  schedule(path: string, words: readonly string[]): void {
    this.jobs.push({ path, words, attempts: 0, startMs: 0, program: null });
    if (this.jobs.length <= QUEUE_MAX) return;
    const oldest = this.jobs.findIndex(({ program }) => program === null);
    this.jobs.splice(oldest, 1);
  }

  /** Starts what is due, and kills what runs for too long. */
  turn(): void {
    const nowMs = this.needs.now();
    for (const job of [...this.jobs]) {
      const { program, startMs } = job;
      if (program === null) {
        if (startMs <= nowMs && this.runningCount < RUNNING_MAX) this.start(job, nowMs);
      } else if (nowMs - startMs > this.needs.periods.scriptMaxRuntime) {
        this.needs.tell("warning", "-script-timeout", `${job.path} ${program.processId}`);
        job.startMs = nowMs;
        program.kill();
      }
    }
  }

  private start(job: Job, nowMs: number): void {
    const { programs, tell } = this.needs;
    job.attempts++;
    job.startMs = nowMs;
    job.program = programs.run(job.path, job.words, (end) => this.ended(job, end));
    tell("debug", "+script-child", `${job.program.processId}`);
  }

  private ended(job: Job, { exitCode, signal }: ProgramEnd): void {
    const { now, periods, tell } = this.needs;
    tell("debug", "-script-child", `${job.program?.processId ?? -1} ${exitCode} ${signal}`);
    job.program = null;
    const mayRetry = (signal !== 0 || exitCode === 1) && job.attempts < ATTEMPTS_MAX;
    if (mayRetry) {
      job.startMs = now() + periods.scriptRetryDelay * 2 ** (job.attempts - 1);
      return;
    }
    if (signal !== 0 || exitCode !== 0)
      tell("warning", "-script-error", `${job.path} ${signal} ${exitCode}`);
    const index = this.jobs.indexOf(job);
    if (index >= 0) this.jobs.splice(index, 1);
  }

  /** The server ends: what runs is not waited for. */
  stop(): void {
    this.jobs.length = 0;
  }
}
