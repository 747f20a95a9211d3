/**
 * A connection without a socket, for code that lives in the server's own process: what one end
 * writes, the engine receives at once; what the engine sends can be read from the same stream.
 *
 *      stream.write ──> traffic.receive        InprocConnection.send ──> stream's 'data'
 *
 * Replies are handed over in a microtask, after the engine has returned. Otherwise a reader could
 * write its next request from inside the engine. Who is there nevertheless, as the program's log, has to
 * wait: the engine has its hands full with the requests of somebody else.
 */

import type { Connection } from "@kv/engine";
import { ClientEnd } from "./client-end.ts";
import { OutputQueue } from "./output-queue.ts";
import { realTimers } from "./real-timers.ts";
import type { Station } from "./traffic.ts";

/** Both ends of a new connection to `station`. */
export function connectInProcessTo<Client>(
  station: Station<Client>,
  name = "inproc:0",
): InprocConnection<Client> {
  return new InprocConnection(station, name);
}

export class InprocConnection<Client> implements Connection {
  readonly address: string;
  readonly localAddress: string;
  readonly fileDescriptor = -1;
  readonly isLocal = true;
  readonly isUnix = false;
  /** The client's end. */
  readonly stream: ClientEnd;
  readonly #station: Station<Client>;
  #client: Client | null;
  /** What the reader has not asked for yet. */
  readonly #outgoing = new OutputQueue();
  #isHandingOver = false;
  /** Who wants to hear when all has been handed over. */
  #drained: (() => void) | null = null;
  #isPaused = false;
  #isEnding = false;
  /** What was written while reading was stopped, and how to ask for more. */
  #held: (() => void) | null = null;

  constructor(station: Station<Client>, name: string) {
    this.#station = station;
    this.address = name;
    this.localAddress = name;
    this.stream = new ClientEnd({
      wanted: () => this.#handOver(),
      written: (chunk, done) => this.#fromOutside(() => this.#written(chunk, done)),
      finished: () => this.#writerEnded(),
      gone: () => this.#fromOutside(() => this.#gone()),
    });
    this.#client = station.traffic.accept(this);
    station.activity();
  }

  get pendingBytes(): number {
    return this.#outgoing.length + this.stream.readableLength;
  }

  get heldBytes(): number {
    return this.#outgoing.heldBytes + this.stream.readableLength;
  }

  send(bytes: Uint8Array, start: number, end: number): boolean {
    if (this.#isEnding) return true;
    this.#schedule();
    this.#outgoing.append(bytes, start, end);
    return true;
  }

  give(bytes: Uint8Array): void {
    if (this.#isEnding) return;
    this.#schedule();
    this.#outgoing.give(bytes);
  }

  whenDrained(listener: () => void): void {
    this.#drained = listener;
    this.#schedule();
  }

  #schedule(): void {
    if (this.#isHandingOver) return;
    this.#isHandingOver = true;
    realTimers.queueMicrotask(() => this.#handOver());
  }

  end(): void {
    if (this.#isEnding) return;
    this.#isEnding = true;
    realTimers.queueMicrotask(() => {
      this.#handOver(true);
      this.#finish();
    });
  }

  /** As end(), but what has not been handed over yet is lost. */
  destroy(): void {
    this.#isEnding = true;
    this.#outgoing.clear();
    realTimers.queueMicrotask(() => this.#finish());
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    const held = this.#held;
    this.#held = null;
    // Not from here: the engine is running.
    if (held !== null) realTimers.setImmediate(held);
  }

  /** Has `listener` called when the stream is closed, whether or not the engine let it in. */
  onClosed(listener: () => void): void {
    this.stream.once("close", listener);
  }

  #fromOutside(action: () => void): void {
    if (this.#station.isInside()) realTimers.setImmediate(action);
    else action();
  }

  #written(chunk: Buffer, done: (error?: Error) => void): void {
    const { traffic, input } = this.#station;
    for (let at = 0; at < chunk.length; at += input.bytes.length) {
      if (this.#client === null || this.#isEnding) break;
      if (this.#isPaused) {
        const rest = chunk.subarray(at);
        this.#held = () => this.#written(rest, done);
        return;
      }
      const piece = chunk.subarray(at, at + input.bytes.length);
      input.bytes.set(piece);
      try {
        traffic.receive(this.#client, input.bytes, input.view, 0, piece.length);
      } catch (error) {
        this.#station.failed(error);
      }
    }
    this.#station.activity();
    done();
  }

  /**
   * As with a socket that is the end of the client, and the reader sees it, too. But what it asked for
   * before is answered: the turn that is due may hold replies back.
   */
  #writerEnded(): void {
    this.#station.activity();
    realTimers.setImmediate(() => this.end());
  }

  /** Lets the stream have what it takes; all of it at the end. The reader asks for the rest. */
  #handOver(takesAll = false): void {
    this.#isHandingOver = false;
    while (!this.stream.destroyed) {
      const chunk = this.#outgoing.take();
      if (chunk === undefined) break;
      const wantsMore = this.stream.received(
        Buffer.from(chunk.buffer as ArrayBuffer, chunk.byteOffset, chunk.length),
      );
      if (!wantsMore && !takesAll) return;
    }
    const drained = this.#drained;
    this.#drained = null;
    if (drained !== null && !this.#isEnding) drained();
  }

  /** Tells the reader that this was all. */
  #finish(): void {
    const { stream } = this;
    if (!stream.destroyed) stream.push(null);
    this.#gone();
    // Nothing is there to read, and nobody has ever begun to: no 'end' will come.
    realTimers.setImmediate(() => {
      if (stream.readableFlowing === null && stream.readableLength === 0) stream.destroy();
    });
  }

  #gone(): void {
    this.#isEnding = true;
    const client = this.#client;
    // A writer that was made to wait waits no more.
    const held = this.#held;
    this.#held = null;
    if (held !== null) realTimers.setImmediate(held);
    if (client === null) return;
    this.#client = null;
    this.#station.traffic.disconnected(client);
    this.#station.activity();
  }
}
