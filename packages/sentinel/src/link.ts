/**
 * Link: the connections to an instance, and when it was last heard of. A sentinel that watches the
 * same primaries as we do has one link, however many primaries that are.
 */
import type { Conversation } from "./conversation.ts";

/** The connections to an instance: see the head of this file. */
export class Link {
  /** For requests; null while there is none. */
  commands: Conversation | null = null;
  /** For greetings, to primaries and replicas. */
  listening: Conversation | null = null;
  /** A connection is missing. */
  isDisconnected = true;
  /** Instances that share it. */
  userCount = 1;
  /** When the connection for requests was asked for. */
  commandsSinceMs = 0;
  /** When the one that listens was. */
  listeningSinceMs = 0;
  /** When something came by it. */
  lastHeardMs = 0;
  /** The last answer to PING that says that the instance is alive. */
  lastAvailableMs: number;
  /** The oldest PING that waits for such an answer; 0: none does. */
  openPingMs: number;
  /** The last PING. */
  lastPingMs = 0;
  /** The last answer to PING, whatever it says. */
  lastPongMs: number;
  /** When connections were last asked for. */
  lastReconnectMs = 0;

  constructor(nowMs: number) {
    this.lastAvailableMs = nowMs;
    this.openPingMs = nowMs;
    this.lastPongMs = nowMs;
  }

  /** Requests that are not answered yet. */
  get pendingCount(): number {
    return this.commands?.waitingCount ?? 0;
  }

  /** Ends one of the connections, or both; what is missing is asked for again in time. */
  drop(which: "commands" | "listening" | "both"): void {
    const { commands, listening } = this;
    if (which !== "listening") this.commands = null;
    if (which !== "commands") this.listening = null;
    this.isDisconnected = true;
    if (which !== "listening") commands?.end();
    if (which !== "commands") listening?.end();
  }

  /** One who shared it does not need it any more. */
  release(): void {
    this.userCount--;
    if (this.userCount === 0) this.drop("both");
  }
}
