/**
 * Refusals: why writes are refused while the disk does not do what was promised. Each owner (a save
 * that failed, an append-only file that cannot be written) sets and clears its own reason; writes go
 * on when there is none. Of several, clients are told the snapshot's, as by Redis.
 */
import { EngineState, type Situation } from "./situation.ts";

/** Why writes are refused: see the head of this file. One for each engine. */
export class Refusals {
  private readonly situation: Situation;
  private readonly byOwner = new Map<string, string>();

  constructor(situation: Situation) {
    this.situation = situation;
  }

  /** Sets the error that `owner` refuses writes with (whole, as in "MISCONF ..."); "" clears it. */
  set(owner: "saving" | "append-only", error: string): void {
    if (error === "") this.byOwner.delete(owner);
    else this.byOwner.set(owner, error);
    this.situation.setUnusual(EngineState.DISK_FAILED, this.byOwner.size > 0);
  }

  /** The error for a write; "" when nobody refuses. */
  get error(): string {
    return this.byOwner.get("saving") ?? this.byOwner.get("append-only") ?? "";
  }
}
