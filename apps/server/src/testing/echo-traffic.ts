/**
 * EchoTraffic: the smallest engine that sockets can be tested with. It sends back what it gets,
 * through one output buffer, by the contract of Connection.send: when the connection keeps the
 * buffer it takes another; when it may reuse it, it wipes it at once, so that a byte which leaves
 * late leaves as rubbish.
 *
 * Bytes that begin with "!" are orders: "!end", "!destroy", "!throw", "!pause", "!later", "!flood N".
 */
import type { Connection } from "@kv/engine";
import { DirectWrites } from "../network/direct-writes.ts";
import { OutputViews } from "../network/output-views.ts";
import { InputBuffer, type Station, type Traffic } from "../network/traffic.ts";

const BUFFER_BYTES = 64 * 1024;
const RUBBISH = 0x58;

export interface EchoClient {
  connection: Connection;
  receivedBytes: number;
  disconnectedCount: number;
}

export class EchoTraffic implements Traffic<EchoClient> {
  readonly clients: EchoClient[] = [];
  /** Calls in order: "accept", "receive 5", "disconnected". */
  readonly calls: string[] = [];
  /** Whether each send() gave the buffer back. */
  readonly returned: boolean[] = [];
  /** Not undefined: no client is let in, and this is what it is told. */
  refusal: string | undefined;
  /** Who is said to wait. */
  waiting: EchoClient | undefined;
  #buffer = new Uint8Array(BUFFER_BYTES);

  accept(connection: Connection): EchoClient | null {
    this.calls.push("accept");
    if (this.refusal !== undefined) {
      this.send(connection, Buffer.from(this.refusal));
      connection.end();
      return null;
    }
    const client = { connection, receivedBytes: 0, disconnectedCount: 0 };
    this.clients.push(client);
    return client;
  }

  receive(
    client: EchoClient,
    chunk: Uint8Array,
    _view: DataView,
    start: number,
    end: number,
  ): void {
    if (client.disconnectedCount > 0) throw new Error("bytes after the end");
    this.calls.push(`receive ${end - start}`);
    client.receivedBytes += end - start;
    const { connection } = client;
    if (chunk[start] === 0x21)
      this.#obey(connection, Buffer.from(chunk.slice(start, end)).toString());
    else this.send(connection, chunk.subarray(start, end));
  }

  waits(client: EchoClient): boolean {
    return client === this.waiting;
  }

  disconnected(client: EchoClient): void {
    this.calls.push("disconnected");
    client.disconnectedCount++;
  }

  /** Sends bytes through the one output buffer, a bufferful at a time. */
  send(connection: Connection, bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; at += BUFFER_BYTES) {
      const piece = bytes.subarray(at, at + BUFFER_BYTES);
      this.#buffer.set(piece);
      const isMine = connection.send(this.#buffer, 0, piece.length);
      this.returned.push(isMine);
      if (isMine) this.#buffer.fill(RUBBISH, 0, piece.length);
      else this.#buffer = new Uint8Array(BUFFER_BYTES);
    }
  }

  #obey(connection: Connection, order: string): void {
    const [name, argument] = order.trim().split(" ");
    if (name === "!throw") throw new Error("thrown on order");
    if (name === "!destroy") connection.destroy();
    if (name === "!pause") connection.pause();
    if (name === "!later") setImmediate(() => this.send(connection, Buffer.from("at last")));
    if (name === "!flood") this.send(connection, pattern(Number(argument)));
    if (name === "!end") {
      this.send(connection, Buffer.from("bye"));
      connection.end();
    }
  }
}

/** Bytes that show at each place whether they belong there. */
export function pattern(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++) bytes[i] = (i * 7 + (i >>> 8) * 13 + (i >>> 16)) & 0xff;
  return bytes;
}

export interface EchoStation extends Station<EchoClient> {
  readonly traffic: EchoTraffic;
  readonly failures: unknown[];
  readonly activityCount: number;
}

export function echoStation(): EchoStation {
  const failures: unknown[] = [];
  return {
    traffic: new EchoTraffic(),
    input: new InputBuffer(),
    views: new OutputViews(),
    writes: new DirectWrites(),
    failures,
    isInside: () => false,
    activityCount: 0,
    activity() {
      (this as { activityCount: number }).activityCount++;
    },
    failed: (error) => failures.push(error),
  };
}
