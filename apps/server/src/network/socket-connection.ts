/**
 * SocketConnection: a client's socket as the engine sees it.
 *
 *      open ── end() ──> ending ──> gone        ending: what was sent still leaves, nothing is read
 *        └── destroy(), FIN, RST, error ──> gone
 *
 * Promises:
 *   - the engine hears of each accepted client's end once, and of no bytes after it;
 *   - send() leaves at most one buffer with the socket: while bytes wait, what follows is copied;
 *   - an error thrown by the engine goes to Station.failed, never into Node's streams.
 */

import type * as net from "node:net";
import type { Connection } from "@kv/engine";
import { descriptorOf, takeHandle } from "./handle-takeover.ts";
import type { Station } from "./traffic.ts";

/** A peer that has closed its side and reads no more loses what is queued for it after this. */
const lingerMs = 10_000;

export interface SocketFacts {
  kind: "tcp" | "unix" | "tls";
  /** Path of the listening Unix socket. */
  path?: string;
  keepAliveSeconds: number;
  /** Reads into the shared buffer by taking over the handle; otherwise by 'data' events. */
  takesHandle: boolean;
}

export class SocketConnection<Client> implements Connection {
  readonly address: string;
  readonly localAddress: string;
  readonly fileDescriptor: number;
  readonly kind: "tcp" | "unix" | "tls";
  readonly #station: Station<Client>;
  readonly #socket: net.Socket;
  #client: Client | null = null;
  #isEnding = false;

  constructor(station: Station<Client>, socket: net.Socket, facts: SocketFacts) {
    this.#station = station;
    this.#socket = socket;
    this.kind = facts.kind;
    this.fileDescriptor = descriptorOf(socket);
    const { remoteAddress, remotePort, localAddress, localPort } = socket;
    const isUnix = facts.kind === "unix";
    this.address = isUnix ? `${facts.path}:0` : printAddress(remoteAddress, remotePort);
    this.localAddress = isUnix ? `${facts.path}:0` : printAddress(localAddress, localPort);
  }

  get pendingBytes(): number {
    return this.#socket.writableLength;
  }

  send(bytes: Uint8Array, start: number, end: number): boolean {
    const socket = this.#socket;
    if (this.#isEnding || socket.destroyed) return true;
    if (socket.writableLength > 0) {
      socket.write(Buffer.copyBytesFrom(bytes, start, end - start));
      return true;
    }
    const { views } = this.#station;
    socket.write(views.of(bytes, start, end));
    // Node has tried to write at once. What is left is read from `bytes` when the socket drains.
    if (socket.writableLength === 0) return true;
    views.forget(bytes);
    return false;
  }

  end(): void {
    if (this.#isEnding) return;
    this.#isEnding = true;
    this.#socket.pause();
    this.#socket.destroySoon();
  }

  destroy(): void {
    this.#isEnding = true;
    this.#socket.destroy();
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    if (!this.#isEnding) this.#socket.resume();
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
    socket.on("close", () => this.#gone());
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

  /** `count` bytes are at the front of the station's input buffer. */
  arrived(count: number): void {
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
      this.arrived(piece.length);
    }
  }

  /**
   * FIN: the peer sends no more. As in Redis that is the end of the client, but what it asked for
   * before is answered: the turn that is due may hold replies back until a file is synced.
   */
  #peerEnded(): void {
    this.#station.activity();
    setImmediate(() => {
      this.end();
      this.#gone();
      if (this.#socket.destroyed) return;
      const timer = setTimeout(() => this.#socket.destroy(), lingerMs);
      timer.unref();
      this.#socket.once("close", () => clearTimeout(timer));
    });
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
  const arrived = (count: number) => connection?.arrived(count);
  const taken = facts.takesHandle ? takeHandle(accepted, station.input.bytes, arrived) : null;
  const socket = taken ?? accepted;
  // An empty shell by now. Its server counts it until it is destroyed, and nothing asks that count.
  if (taken !== null) accepted.destroy();
  else accepted.on("data", (chunk: Buffer) => connection?.arrivedIn(chunk));

  if (facts.kind !== "unix") {
    if (facts.keepAliveSeconds > 0) socket.setKeepAlive(true, facts.keepAliveSeconds * 1000);
    if (socket.remoteAddress === undefined) {
      socket.on("error", ignore);
      socket.destroy();
      return undefined;
    }
  }
  connection = new SocketConnection(station, socket, facts);
  return connection;
}

function printAddress(address = "?", port = 0): string {
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}

function ignore(): void {}
