/**
 * Gathering: what comes in many small pieces is read in fewer large ones. A round of the event loop costs as
 * much as a dozen commands, and who sends a stream (a primary to its replica) writes with each of its own
 * rounds. As a network card does with its interrupts: while pieces come close together, the socket is left
 * alone for a moment behind each.
 *
 *      alone      piece ──────────────── piece            read at once
 *      close      piece ─ piece [ 1 ms ] pieces [ 1 ms ] pieces
 *
 * Nothing waits for longer than the timer of a millisecond takes, a piece that is large is followed at once,
 * and so is one that comes alone.
 */
import type { Socket } from "node:net";
import { realTimers } from "./real-timers.ts";

const PAUSE_MS = 1;
/** Pieces that follow each other within this time are close. */
const CLOSE_MS = 0.5;
/** Behind so many bytes there may be as many again: the fewer rounds, the better. */
const LARGE_BYTES = 16 * 1024;

/** What it needs of the socket, and of the runtime's timers. */
type GatheredSocket = Pick<Socket, "destroyed" | "isPaused" | "resume">;
type GatheringTimers = Pick<typeof realTimers, "monotonicMs" | "setTimeout">;

export class Gathering {
  readonly #socket: GatheredSocket;
  readonly #timers: GatheringTimers;
  /** When something was read, or could have been. */
  #lastMs = Number.NEGATIVE_INFINITY;
  #isPausing = false;

  constructor(socket: GatheredSocket, timers: GatheringTimers = realTimers) {
    this.#socket = socket;
    this.#timers = timers;
  }

  /** `count` bytes were read. True: reading stops now, and goes on by itself. */
  begins(count: number): boolean {
    const nowMs = this.#timers.monotonicMs();
    const isClose = nowMs - this.#lastMs < CLOSE_MS;
    this.#lastMs = nowMs;
    if (!isClose || count >= LARGE_BYTES || this.#isPausing) return false;
    this.#isPausing = true;
    this.#timers.setTimeout(this.#goOn, PAUSE_MS);
    return true;
  }

  readonly #goOn = (): void => {
    this.#isPausing = false;
    this.#lastMs = this.#timers.monotonicMs();
    // Whoever paused it meanwhile, or ended it, sees to it himself.
    if (!this.#socket.isPaused() && !this.#socket.destroyed) this.#socket.resume();
  };
}
