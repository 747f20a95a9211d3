/**
 * Taking over the handle of an accepted socket, so that its bytes land in a buffer of our own.
 *
 * Node reads into a fresh Buffer per read unless a socket is made with the `onread` option, and
 * sockets made by a listening server cannot have it. So the accepted socket gives its handle to a
 * new one that does. At one request per read this takes a third off the cost of a request.
 *
 * Two steps are undocumented: the `_handle` property, and the constructor's option `handle`. They
 * are the same in Node 20 to 26; a runtime that lacks either, or is not known to work, reads by
 * 'data' events instead, which costs time and nothing else.
 */
import * as net from "node:net";
import { realTimers } from "./real-timers.ts";

interface Handle {
  readonly fd?: number;
  readStart?: unknown;
  readStop?: unknown;
}

interface HandleOwner {
  _handle: Handle | null;
}

/** The options as Node takes them; its declared types want a Buffer and know no handle. */
interface HandleOptions {
  handle: Handle;
  readable: boolean;
  writable: boolean;
  onread: { buffer: Uint8Array; callback: (count: number) => boolean };
}

/** The major versions of Node on which takeoverSelfTest() is known to pass. */
const knownMajors: readonly number[] = [20, 22, 24, 25, 26];

/** The descriptor behind a socket, or -1 where the runtime does not say. */
export function descriptorOf(socket: net.Socket): number {
  const fd = (socket as unknown as HandleOwner)._handle?.fd;
  return typeof fd === "number" ? fd : -1;
}

/** Whether this runtime needs no test. */
export function isKnownRuntime(versions: NodeJS.ProcessVersions = process.versions): boolean {
  if (versions.bun !== undefined || versions.deno !== undefined) return false;
  return knownMajors.includes(Number.parseInt(versions.node, 10));
}

/**
 * A new, paused socket that owns the accepted socket's handle and calls `arrived` with the number
 * of bytes that are at the front of `buffer`, which says whether to read on at once: otherwise resume()
 * has to follow. Null: not possible here; `accepted` is as it was.
 * The accepted socket must be destroyed some time: its server counts it until then.
 */
export function takeHandle(
  accepted: net.Socket,
  buffer: Uint8Array,
  arrived: (count: number) => boolean,
): net.Socket | null {
  const owner = accepted as unknown as HandleOwner;
  const handle = owner._handle;
  if (typeof handle?.readStart !== "function" || typeof handle.readStop !== "function") return null;
  owner._handle = null;
  const options: HandleOptions = {
    handle,
    readable: true,
    writable: true,
    onread: { buffer, callback: arrived },
  };
  return new net.Socket(options as unknown as net.SocketConstructorOpts);
}

/**
 * Sends a few bytes through a taken-over socket and back on the loopback interface, and looks
 * whether the end of the connection is noticed. For runtimes that are not known.
 */
export function takeoverSelfTest(timeoutMs = 1000): Promise<boolean> {
  return new Promise((resolve) => {
    const question = "ping";
    const buffer = new Uint8Array(64);
    let answer = "";
    const server = net.createServer({ pauseOnConnect: true, noDelay: true });
    const client = new net.Socket();
    const finish = (works: boolean) => {
      realTimers.clearTimeout(timer);
      client.destroy();
      server.close();
      resolve(works);
    };
    const timer = realTimers.setTimeout(() => finish(false), timeoutMs);

    server.on("error", () => finish(false));
    server.on("connection", (accepted) => {
      let socket: net.Socket | null = null;
      try {
        socket = takeHandle(accepted, buffer, (count) => {
          socket?.write(Buffer.from(buffer.subarray(0, count)));
          return true;
        });
      } catch {
        // Whatever is thrown here means the same: not on this runtime.
      }
      if (socket === null) return finish(false);
      socket.on("error", () => finish(false));
      socket.on("close", () => {
        accepted.destroy();
        finish(answer === question);
      });
      socket.resume();
    });
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as net.AddressInfo;
      client.on("error", () => finish(false));
      client.on("data", (data) => {
        answer += data.toString("latin1");
        if (answer.length >= question.length) client.end();
      });
      client.connect(port, "127.0.0.1", () => client.write(question));
    });
  });
}
