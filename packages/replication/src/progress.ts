/**
 * Progress: whether somebody who is being sent a data set takes any of it. A slow reader is left in
 * peace, one that has not taken a byte for `repl-timeout` is not.
 */
import type { Connection } from "@kv/engine";

export class Progress {
  private readonly connection: Connection;
  private sinceMs: number;
  private pendingBytes = 0;

  /** At first it has moved just now. */
  constructor(connection: Connection, nowMs: number) {
    this.connection = connection;
    this.sinceMs = nowMs;
  }

  /** For how long nothing has moved of what waits for the reader; to be asked every now and then. */
  stalledMs(nowMs: number): number {
    const { pendingBytes } = this.connection;
    if (pendingBytes === 0 || pendingBytes !== this.pendingBytes) this.sinceMs = nowMs;
    this.pendingBytes = pendingBytes;
    return nowMs - this.sinceMs;
  }
}
