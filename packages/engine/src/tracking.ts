/**
 * Tracking: client-side caching. The server remembers which keys a client read, and tells it when
 * one of them changes.
 */
import type { CommandEntry } from "@kv/commands";
import type { Client } from "./client.ts";
import type { Engine } from "./engine.ts";
import type { EngineCall } from "./engine-call.ts";

export class Tracking {
  /** True while any client tracks. */
  isOn = false;
  protected readonly engine: Engine;

  constructor(engine: Engine) {
    this.engine = engine;
  }

  keyChanged(_by: Client | null, _key: string): void {}

  /** A tracking client ran a command that reads: its keys are remembered for it. */
  remember(_client: Client, _entry: CommandEntry, _call: EngineCall): void {}

  /** After a command: what was to be told to its own client follows the reply. */
  flushPending(_client: Client, _replyMark: number): void {}

  /** All keys went at once. */
  flushed(): void {}

  clientClosed(_client: Client): void {}

  /** Client id for the redir field of CLIENT LIST: -1 not tracking, 0 no redirection. */
  redirectOf(_client: Client): number {
    return -1;
  }

  /** The letters of CLIENT LIST's flags. */
  flagsOf(_client: Client): string {
    return "t";
  }
}
