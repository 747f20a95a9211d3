/**
 * Leftovers: temporary files of processes that were killed in the middle of a save or a synchronisation. Each
 * may be as large as the data set, and who is killed again and again would fill the disk with them.
 *
 *      the start ── those of our own number: gone     no other process has it, and none of ours is begun
 *                ── those of others: their sizes are kept
 *      two minutes later, at the cron ── as large as before, and no such process: gone
 *
 * Why not at once: several servers may share a folder, also ones that this machine does not see the processes
 * of (containers, a folder of the network). Whoever is at work at such a file writes to it.
 */
import { StorageError } from "@kv/persistence";
import type { Host } from "../../kernel/host.ts";
import { ownerOf } from "../../kernel/temporary-names.ts";
import type { Ports } from "../../module/ports.ts";
import type { Running } from "../../module/system.ts";

/** Longer than a primary may be silent (`repl-timeout`) without its replica giving up. */
const WAIT_US = 120_000_000;

/** What leftovers take of the engine. */
export type LeftoversNeeds = Pick<Ports, "host" | "config">;

/** Removes what killed processes have left: see the head of this file. */
export class Leftovers implements Running {
  private readonly ports: LeftoversNeeds;
  /** Sizes by name, until the second look. */
  private readonly suspects = new Map<string, number>();
  private dueUs = 0;
  private readonly underWay = new Set<Promise<void>>();

  constructor(ports: LeftoversNeeds) {
    this.ports = ports;
  }

  /** The first look. The data set can be loaded whatever comes of it. */
  async load(): Promise<boolean> {
    const { host, config } = this.ports;
    const ours: string[] = [];
    for (const name of attempt(() => host.syncStorage.list()) ?? []) {
      const owner = ownerOf(name);
      if (owner === undefined || name === config.text("dbfilename")) continue;
      if (owner === host.facts.processId) ours.push(name);
      else this.suspect(name);
    }
    this.dueUs = host.monotonicUs() + WAIT_US;
    // Waited for: the next save may be one of the same name.
    for (const name of ours) await this.remove(name);
    return true;
  }

  private suspect(name: string): void {
    const size = attempt(() => sizeOf(this.ports.host, name));
    if (size !== undefined) this.suspects.set(name, size);
  }

  /** The second look, when it is time. */
  cron(): void {
    const { host } = this.ports;
    if (this.suspects.size === 0 || host.monotonicUs() < this.dueUs) return;
    for (const [name, size] of this.suspects) {
      if (host.isProcess?.(ownerOf(name) as number) !== false) continue;
      if (attempt(() => sizeOf(host, name)) === size) void this.remove(name);
    }
    this.suspects.clear();
  }

  /** Beside the event loop: to remove a large file takes a while. */
  private remove(name: string): Promise<void> {
    const { host } = this.ports;
    const work = host.storage.remove(name).then(
      () => host.log("notice", `Removed ${name}, which a process that was killed has left behind`),
      (error: unknown) => {
        if (!(error instanceof StorageError)) throw error;
        host.log("notice", `${name}, left behind by a killed process, stays: ${error.message}`);
      },
    );
    this.underWay.add(work);
    return work.finally(() => this.underWay.delete(work));
  }

  stop(): void {
    this.suspects.clear();
  }

  /** True when the disk has nothing to do for it. */
  get isSettled(): boolean {
    return this.underWay.size === 0;
  }

  /** Resolves when that is so. */
  async settled(): Promise<void> {
    while (!this.isSettled) await Promise.allSettled(this.underWay);
  }
}

/** Undefined: it is not there any more. */
function sizeOf(host: Host, name: string): number | undefined {
  const file = host.syncStorage.open(name);
  file?.close();
  return file?.sizeBytes;
}

/** Undefined: it cannot be looked at, and stays. */
function attempt<Result>(look: () => Result): Result | undefined {
  try {
    return look();
  } catch (error) {
    if (!(error instanceof StorageError)) throw error;
    return undefined;
  }
}
