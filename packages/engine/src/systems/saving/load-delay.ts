/** LoadDelay: what `key-load-delay` makes of a load, for those who test what is done meanwhile. */
import { durationOfKeysUs } from "../../kernel/snapshot-jobs.ts";
import type { LoadedKeys, Ports } from "../../module/ports.ts";

/** Clients wait no longer than this. */
const SLEEP_MS = 10;

/** Slows loading down. One for each engine. */
export class LoadDelay {
  private readonly ports: Pick<Ports, "host" | "config">;
  /** Keys that have been heeded. */
  private keyCount = 0;

  constructor(ports: Pick<Ports, "host" | "config">) {
    this.ports = ports;
  }

  /** Microseconds for each key; less than 0: so many keys in a microsecond. 0: it does nothing. */
  get keyUs(): number {
    return this.ports.config.number("key-load-delay");
  }

  /** Another load begins. */
  begin(): void {
    this.keyCount = 0;
  }

  /** How long the keys that were read since it was asked last are to take. */
  private newKeysMs({ loadedCount, expiredCount, emptyCount }: LoadedKeys): number {
    const before = this.keyCount;
    this.keyCount = loadedCount + expiredCount + emptyCount;
    return durationOfKeysUs(this.keyCount - before, this.keyUs) / 1000;
  }

  /** Holds everybody for as long as what was read since is to take. */
  hold(loaded: LoadedKeys): void {
    const durationMs = this.newKeysMs(loaded);
    if (durationMs > 0) this.ports.host.sleepMs(durationMs);
  }

  /** Serves the clients once, and on and on for as long as what was read since is to take. */
  async turn(loaded: LoadedKeys, isStopped: () => boolean): Promise<void> {
    const { host } = this.ports;
    for (let leftMs = this.newKeysMs(loaded); leftMs > 0 && !isStopped(); leftMs -= SLEEP_MS) {
      host.sleepMs(Math.min(leftMs, SLEEP_MS));
      await host.nextTurn();
      if (this.keyUs === 0) return;
    }
    await host.nextTurn();
  }
}
