/**
 * RareWarnings: warnings that strangers cause. At most so many lines a second go to the log, and one
 * that counts the rest, so that whoever knocks in a loop fills no disk.
 */
import { realTimers } from "./real-timers.ts";

const LINES_PER_SECOND = 20;
const SECOND_MS = 1000;

export class RareWarnings {
  readonly #write: (message: string) => void;
  #lineCount = 0;
  #leftOutCount = 0;
  #isCounting = false;
  #timer: NodeJS.Timeout | undefined;
  #isStopped = false;

  constructor(write: (message: string) => void) {
    this.#write = write;
  }

  warn(message: string): void {
    if (this.#isStopped) return;
    if (!this.#isCounting) {
      this.#isCounting = true;
      this.#timer = realTimers.setTimeout(() => this.#secondEnded(), SECOND_MS);
      this.#timer.unref();
    }
    if (this.#lineCount === LINES_PER_SECOND) {
      this.#leftOutCount++;
      return;
    }
    this.#lineCount++;
    this.#write(message);
  }

  /** For good: what was left out is told now, and nothing later. */
  stop(): void {
    realTimers.clearTimeout(this.#timer);
    this.#secondEnded();
    this.#isStopped = true;
  }

  #secondEnded(): void {
    const count = this.#leftOutCount;
    this.#isCounting = false;
    this.#lineCount = 0;
    this.#leftOutCount = 0;
    if (count > 0) this.#write(`(${count} more of such lines were left out)`);
  }
}
