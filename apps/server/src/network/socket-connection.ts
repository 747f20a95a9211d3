/**
 * SocketConnection: a client's socket as the engine sees it.
 *
 *      open ── end() ──> ending ──> gone        ending: what was sent still leaves, nothing is read
 *        └── destroy(), FIN, RST, error ──> gone
 *
 * Promises:
 *   - the engine hears of each accepted client's end once, and of no bytes after it;
 *   - at most one write of a waiting client's is under way at a time: what follows gathers in an
 *     OutputQueue, so that memory is what is unread, however many replies that is;
 *   - the memory of large buffers is freed when they have left, not when a collector looks;
 *   - what is encrypted at once is bounded, as it takes time and is in memory twice;
 *   - who keeps the server busy is read again when all others have been: the runtime would read on, two
 *     megabytes of requests, before it looks at the next socket;
 *   - an error thrown by the engine goes to Station.failed, never into Node's streams.
 */

import type * as net from "node:net";
import { type Connection, isLoopback } from "@kv/engine";
import { release } from "@kv/resp";
import { Written } from "./direct-writes.ts";
import { descriptorOf, takeHandle } from "./handle-takeover.ts";
import { keepAlive } from "./keep-alive.ts";
import { OutputQueue } from "./output-queue.ts";
import { realTimers } from "./real-timers.ts";
import type { Station } from "./traffic.ts";

/** A peer that has closed its side and reads no more loses what is queued for it after this. */
const LINGER_MS = 10_000;
/** And more than this at once: the engine has forgotten the client, so nobody counts it any more. */
const LINGER_BYTES_MAX = 1024 * 1024;

/** Encrypting so much takes a quarter of a millisecond or so. */
const ENCRYPTED_BYTES_MAX = 256 * 1024;

/** Keys, buffers and state of a connection's TLS, as measured, outside of the JavaScript heap. */
const TLS_BYTES = 48 * 1024;

/** When its requests have taken so long, it is the others' turn. */
const SHARE_MS = 2;

const nothing = new Uint8Array(0);

export interface SocketFacts {
  /** Path of the listening Unix socket, where it is one. */
  path?: string;
  keepAliveSeconds: number;
  /** Reads into the shared buffer by taking over the handle; otherwise by 'data' events. */
  takesHandle: boolean;
  /** It is a TLSSocket, whose handshake is through. */
  isEncrypted?: boolean;
}

export class SocketConnection<Client> implements Connection {
  readonly address: string;
  readonly localAddress: string;
  readonly fileDescriptor: number;
  readonly isLocal: boolean;
  readonly isUnix: boolean;
  readonly #station: Station<Client>;
  readonly #socket: net.Socket;
  readonly #isEncrypted: boolean;
  #client: Client | null = null;
  #isEnding = false;
  /** The engine, and not the peer, has ended it. */
  #isEndedHere = false;
  /** The engine wants to hear nothing for a while. */
  #isPaused = false;
  /** What its requests have taken since others had their turn. */
  #usedMs = 0;
  /** What waits behind the write that is under way; null until a client first falls behind. */
  #queue: OutputQueue | null = null;
  /** What is being written of it: #written() is called at the end. */
  #underWay: Uint8Array | null = null;
  /** Bytes of a write past the stream that have not all left yet. */
  #directBytes = 0;
  /** Bytes at the end of `underWay` that the socket has not been given yet. */
  #laterBytes = 0;
  /** Who wants to hear when nothing waits any more. */
  #drained: (() => void) | null = null;
  /** Memory of the engine's buffer that the socket keeps, beyond the bytes to be sent. */
  #keptBytes = 0;

  constructor(station: Station<Client>, socket: net.Socket, facts: SocketFacts) {
    this.#station = station;
    this.#socket = socket;
    this.#isEncrypted = facts.isEncrypted === true;
    this.fileDescriptor = descriptorOf(socket);
    const { remoteAddress, remotePort, localAddress, localPort } = socket;
    const isUnix = facts.path !== undefined;
    this.address = isUnix ? `${facts.path}:0` : printAddress(remoteAddress, remotePort);
    this.localAddress = isUnix ? `${facts.path}:0` : printAddress(localAddress, localPort);
    this.isUnix = isUnix;
    this.isLocal = isUnix || isLoopback(this.address);
  }

  get pendingBytes(): number {
    const queue = this.#queue;
    return this.#givenBytes + this.#laterBytes + (queue === null ? 0 : queue.length);
  }

