/**
 * ClientEnd: the client's end of a connection that has no socket. Client libraries hold it for a
 * net.Socket: it has the methods they call, the facts they print, and its events come in that order.
 *
 *      'connect' 'ready'   'data' ... 'end'   'error'?   'close'
 *
 * What is meant for a network does nothing here, and says so. What is meant for whoever uses the
 * connection works: setTimeout() above all.
 */
import { Duplex } from "node:stream";
import { codedError } from "../process/system-error.ts";
import type { InProcessStream } from "./in-process-stream.ts";
import { realTimers } from "./real-timers.ts";

/** The server's end, as the stream drives it. */
export interface ServerEnd {
  /** The client has written these bytes; `done` asks for more. */
  written(chunk: Buffer, done: (error?: Error) => void): void;
  /** The reader takes more. */
  wanted(): void;
  /** The client sends no more. */
  finished(): void;
  /** The stream is destroyed. */
  gone(): void;
}

/** What CLIENT LIST shows as its address, too. */
const addressText = "inproc";

export class ClientEnd extends Duplex implements InProcessStream {
  readonly autoSelectFamilyAttemptedAddresses: string[] = [];
  readonly server = null;
  readonly #server: ServerEnd;
  #isConnecting = true;
  #timeoutMs = 0;
  #timer: NodeJS.Timeout | undefined;
  #bytesRead = 0;
  #bytesWritten = 0;

  constructor(server: ServerEnd) {
    // As with a socket, 'close' tells whether there was an error; and a client that is told the end
    // is not left with half a connection.
    super({ allowHalfOpen: false, emitClose: false });
    this.#server = server;
    realTimers.nextTick(() => this.#connected());
  }

  get connecting(): boolean {
    return this.#isConnecting && !this.destroyed;
  }

  get pending(): boolean {
    return this.connecting || this.destroyed;
  }

  get readyState(): "opening" | "open" | "readOnly" | "writeOnly" | "closed" {
    if (this.connecting) return "opening";
    const isReadable = this.readable && !this.destroyed;
    const isWritable = this.writable && !this.destroyed;
    if (isReadable) return isWritable ? "open" : "readOnly";
    return isWritable ? "writeOnly" : "closed";
  }

  get remoteAddress(): string | undefined {
    return this.destroyed ? undefined : addressText;
  }

  get remotePort(): number | undefined {
    return this.destroyed ? undefined : 0;
  }

  get remoteFamily(): undefined {
    return undefined;
  }

  // Both ends are in this process.
  get localAddress(): string | undefined {
    return this.remoteAddress;
  }

  get localPort(): number | undefined {
    return this.remotePort;
  }

  get localFamily(): undefined {
    return undefined;
  }

  get bytesRead(): number {
    return this.#bytesRead;
  }

  get bytesWritten(): number {
    return this.#bytesWritten + this.writableLength;
  }

  get bufferSize(): number {
    return this.writableLength;
  }

  get timeout(): number | undefined {
    return this.#timeoutMs === 0 ? undefined : this.#timeoutMs;
  }

  connect(): never {
    throw codedError(
      "EISCONN",
      "connect EISCONN: an in-process stream is connected from the start",
    );
  }

  address(): Record<string, never> {
    return {};
  }

  setNoDelay(): this {
    return this;
  }

  setKeepAlive(): this {
    return this;
  }

  getTypeOfService(): number {
    return 0;
  }

  setTypeOfService(): this {
    return this;
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }

  setTimeout(timeoutMs: number, listener?: () => void): this {
    if (typeof timeoutMs !== "number") throw new TypeError("timeoutMs must be a number");
    if (!(timeoutMs >= 0) || timeoutMs === Number.POSITIVE_INFINITY) {
      throw new RangeError("timeoutMs must be finite and not negative");
    }
    if (this.destroyed) return this;
    this.#timeoutMs = timeoutMs;
    realTimers.clearTimeout(this.#timer);
    this.#timer = undefined;
    if (timeoutMs === 0) {
      if (listener !== undefined) this.removeListener("timeout", listener);
      return this;
    }
    if (listener !== undefined) this.once("timeout", listener);
    this.#timer = realTimers.setTimeout(() => this.emit("timeout"), timeoutMs);
    this.#timer.unref();
    return this;
  }

  destroySoon(): void {
    if (this.writable) this.end();
    if (this.writableFinished) this.destroy();
    else this.once("finish", () => this.destroy());
  }

  resetAndDestroy(): this {
    return this.destroy();
  }

  /** Replies for the reader. False: it has enough for now. */
  received(chunk: Buffer): boolean {
    // Whoever waits for 'connect' sets itself up to read then.
    this.#connected();
    this.#bytesRead += chunk.length;
    this.#timer?.refresh();
    return this.push(chunk);
  }

  override _read(): void {
    this.#server.wanted();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error) => void): void {
    this.#bytesWritten += chunk.length;
    this.#timer?.refresh();
    this.#server.written(chunk, done);
  }

  override _final(done: (error?: Error) => void): void {
    this.#server.finished();
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    realTimers.clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#server.gone();
    done(error);
    // Behind 'error', which is told next.
    realTimers.nextTick(() => this.emit("close", error !== null));
  }

  #connected(): void {
    if (!this.connecting) return;
    this.#isConnecting = false;
    this.emit("connect");
    this.emit("ready");
  }
}
