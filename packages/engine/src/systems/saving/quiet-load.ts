/**
 * QuietLoad: the beginning of a load at the start, in which nobody is told LOADING: who would be waits for
 * the end. Redis serves nobody before it has loaded `loading-process-events-interval-bytes`, so most
 * clients of a server that has just been started never learn that there was a file. A load that comes no
 * further for half a second is told of all the same: the disk may not answer.
 */
import type { Ports } from "../../module/ports.ts";

const QUIET_MS_MAX = 500;
const MOST = 7 / 8;

export class QuietLoad {
  private readonly ports: Pick<Ports, "config" | "pause" | "situation">;

  constructor(ports: Pick<Ports, "config" | "pause" | "situation">) {
    this.ports = ports;
  }

  /** So much of it is there: of what was read, all but a record that is not whole yet. */
  loaded(loadedBytes: number): void {
    const intervalBytes = this.ports.config.number("loading-process-events-interval-bytes");
    if (loadedBytes >= intervalBytes * MOST) this.end();
  }

  /** It has lasted so long. */
  cron(passedMs: number): void {
    if (passedMs > QUIET_MS_MAX) this.end();
  }

  /** Those who wait are told. */
  end(): void {
    const { pause, situation } = this.ports;
    if (!situation.isLoadYoung) return;
    situation.isLoadYoung = false;
    pause.ease();
  }
}
