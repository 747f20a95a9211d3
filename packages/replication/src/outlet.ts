/**
 * Outlet: what leaves for one replica, as fast as it takes it. While its connection has more than a
 * little to send, the outlet is full, and whoever has more for it waits until all of that has left.
 *
 * Also tells for how long a replica has taken nothing: a slow reader is left in peace, one that has not
 * taken a byte for `repl-timeout` is not.
 */
import type { Client, Host, Output } from "@kv/engine";

/** A connection that has more than this to send is full. */
const WINDOW_BYTES = 256 * 1024;

export class Outlet {
  private readonly client: Client;
  private readonly host: Host;
  private readonly output: Output;
  /** Waits until what was sent has left. */
  isFull = false;
  /** Since when nothing has left of what waits, and how much that was. */
  private stuckSinceMs = 0;
  private stuckBytes = 0;

  constructor(client: Client, { host, output }: { host: Host; output: Output }) {
    this.client = client;
    this.host = host;
    this.output = output;
  }

  /** Sends bytes[start, end). False: the connection keeps the buffer. */
  send(bytes: Uint8Array, start = 0, end = bytes.length): boolean {
    const isFree = this.output.sendToReplica(this.client, bytes, start, end);
    if (this.client.connection.pendingBytes > WINDOW_BYTES) this.fill();
    return isFree;
  }

  /** Whether all that was sent has left. */
  get isEmpty(): boolean {
    return this.client.connection.pendingBytes === 0;
  }

  /** Is full from now on, until all that was sent has left; `drained` is told of that. */
  fill(drained?: () => void): void {
    this.isFull = true;
    this.stuckSinceMs = this.host.wallMs();
    this.stuckBytes = this.client.connection.pendingBytes;
    this.client.connection.whenDrained(() => {
      this.isFull = false;
      this.host.wake();
      drained?.();
    });
  }

  /** The wall clock was set. */
  clockStepped(stepMs: number): void {
    this.stuckSinceMs += stepMs;
  }

  /** For how long nothing has left while it was full; to be asked every now and then. */
  stuckMs(nowMs: number): number {
    const { pendingBytes } = this.client.connection;
    if (!this.isFull || pendingBytes !== this.stuckBytes) this.stuckSinceMs = nowMs;
    this.stuckBytes = pendingBytes;
    return nowMs - this.stuckSinceMs;
  }
}
