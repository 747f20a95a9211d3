/**
 * Gives memory back to the operating system beside the event loop.
 *
 *      main thread                              thread of its own
 *      a segment is empty  -- its buffer ->     detaches it: the system takes the pages back
 *
 * The system needs a tenth of a second for a gigabyte, in which nobody would be served. Little is
 * given back where we are: that takes less than a millisecond. The thread is made when it is needed
 * first and ends when there was nothing to do for a while, for it takes some megabytes itself.
 */
import type { Worker } from "node:worker_threads";
import { realTimers } from "../network/real-timers.ts";
import { hasRoomForThread } from "./room.ts";

/** From so many bytes on that were touched, it is worth a message to another thread. */
export const RELEASED_HERE_BYTES_MAX = 4 * 2 ** 20;
const IDLE_MS = 10_000;
/** Short enough to be no file, which every form of a build would have to find. */
const THREAD_TEXT = `require("node:worker_threads").parentPort.on("message", (buffer) => buffer.transfer(0));`;
/** All that the thread has to keep is its own code. */
const THREAD_LIMITS = { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 1, stackSizeMb: 1 };

export class MemoryRelease {
  readonly #hasRoom: () => boolean;
  #worker: Worker | undefined;
  #idle: NodeJS.Timeout | undefined;

  /** Buffers that went to the thread. */
  passedOnCount = 0;

  /** `hasRoom`: whether there may be one more thread. */
  constructor(hasRoom = hasRoomForThread) {
    this.#hasRoom = hasRoom;
  }

  /** As Host.releaseMemory: the buffer is detached when this returns. */
  readonly release = (buffer: ArrayBuffer, touchedBytes: number): void => {
    if (touchedBytes <= RELEASED_HERE_BYTES_MAX || !this.#passOn(buffer)) buffer.transfer(0);
  };

  /** Ends the thread, if there is one. What it was given is given back all the same. */
  end(): void {
    realTimers.clearTimeout(this.#idle);
    void this.#worker?.terminate();
    this.#worker = undefined;
  }

  /** False: there is no thread to be had. */
  #passOn(buffer: ArrayBuffer): boolean {
    try {
      if (this.#worker === undefined && !this.#hasRoom()) return false;
      this.#worker ??= this.#start();
      this.#worker.postMessage(buffer, [buffer]);
    } catch {
      return false;
    }
    this.passedOnCount++;
    realTimers.clearTimeout(this.#idle);
    this.#idle = realTimers.setTimeout(() => this.end(), IDLE_MS).unref();
    return true;
  }

  #start(): Worker {
    const { Worker } = process.getBuiltinModule("node:worker_threads");
    const worker = new Worker(THREAD_TEXT, { eval: true, resourceLimits: THREAD_LIMITS });
    worker.unref();
    // One that fails has freed what it had; the next buffer gets a new one.
    worker.on("error", () => {
      if (this.#worker === worker) this.#worker = undefined;
    });
    return worker;
  }
}
