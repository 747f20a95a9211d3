/**
 * Writing to a socket by way of its handle.
 *
 * The system takes nearly every reply at once. What a stream does around that, for a queue that stays
 * empty (two calls back, one of them in a tick of its own), takes a tenth of a request that is alone in
 * its read. The handle tells at once how far it has come:
 *
 *      handle.writeBuffer(null, bytes) ->  0          the system has all
 *                                          < 0        it cannot be: an error of the system
 *                                          a request  the rest leaves when there is room, then `oncomplete`
 *
 * This is how Node 26.10 itself writes, and documented nowhere. So Node is watched first: one reply
 * goes through the stream, and only where that calls the handle in this form do those after it. With another
 * form all go through the stream, which costs time and nothing else.
 */
import type * as net from "node:net";

/** As Node makes it. Whoever is to hear of its end is written into it. */
interface WriteRequest {
  oncomplete?: (status: number) => void;
  /** Keeps the bytes alive. */
  buffer?: Uint8Array;
  /** The status, where the end came before `oncomplete` was there. */
  writeStatus?: number | null;
}

interface StreamHandle {
  writeBuffer?(request: unknown, bytes: Uint8Array): number | WriteRequest;
}

/** How a write went. */
export const Written = {
  ALL: 0,
  /** The rest leaves later: the bytes must stay as they are till then. */
  PARTLY: 1,
  /** The connection is of no use any more. */
  FAILED: 2,
  /** Nothing was written: the stream has to do it. */
  NOT: 3,
} as const;
export type Written = (typeof Written)[keyof typeof Written];

/** What all sockets of a server share: whether their handles can be used so. */
export class DirectWrites {
  /** Undefined: not seen yet. */
  #isPossible: boolean | undefined;

  /** `left` is called once if the rest leaves later: 0, or below it the system's error. */
  write(socket: net.Socket, bytes: Uint8Array, left: (status: number) => void): Written {
    const handle = (socket as unknown as { _handle: StreamHandle | null })._handle;
    if (typeof handle?.writeBuffer !== "function") return Written.NOT;
    if (this.#isPossible !== true) {
      if (this.#isPossible === undefined) this.#watch(handle);
      return Written.NOT;
    }
    const result = handle.writeBuffer(null, bytes);
    if (result === 0) return Written.ALL;
    if (typeof result === "number") return Written.FAILED;
    result.buffer = bytes;
    result.oncomplete = left;
    const { writeStatus } = result;
    if (typeof writeStatus === "number") return writeStatus < 0 ? Written.FAILED : Written.ALL;
    return Written.PARTLY;
  }

  /** Has the next write of the stream show in what form it calls the handle. */
  #watch(handle: StreamHandle): void {
    const { writeBuffer } = handle;
    if (writeBuffer === undefined || Object.hasOwn(handle, "writeBuffer")) return;
    handle.writeBuffer = (request, bytes) => {
      // The one of all handles is there again.
      delete handle.writeBuffer;
      this.#isPossible ??= request === null;
      return writeBuffer.call(handle, request, bytes);
    };
  }
}
