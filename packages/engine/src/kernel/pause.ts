/**
 * CLIENT PAUSE: commands are held, unanswered, until the pause ends; then they are served in the
 * order in which their clients came. WRITE holds only what may change the data set; ALL everything.
 * While it is in force nothing expires and nothing is evicted. A shutdown that waits for replicas holds
 * writes in the same way, and so does a failover, whatever clients say of their pause. Clients that another
 * guard holds wait here as well, until who brought it says ease().
 */

import type { Client } from "./client.ts";
import { ClientState } from "./client-state.ts";
import type { Host } from "./host.ts";
import { EngineState, type Situation } from "./situation.ts";

/** Who holds writes besides clients. */
export type WriteHolder = "shutdown" | "failover";

/** CLIENT PAUSE: see the head of this file. One for each engine. */
export class Pause {
  /** CLIENT PAUSE ALL: every command is held. isInForce() says whether that is still so. */
  holdsAll = false;
  /** Commands that may change the data set are held; also true while all are. */
  holdsWrites = false;
  /** When it ends, by the wall clock; 0: there is none. */
  endsMs = 0;
  /** Lets a client that was held go on. Set once, by whoever serves clients. */
  resume: (client: Client) => void = () => {};
  private readonly host: Host;
  private readonly situation: Situation;
  private readonly held = new Set<Client>();
  private readonly holders = new Set<WriteHolder>();
  /** What was held is no longer, or only in part: each of those that wait is to be looked at. */
  private isEased = false;

  constructor(host: Host, situation: Situation) {
    this.host = host;
    this.situation = situation;
  }

  /**
   * Whether anything is held now. A pause whose time is up ends here, unless clients wait: they go on with
   * the next turn, and until then whoever comes is held behind them, so that nobody overtakes.
   */
  isInForce(): boolean {
    if (!this.isOver()) return this.holdsWrites;
    if (this.held.size === 0) this.end();
    else this.host.wake();
    return this.holdsWrites;
  }

  private isOver(): boolean {
    return this.endsMs !== 0 && this.situation.nowMs >= this.endsMs;
  }

  /** A further pause never shortens or softens the one in force (Redis 7.2). */
  begin(endsMs: number, all: boolean): void {
    if (!this.isInForce()) this.endsMs = 0;
    const latestMs = Math.max(endsMs, this.endsMs);
    // A pause of no length holds nobody, not even until the next turn.
    if (latestMs <= this.situation.nowMs) return;
    this.endsMs = latestMs;
    if (all) this.holdsAll = true;
    this.update();
  }

  /** The wall clock was set: it lasts as long as it was to last. */
  clockStepped(stepMs: number): void {
    if (this.endsMs !== 0) this.endsMs += stepMs;
  }

  /** CLIENT UNPAUSE, or time is up: those who wait go on with the next turn. */
  end(): void {
    this.holdsAll = false;
    this.endsMs = 0;
    this.ease();
  }

  /** Writes are held, however long it takes, until this is called with false. */
  holdWrites(by: WriteHolder, isOn: boolean): void {
    if (isOn) {
      this.holders.add(by);
      this.update();
    } else if (this.holders.delete(by)) {
      this.ease();
    }
  }

  /** Something that held clients is over: each of them is looked at anew with the next turn. */
  ease(): void {
    this.update();
    this.isEased = true;
    if (this.held.size > 0) this.host.wake();
  }

  private update(): void {
    this.holdsWrites = this.endsMs !== 0 || this.holders.size > 0;
    this.situation.setUnusual(EngineState.PAUSED, this.holdsWrites);
  }

  /** Before the host waits for events: no command is running that others could get in the way of. */
  turn(): void {
    if (this.isOver()) this.end();
    if (!this.isEased || this.held.size === 0) return;
    this.isEased = false;
    const waiting = [...this.held];
    this.held.clear();
    // One of those that go on may begin another pause: then the rest are held again at once.
    for (const client of waiting) if (!client.closed) this.resume(client);
  }

  /** The client waits, with its present command unanswered, until the pause ends. */
  hold(client: Client): void {
    client.mark(ClientState.WAITING, true);
    this.held.add(client);
  }

  /** The client has gone: nobody waits for it. */
  clientClosed(client: Client): void {
    this.held.delete(client);
  }
}
