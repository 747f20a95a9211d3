/**
 * A connection without a socket, for code that lives in the server's own process: what one end
 * writes, the engine receives at once; what the engine sends can be read from the same stream.
 *
 *      stream.write ──> traffic.receive        InprocConnection.send ──> stream's 'data'
 *
 * Replies are handed over in a microtask, after the engine has returned. Otherwise a reader could
 * write its next request from inside the engine.
 */

import { Duplex } from "node:stream";
import type { Connection } from "@kv/engine";
import { OutputQueue } from "./output-queue.ts";
import type { Station } from "./traffic.ts";

/** A stream that is a client's end of a new connection to `station`. */
export function connectInProcessTo<Client>(station: Station<Client>, name = "inproc:0"): Duplex {
  return new InprocConnection(station, name).stream;
}

class InprocConnection<Client> implements Connection {
  readonly address: string;
  readonly localAddress: string;
  readonly fileDescriptor = -1;
  readonly isLocal = true;
  readonly isUnix = false;
  readonly stream: Duplex;
  readonly #station: Station<Client>;
  #client: Client | null;
  /** What the reader has not asked for yet. */
  readonly #outgoing = new OutputQueue();
  #isHandingOver = false;
  #isPaused = false;
  #isEnding = false;
  /** What was written while reading was stopped, and how to ask for more. */
  #held: (() => void) | null = null;

  constructor(station: Station<Client>, name: string) {
    this.#station = station;
    this.address = name;
    this.localAddress = name;
    this.stream = new Duplex({
      read: () => this.#handOver(),
      write: (chunk: Buffer, _encoding, done) => this.#written(chunk, done),
      // The writer has ended: the client is gone, and the reader sees the end, too.
      final: (done) => {
        this.end();
        done();
      },
      destroy: (error, done) => {
        this.#gone();
        done(error);
      },
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

  #schedule(): void {
    if (this.#isHandingOver) return;
    this.#isHandingOver = true;
    queueMicrotask(() => this.#handOver());
  }

  end(): void {
    if (this.#isEnding) return;
    this.#isEnding = true;
    queueMicrotask(() => {
      this.#handOver(true);
      if (!this.stream.destroyed) this.stream.push(null);
      this.#gone();
    });
  }

  destroy(): void {
    this.#isEnding = true;
    this.stream.destroy();
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    const held = this.#held;
    this.#held = null;
    // Not from here: the engine is running.
    if (held !== null) setImmediate(held);
  }

  #written(chunk: Buffer, done: () => void): void {
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

  /** Lets the stream have what it takes; all of it at the end. The reader asks for the rest. */
  #handOver(takesAll = false): void {
    this.#isHandingOver = false;
    while (!this.stream.destroyed) {
      const chunk = this.#outgoing.take();
      if (chunk === undefined) return;
      const wantsMore = this.stream.push(
        Buffer.from(chunk.buffer as ArrayBuffer, chunk.byteOffset, chunk.length),
      );
      if (!wantsMore && !takesAll) return;
    }
  }

  #gone(): void {
    this.#isEnding = true;
    const client = this.#client;
    if (client === null) return;
    this.#client = null;
    this.#station.traffic.disconnected(client);
    this.#station.activity();
  }
}
