/**
 * InProcessStream: what programs see of a connection without a socket. The class behind it is not among
 * the types that they get: a user of `exactOptionalPropertyTypes` would be told that it is no `net.Socket`.
 */
import type { Socket } from "node:net";

/**
 * A connection to a server in the same process: no socket, but with the interface and the events of a
 * `net.Socket`, so that client libraries which let their user open the connection take it as it is. What is
 * written goes to the server at once, or, from within its own `log` or a module, when it is done with what it
 * is at; replies come as `'data'`. `'connect'` and `'ready'` follow when the present code has returned;
 * `'end'` and `'close'` when the server ends the connection or is closed.
 *
 * What belongs to a network does nothing: `setNoDelay()`, `setKeepAlive()`, `setTypeOfService()`. The
 * stream is no handle of the event loop and never keeps a process alive, so `ref()` and `unref()` do
 * nothing either. `bytesRead` and `bytesWritten` count, and `destroySoon()` and `resetAndDestroy()` do
 * what their names say.
 */
export interface InProcessStream extends Socket {
  /** `"inproc"`, which is no address of a network; undefined once destroyed. */
  readonly remoteAddress: string | undefined;
  /** 0, as in the `addr=inproc:0` of CLIENT LIST; undefined once destroyed. */
  readonly remotePort: number | undefined;
  /** Always undefined: the connection belongs to no family of addresses. */
  readonly remoteFamily: string | undefined;
  /** Throws an error with the code `"EISCONN"`: a stream is one connection, from its beginning on. */
  connect(): never;
  /**
   * Emits `'timeout'` when nothing was read or written for `timeoutMs` milliseconds, and again only after
   * something was; 0 switches that off. As with a socket the stream stays open, and the timer keeps no
   * process alive. `listener` is told of the next `'timeout'`. Throws a TypeError unless `timeoutMs` is a
   * number, and a RangeError when it is negative or not finite. The time is real, also while a test has
   * replaced the global timers.
   */
  setTimeout(timeoutMs: number, listener?: () => void): this;
}
