/**
 * Ending: a shutdown that has to wait for something, and those who asked for it.
 *
 *      a signal ──> scheduled ──┐ with the next cron that comes to no script's middle
 *      SHUTDOWN ────────────────┴───────────────────────────> replicas lag behind? no ──> the end, or a refusal
 *                                                                │ yes                    ^
 *                                                                └─> writes are held ─────┘
 *                                                                    until none lags, or `shutdown-timeout`
 *
 * The end begins with the final save, if there is one. That takes its time, in which nobody is served.
 *
 * Half of what a script does may be neither saved nor lost, so no signal ends the server in the middle of
 * one; SHUTDOWN NOSAVE, which loses all of it, does. Until the end begins SHUTDOWN ABORT takes it back.
 * What the end itself is, is for the engine to know (Engine.shutdown).
 */
import type { ShutdownRequest } from "../../kernel/shutdown-request.ts";
import { EngineState } from "../../kernel/situation.ts";
import { Port, type Ports, type ShutdownWaits, type SlowReader } from "../../module/ports.ts";
import type { Running } from "../../module/system.ts";

/** Told, once, whether the process may end; with false the server goes on. */
export type Decided = (mayExit: boolean) => void;

/** By which a shutdown is asked for. */
export const endingPort = new Port<Ending>("ending");

/** What ending takes of the engine. */
export type EndingNeeds = Pick<
  Ports,
  "host" | "config" | "situation" | "pause" | "prepareShutdown" | "shutdown"
>;

/** Waits with a shutdown where that is due: see the head of this file. */
export class Ending implements Running, ShutdownWaits {
  /** Whoever is in here is waited for. */
  readonly slowReaders: SlowReader[] = [];
  private readonly ports: EndingNeeds;
  /** A signal that the cron has not seen yet. */
  private scheduled: ShutdownRequest | null = null;
  /** What waits for replicas, and until when by the wall clock. */
  private waiting: { readonly request: ShutdownRequest; untilMs: number } | null = null;
  /** The final save is under way. */
  private isPreparing = false;
  /** Everybody who is to be told. */
  private asking: Decided[] = [];

  constructor(ports: EndingNeeds) {
    this.ports = ports;
  }

  /** How long replicas have left; undefined while none is waited for. */
  get leftMs(): number | undefined {
    if (this.waiting === null) return undefined;
    return Math.max(0, this.waiting.untilMs - this.ports.situation.nowMs);
  }

  /** A shutdown is asked for. `decided` may be called before this returns. */
  begin(request: ShutdownRequest, decided: Decided): void {
    const { host } = this.ports;
    if (request.signal !== undefined)
      host.log("warning", `Received ${request.signal} scheduling shutdown...`);
    this.asking.push(decided);
    if (this.waiting !== null || this.isPreparing) return;
    if (request.signal !== undefined) this.scheduled ??= request;
    else this.announce(request);
  }

  private announce(request: ShutdownRequest): void {
    const { host, config, situation, pause } = this.ports;
    this.scheduled = null;
    host.log("warning", "User requested shutdown...");
    const timeoutMs = config.number("shutdown-timeout") * 1000;
    if (request.now || timeoutMs === 0 || this.isNobodyBehind || situation.is(EngineState.BUSY)) {
      this.end(request);
      return;
    }
    pause.holdWrites("shutdown", true);
    host.log("notice", "Waiting for replicas before shutting down.");
    this.waiting = { request, untilMs: situation.nowMs + timeoutMs };
  }

  private get isNobodyBehind(): boolean {
    return this.slowReaders.every(({ isBehind }) => !isBehind);
  }

  private end(request: ShutdownRequest): void {
    for (const reader of this.slowReaders) reader.tellShutdown();
    // It is in the log already who asked.
    const { signal: _, ...rest } = request;
    const announced = { ...rest, isAnnounced: true };
    const work = this.ports.prepareShutdown(announced);
    if (work === undefined) {
      this.decide(this.ports.shutdown(announced));
      return;
    }
    this.isPreparing = true;
    void work.then(() => {
      // Somebody else has ended it meanwhile.
      if (!this.isPreparing) return;
      this.isPreparing = false;
      this.decide(this.ports.shutdown(announced));
    });
  }

  /** The process ends without what was prepared: nobody comes to the end in good order. */
  hurried(): void {
    this.isPreparing = false;
  }

  /** It has ended, whoever asked for that. */
  stop(): void {
    if (!this.isPreparing) return;
    this.isPreparing = false;
    this.decide(true);
  }

  private decide(mayExit: boolean): void {
    const { asking } = this;
    this.asking = [];
    this.waiting = null;
    // At the end nothing that was held may change anything any more.
    if (!mayExit) this.ports.pause.holdWrites("shutdown", false);
    for (const decided of asking) decided(mayExit);
  }

  /** SHUTDOWN ABORT. False: there is nothing to take back. */
  abort(): boolean {
    if (this.waiting === null && this.scheduled === null) return false;
    this.scheduled = null;
    this.ports.host.log("notice", "Shutdown manually aborted.");
    this.decide(false);
    return true;
  }

  /** The wall clock was set: replicas have as much time left. */
  clockStepped(stepMs: number): void {
    if (this.waiting !== null) this.waiting.untilMs += stepMs;
  }

  /** Comes to what was waited for; not while a script runs. */
  cron(nowMs: number): void {
    const { scheduled, waiting } = this;
    if (scheduled !== null) this.announce(scheduled);
    else if (waiting !== null && (nowMs >= waiting.untilMs || this.isNobodyBehind))
      this.end(waiting.request);
  }
}
