/**
 * OutputViews: the Buffers through which short replies leave.
 *
 * `socket.write` wants a Buffer, and making one costs more than the write's own JavaScript. The
 * engine writes nearly all replies to the front of one buffer, so a view of its first n bytes is
 * made once for every n and then used for ever:
 *
 *      engine's buffer   [ +OK\r\n . . . . . . . . . . ]
 *      views[5]            ^^^^^^^
 *
 * The views belong to one buffer at a time. Other buffers pass through unremembered, unless one of
 * them keeps coming: then the engine has changed its buffer.
 */
const lengthMax = 4096;
/** Sends in a row from one other buffer, after which the views are made for that one. */
const patience = 16;

export class OutputViews {
  #bytes: Uint8Array | null = null;
  #views: (Buffer | undefined)[] = [];
  #rival: Uint8Array | null = null;
  #rivalCount = 0;

  /** bytes[start, end) as a Buffer over the same memory. */
  of(bytes: Uint8Array, start: number, end: number): Buffer {
    if (bytes === this.#bytes) {
      if (start === 0 && end <= lengthMax) return (this.#views[end] ??= viewOf(bytes, 0, end));
    } else {
      this.#consider(bytes);
    }
    return viewOf(bytes, start, end);
  }

  /** The socket keeps `bytes`: the engine will go on with another buffer. */
  forget(bytes: Uint8Array): void {
    if (bytes !== this.#bytes) return;
    this.#bytes = null;
    this.#views = [];
  }

  #consider(bytes: Uint8Array): void {
    if (bytes !== this.#rival) {
      this.#rival = bytes;
      this.#rivalCount = 0;
    }
    if (this.#bytes !== null && ++this.#rivalCount < patience) return;
    this.#bytes = bytes;
    this.#views = new Array<Buffer | undefined>(lengthMax + 1).fill(undefined);
    this.#rival = null;
  }
}

function viewOf(bytes: Uint8Array, start: number, end: number): Buffer {
  return Buffer.from(bytes.buffer as ArrayBuffer, bytes.byteOffset + start, end - start);
}
