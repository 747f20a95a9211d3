/**
 * InProcessStream: the client's end of a connection that has no socket. Client libraries hold it for a
 * net.Socket: it has the methods they call, the facts they print, and its events come in that order.
 *
 *      'connect' 'ready'   'data' ... 'end'   'error'?   'close'
 *
 * What is meant for a network does nothing here, and says so. What is meant for whoever uses the
 * connection works: setTimeout() above all.
 */
import { Duplex } from "node:stream";
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

/** What INFO and CLIENT LIST show as its address, too. */
const addressText = "inproc";

/**
 * A connection to a server in the same process, as a stream with the interface of `net.Socket`: client
 * libraries that let their user open the connection take it as it is. What is written goes to the server at
 * once; replies come as `'data'`. It ends, with `'end'` and `'close'`, when the server closes it or is
 * closed itself. It is no handle of the event loop, so it never keeps a process alive.
 */
export class InProcessStream extends Duplex {
  readonly #server: ServerEnd;
  #isConnecting = true;
  #timeoutMs = 0;
  #timer: NodeJS.Timeout | undefined;
  #bytesRead = 0;
  #bytesWritten = 0;

  /** @internal Streams come from a server's connect(). */
  constructor(server: ServerEnd) {
    // As with a socket, 'close' tells whether there was an error; and a client that is told the end
    // is not left with half a connection.
    super({ allowHalfOpen: false, emitClose: false });
    this.#server = server;
    realTimers.nextTick(() => this.#connected());
  }

  /** True until `'connect'`, which comes once the present code has returned. */
  get connecting(): boolean {
    return this.#isConnecting && !this.destroyed;
  }

  /** The same as `connecting`: a connection is never asked for twice. */
  get pending(): boolean {
    return this.connecting;
  }

  /** The state in one word, as `net.Socket` has it. */
  get readyState(): "opening" | "open" | "readOnly" | "writeOnly" | "closed" {
    if (this.connecting) return "opening";
    const isReadable = this.readable && !this.destroyed;
    const isWritable = this.writable && !this.destroyed;
    if (isReadable) return isWritable ? "open" : "readOnly";
    return isWritable ? "writeOnly" : "closed";
  }

  /** `"inproc"`, which is no address of a network; undefined once destroyed. */
  get remoteAddress(): string | undefined {
    return this.destroyed ? undefined : addressText;
  }

  /** Always 0, as in the `addr=inproc:0` of CLIENT LIST; undefined once destroyed. */
  get remotePort(): number | undefined {
    return this.destroyed ? undefined : 0;
  }

  /** Always undefined: the connection belongs to no family of addresses. */
  get remoteFamily(): string | undefined {
    return undefined;
  }

  /** Like `remoteAddress`: both ends are in this process. */
  get localAddress(): string | undefined {
    return this.remoteAddress;
  }

  /** Like `remotePort`. */
  get localPort(): number | undefined {
    return this.remotePort;
  }

  /** Always undefined, like `remoteFamily`. */
  get localFamily(): string | undefined {
    return undefined;
  }

  /** Bytes of replies that the server has handed over, read or not. */
  get bytesRead(): number {
    return this.#bytesRead;
  }

  /** Bytes of requests that were written, with those that wait. */
  get bytesWritten(): number {
    return this.#bytesWritten + this.writableLength;
  }

  /** Bytes that were written and that the server has not taken yet: the same as `writableLength`. */
  get bufferSize(): number {
    return this.writableLength;
  }

  /** Milliseconds of idleness until `'timeout'`, as set by `setTimeout()`; undefined without. */
  get timeout(): number | undefined {
    return this.#timeoutMs === 0 ? undefined : this.#timeoutMs;
  }

  /** An object without fields, as a socket gives that is bound to no address. */
  address(): Record<string, never> {
    return {};
  }

  /** Nothing is delayed here, so there is nothing to set. */
  setNoDelay(_noDelay?: boolean): this {
    return this;
  }

  /** No network can lose this connection, so there is nothing to probe. */
  setKeepAlive(_enable?: boolean, _initialDelayMs?: number): this {
    return this;
  }

  /** Does nothing: the server keeps the process alive, see its `ref()`, and a stream of it does not. */
  ref(): this {
    return this;
  }

  /** Does nothing, for the same reason as `ref()`. */
  unref(): this {
    return this;
  }

  /**
   * Emits `'timeout'` whenever nothing was read or written for `timeoutMs` milliseconds; 0 switches that
   * off. As with a socket the stream stays open, and the timer keeps no process alive. `listener` is told of
   * the next `'timeout'`. Throws a TypeError unless `timeoutMs` is a number, and a RangeError when it is negative or
   * not finite. The time is real, also while a test has replaced the global timers.
   */
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

  /** Ends the stream, and destroys it as soon as all that was written has been taken. */
  destroySoon(): void {
    if (this.writable) this.end();
    if (this.writableFinished) this.destroy();
    else this.once("finish", () => this.destroy());
  }

  /** The same as `destroy()`: there is nothing that could be reset. */
  resetAndDestroy(): this {
    return this.destroy();
  }

  /** @internal Replies for the reader. False: it has enough for now. */
  received(chunk: Buffer): boolean {
    // Whoever waits for 'connect' sets itself up to read then.
    this.#connected();
    this.#bytesRead += chunk.length;
    this.#timer?.refresh();
    return this.push(chunk);
  }

  /** @internal */
  override _read(): void {
    this.#server.wanted();
  }

  /** @internal */
  override _write(
    chunk: Buffer,
    _encoding: BufferEncoding,
    done: (error?: Error | null) => void,
  ): void {
    this.#bytesWritten += chunk.length;
    this.#timer?.refresh();
    this.#server.written(chunk, done);
  }

  /** @internal */
  override _final(done: (error?: Error | null) => void): void {
    this.#server.finished();
    done();
  }

  /** @internal */
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
