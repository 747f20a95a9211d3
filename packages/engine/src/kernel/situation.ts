/**
 * Situation: what is true of the whole server at this moment. Every part of it reads this, and each
 * fact has one who changes it:
 *
 *      nowMs        readClock(), when a batch, a cron turn or a loop turn begins: see clock-steps.ts
 *      current      the request loop: the client whose command is running
 *      depth        Execution: frames that are open (EXEC, scripts)
 *      isReplaying  Replay: requests of an append-only file are run
 *      unusual      whoever owns the bit (EngineState), with setUnusual()
 *      busyError    whoever sets BUSY
 *      dirty        the caller counts changes; a save takes off those that it has written
 *      hz           the cron
 */
import { CommandError } from "@kv/commands";
import type { Client } from "./client.ts";
import { ClockSteps } from "./clock-steps.ts";
import type { Host } from "./host.ts";

/** Bits of Situation.unusual: why no command can take the short way. */
export const EngineState = {
  /** `maxmemory` is set: commands that may grow memory are checked. */
  MEMORY_LIMITED: 1,
  /** The data set is being loaded: only commands that need none of it run. */
  LOADING: 2,
  /** The disk refused: writes are. */
  DISK_FAILED: 4,
  /** CLIENT PAUSE is in force. */
  PAUSED: 8,
  /** A script runs for too long. */
  BUSY: 16,
  /** Cluster mode: keys may be another node's. */
  CLUSTER: 32,
  /** A primary has the say: nothing expires here by itself. */
  REPLICA: 64,
  /** Of a replica: normal clients may not write. */
  READ_ONLY: 128,
  /** Of a replica: its data is old, and it was told not to serve such. */
  STALE: 256,
  /** Fewer replicas follow closely than `min-replicas-to-write` asks for. */
  LACKS_REPLICAS: 512,
  /** Another data set is being loaded, while commands are served the present one. */
  ASYNC_LOADING: 1024,
  /** Keys are on their way to other servers (MIGRATE): who would change one of them waits. */
  MIGRATING: 2048,
  /** The final save is under way: nothing else is, and nobody is served (Standstill). */
  ENDING: 4096,
} as const;

/** What most commands are answered while a script of EVAL runs for too long. */
export const isBusy = new CommandError(
  "BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.",
);

/** What is true of the whole server at this moment: see the head of this file. */
export class Situation {
  /** Bits of EngineState. */
  unusual = 0;
  /** Wall clock as of the present batch or cron turn, in milliseconds. */
  nowMs: number;
  /** The client whose command is running; null between commands. */
  current: Client | null = null;
  /** Frames of execution that are open: see isNested. */
  depth = 0;
  /** Requests of an append-only file are run: nobody is served, and what they run counts and goes nowhere. */
  isReplaying = false;
  /** Why a busy server refuses: it says what ends the script that runs. */
  busyError: CommandError = isBusy;
  /**
   * A load at the start has just begun: who would be told so waits instead. Most are over before anybody is.
   */
  isLoadYoung = false;
  /** Changes to the data set since the last save. */
  dirty = 0;
  /** Turns of the cron a second. */
  hz = 10;
  /** Notices that the wall clock was set. */
  readonly clockSteps: ClockSteps;
  private readonly host: Host;

  constructor(host: Host) {
    this.host = host;
    this.nowMs = host.wallMs();
    this.clockSteps = new ClockSteps(host, this.nowMs);
  }

  /** A batch or a turn begins: from now on it is as late as the host's clock says. */
  readClock(): number {
    const nowMs = this.host.wallMs();
    const passedMs = nowMs - this.nowMs;
    this.nowMs = nowMs;
    if (passedMs < 0 || passedMs > ClockSteps.SUSPICIOUS_MS) this.clockSteps.look(nowMs);
    return nowMs;
  }

  /** True when any of these bits of EngineState is set. */
  is(state: number): boolean {
    return (this.unusual & state) !== 0;
  }

  /** Sets or clears bits of EngineState. */
  setUnusual(state: number, on: boolean): void {
    if (on) this.unusual |= state;
    else this.unusual &= ~state;
  }

  /** Whether what runs now is a part of something larger (EXEC, a script): the one answer to this. */
  get isNested(): boolean {
    return this.depth > 0;
  }
}
