/**
 * OutputQueue: replies of a client that does not read them as fast as they come.
 *
 * Thousands of short replies share one chunk, so that what waits costs what it is long and not an
 * object each; a chunk is as long as all before it together, between 1 KiB and 64 MiB. A buffer
 * that was given away whole is queued as it is. Whoever takes a chunk owns it, and frees it.
 *
 *      [ full chunk ] [ given buffer ] [ open chunk: replies | free ]
 *      ^ take()                                              ^ append()
 */
import { release } from "@kv/resp";

const CHUNK_BYTES_MIN = 1024;
/** Of a longer chunk the end is untouched memory, which costs nothing. */
const FREE_BYTES_COUNTED = 16 * 1024;
const CHUNK_BYTES_MAX = 2 ** 26;

export class OutputQueue {
  /** Bytes that wait. */
  length = 0;
  readonly #chunks: Uint8Array[] = [];
  #first = 0;
  /** The chunk that is being filled, and how far; it follows all others. */
  #open: Uint8Array | null = null;
  #openLength = 0;

  /** Bytes of memory that the queue takes. */
  get heldBytes(): number {
    const free = this.#open === null ? 0 : this.#open.length - this.#openLength;
    return this.length + Math.min(free, FREE_BYTES_COUNTED);
  }

  /** Adds a copy of bytes[start, end). */
  append(bytes: Uint8Array, start: number, end: number): void {
    let from = start;
    while (from < end) {
      if (this.#open === null) {
        this.#open = new Uint8Array(
          Math.min(CHUNK_BYTES_MAX, Math.max(CHUNK_BYTES_MIN, this.length)),
        );
        this.#openLength = 0;
      }
      const count = Math.min(end - from, this.#open.length - this.#openLength);
      this.#open.set(bytes.subarray(from, from + count), this.#openLength);
      this.#openLength += count;
      this.length += count;
      from += count;
      if (this.#openLength === this.#open.length) this.#close();
    }
  }

  /** Adds a buffer that is nobody else's. */
  give(bytes: Uint8Array): void {
    this.#close();
    this.#chunks.push(bytes);
    this.length += bytes.length;
  }

  /** The next bytes to send, for good; undefined when there are none. */
  take(): Uint8Array | undefined {
    if (this.#first === this.#chunks.length) this.#close();
    const chunk = this.#chunks[this.#first];
    if (chunk === undefined) return undefined;
    this.#first++;
    if (this.#first === this.#chunks.length) {
      this.#chunks.length = 0;
      this.#first = 0;
    } else if (this.#first === 1024) {
      this.#chunks.splice(0, 1024);
      this.#first = 0;
    }
    this.length -= chunk.length;
    return chunk;
  }

  /** Nobody will read what waits. */
  clear(): void {
    for (let chunk = this.take(); chunk !== undefined; chunk = this.take()) release(chunk);
  }

  #close(): void {
    if (this.#open === null) return;
    this.#chunks.push(this.#open.subarray(0, this.#openLength));
    this.#open = null;
  }
}