  /** What the runtime was given and the system has not taken yet. */
  get #givenBytes(): number {
    return this.#socket.writableLength + this.#directBytes;
  }

  get heldBytes(): number {
    const givenBytes = this.#givenBytes;
    const queue = this.#queue;
    if (givenBytes === 0) this.#keptBytes = 0;
    const waitingBytes = this.#laterBytes + (queue === null ? 0 : queue.heldBytes);
    // Encrypted bytes are there beside those that they are made of.
    const tlsBytes = this.#isEncrypted ? TLS_BYTES + givenBytes : 0;
    return givenBytes + this.#keptBytes + waitingBytes + tlsBytes;
  }

  send(bytes: Uint8Array, start: number, end: number): boolean {
    const socket = this.#socket;
    if (this.#isEnding || socket.destroyed) return true;
    // The end of a write is told later than it is seen: what waits must not be overtaken.
    if (this.#underWay !== null || this.#givenBytes > 0) {
      this.#queue ??= new OutputQueue();
      this.#queue.append(bytes, start, end);
      if (this.#underWay === null) this.#writeNext();
      return true;
    }
    if (this.#isEncrypted) {
      this.#sendEncrypted(bytes, start, end);
      return true;
    }
    const { views } = this.#station;
    if (this.#write(views.of(bytes, start, end))) return true;
    // What is left is read from `bytes` when the socket drains.
    views.forget(bytes);
    this.#keptBytes = bytes.length - (end - start);
    return false;
  }

  /** True: nothing of it is needed any more. */
  #write(bytes: Buffer): boolean {
    const socket = this.#socket;
    switch (this.#station.writes.write(socket, bytes, this.#directLeft)) {
      case Written.ALL:
        return true;
      case Written.PARTLY:
        this.#directBytes = bytes.length;
        return false;
      case Written.FAILED:
        socket.destroy();
        return true;
      case Written.NOT:
        // Node tries to write at once, too.
        socket.write(bytes);
        return socket.writableLength === 0;
    }
  }

  readonly #directLeft = (status: number): void => {
    this.#directBytes = 0;
    if (status < 0) this.#socket.destroy();
    else this.#mayBeDrained();
  };

  /** Node tells late that it has encrypted something: a copy costs less than to part with `bytes`. */
  #sendEncrypted(bytes: Uint8Array, start: number, end: number): void {
    if (end - start <= ENCRYPTED_BYTES_MAX) {
      this.#socket.write(Buffer.from(bytes.subarray(start, end)));
      return;
    }
    this.#queue ??= new OutputQueue();
    this.#queue.append(bytes, start, end);
    this.#writeNext();
  }

  give(bytes: Uint8Array): void {
    if (this.#isEnding || this.#socket.destroyed) {
      release(bytes);
      return;
    }
    this.#queue ??= new OutputQueue();
    this.#queue.give(bytes);
    if (this.#underWay === null) this.#writeNext();
  }

  /** Hands the next chunk of the queue to the socket. */
  #writeNext(): void {
    const chunk = this.#queue?.take();
    if (chunk === undefined) return;
    this.#underWay = chunk;
    this.#writeFrom(chunk, 0);
  }

  #writeFrom(chunk: Uint8Array, start: number): void {
    const end = this.#isEncrypted
      ? Math.min(chunk.length, start + ENCRYPTED_BYTES_MAX)
      : chunk.length;
    this.#laterBytes = chunk.length - end;
    this.#socket.write(chunk.subarray(start, end), (error) => {
      // After an error the system lets go of it when the socket has closed.
      if (error || this.#underWay !== chunk) return;
      if (end < chunk.length) this.#writeFrom(chunk, end);
      else this.#written();
    });
  }

  #written(): void {
    if (this.#underWay === null) return;
    release(this.#underWay);
    this.#underWay = null;
    this.#laterBytes = 0;
    this.#writeNext();
    if (this.#isEnding && this.#underWay === null) this.#socket.destroySoon();
    this.#mayBeDrained();
  }

  whenDrained(listener: () => void): void {
    this.#drained = listener;
    // What is written next to a socket is written when all before it has left.
    if (this.#underWay === null) this.#socket.write(nothing, () => this.#mayBeDrained());
  }

  #mayBeDrained(): void {
    if (this.#drained === null || this.pendingBytes > 0 || this.#isEnding) return;
    const drained = this.#drained;
    this.#drained = null;
    drained();
  }

  get isEndedHere(): boolean {
    return this.#isEndedHere;
  }

  end(): void {
    this.#isEndedHere = true;
    this.#end();
  }

  #end(): void {
    if (this.#isEnding) return;
    this.#isEnding = true;
    this.#socket.pause();
    // Node sends what it was given before it closes; what is not given yet, #written() sees to.
    if (this.#underWay === null) this.#socket.destroySoon();
  }

  destroy(): void {
    this.#isEndedHere = true;
    this.#destroy();
  }

  #destroy(): void {
    this.#isEnding = true;
    this.#queue?.clear();
    this.#socket.destroy();
  }

  pause(): void {
    this.#isPaused = true;
    this.#socket.pause();
  }

  resume(): void {
    this.#isPaused = false;
    this.#goOn();
  }

  #goOn(): void {
    if (!this.#isPaused && !this.#isEnding) this.#socket.resume();
  }

  /** Whether the client's presence keeps the process alive. */
  setReferenced(isReferenced: boolean): void {
    if (isReferenced) this.#socket.ref();
    else this.#socket.unref();
  }

  /** Has `listener` called when the socket is closed, whether or not the engine let it in. */
  onClosed(listener: () => void): void {
    this.#socket.once("close", listener);
  }

  /** Shows the connection to the engine and starts reading, unless it is refused. */
  open(): void {
    const socket = this.#socket;
    socket.on("error", ignore); // 'close' follows, and says all there is to say.
    socket.on("end", () => this.#peerEnded());
    socket.on("close", () => {
      this.#queue?.clear();
      this.#written();
      this.#gone();
    });
    try {
      this.#client = this.#station.traffic.accept(this);
    } catch (error) {
      this.#station.failed(error);
      return;
    }
    this.#station.activity();
    if (this.#client === null) this.end();
    else if (!this.#isEnding) socket.resume();
  }

  /**
   * `count` bytes are at the front of the station's input buffer. False: reading has to stop now, and goes
   * on by itself.
   */
  arrived(count: number): boolean {
    // Behind less than a buffer's worth the runtime looks at the next socket anyway.
    if (count < this.#station.input.bytes.length && !this.#isEncrypted) {
      this.#usedMs = 0;
      this.#receive(count);
      return true;
    }
    const startMs = realTimers.monotonicMs();
    this.#receive(count);
    this.#usedMs += realTimers.monotonicMs() - startMs;
    if (this.#usedMs < SHARE_MS) return true;
    this.#usedMs = 0;
    realTimers.setImmediate(() => this.#goOn());
    return false;
  }

  #receive(count: number): void {
    const client = this.#client;
    if (client === null || this.#isEnding) return;
    const { traffic, input } = this.#station;
    try {
      traffic.receive(client, input.bytes, input.view, 0, count);
    } catch (error) {
      this.#station.failed(error);
    }
    this.#station.activity();
  }

  /** A chunk that Node allocated: goes the same way, a piece of the input buffer at a time. */
  arrivedIn(chunk: Uint8Array): void {
    const { bytes } = this.#station.input;
    for (let at = 0; at < chunk.length; at += bytes.length) {
      const piece = chunk.subarray(at, at + bytes.length);
      bytes.set(piece);
      if (!this.arrived(piece.length)) this.#socket.pause();
    }
  }

  /**
   * FIN: the peer sends no more. As in Redis that is the end of the client, but what it asked for
   * before is answered: the turn that is due may hold replies back until a file is synced. Who waits
   * leaves at once: what is pushed next, in this very round, would be given to nobody.
   */
  #peerEnded(): void {
    this.#station.activity();
    const client = this.#client;
    if (client !== null && this.#station.traffic.waits(client)) this.#leave();
    else realTimers.setImmediate(() => this.#leave());
  }

  #leave(): void {
    if (this.pendingBytes > LINGER_BYTES_MAX) this.#destroy();
    this.#end();
    this.#gone();
    if (this.#socket.destroyed) return;
    const timer = realTimers.setTimeout(() => this.#socket.destroy(), LINGER_MS);
    timer.unref();
    this.#socket.once("close", () => realTimers.clearTimeout(timer));
  }

  #gone(): void {
    this.#isEnding = true;
    const client = this.#client;
    if (client === null) return;
    this.#client = null;
    try {
      this.#station.traffic.disconnected(client);
    } catch (error) {
      this.#station.failed(error);
    }
    this.#station.activity();
  }
}

/** Makes a connection of an accepted, paused socket. Undefined: the peer has left already. */
export function connectionOf<Client>(
  station: Station<Client>,
  accepted: net.Socket,
  facts: SocketFacts,
): SocketConnection<Client> | undefined {
  let connection: SocketConnection<Client> | undefined;
  const arrived = (count: number) => connection?.arrived(count) !== false;
  const taken = facts.takesHandle ? takeHandle(accepted, station.input.bytes, arrived) : null;
  const socket = taken ?? accepted;
  // An empty shell by now. Its server counts it until it is destroyed, and nothing asks that count.
  if (taken !== null) accepted.destroy();
  else accepted.on("data", (chunk: Buffer) => connection?.arrivedIn(chunk));

  if (facts.path === undefined) {
    keepAlive(socket, facts.keepAliveSeconds);
    if (socket.remoteAddress === undefined) {
      socket.on("error", ignore);
      socket.destroy();
      return undefined;
    }
  }
  connection = new SocketConnection(station, socket, facts);
  return connection;
}

export function printAddress(address = "?", port = 0): string {
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}

function ignore(): void {}
