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
 * The engine has two such buffers, one for replies that leave at once and one for those that have
 * waited, and each keeps its views. Other buffers pass through unremembered, unless one of them keeps
 * coming: then the engine has changed a buffer, and the one used longest ago is forgotten.
 */
const LENGTH_MAX = 4096;
/** Sends in a row from one other buffer, after which views are kept for that one. */
const PATIENCE = 16;

/** A buffer, and the views of it by their length. */
interface Known {
  bytes: Uint8Array | null;
  views: (Buffer | undefined)[];
}

export class OutputViews {
  readonly #one: Known = { bytes: null, views: [] };
  readonly #other: Known = { bytes: null, views: [] };
  #latest = this.#one;
  #rival: Uint8Array | null = null;
  #rivalCount = 0;

  /** bytes[start, end) as a Buffer over the same memory. */
  of(bytes: Uint8Array, start: number, end: number): Buffer {
    const known = bytes === this.#one.bytes ? this.#one : this.#other;
    if (bytes === known.bytes) {
      this.#latest = known;
      if (start === 0 && end <= LENGTH_MAX) return (known.views[end] ??= viewOf(bytes, 0, end));
    } else {
      this.#consider(bytes);
    }
    return viewOf(bytes, start, end);
  }

  /** The socket keeps `bytes`: the engine will go on with another buffer. */
  forget(bytes: Uint8Array): void {
    const known = bytes === this.#one.bytes ? this.#one : this.#other;
    if (bytes !== known.bytes) return;
    known.bytes = null;
    known.views = [];
    this.#latest = this.#besides(known);
  }

  #besides(known: Known): Known {
    return known === this.#one ? this.#other : this.#one;
  }

  #consider(bytes: Uint8Array): void {
    if (bytes !== this.#rival) {
      this.#rival = bytes;
      this.#rivalCount = 0;
    }
    const known = this.#besides(this.#latest);
    if (known.bytes !== null && ++this.#rivalCount < PATIENCE) return;
    known.bytes = bytes;
    known.views = new Array<Buffer | undefined>(LENGTH_MAX + 1).fill(undefined);
    this.#latest = known;
    this.#rival = null;
  }
}

function viewOf(bytes: Uint8Array, start: number, end: number): Buffer {
  return Buffer.from(bytes.buffer as ArrayBuffer, bytes.byteOffset + start, end - start);
}
