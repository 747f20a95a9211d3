/**
 * ChunkOutput: bytes on their way to a sink, in chunks.
 *
 * What is written collects in a chunk; a full one is handed to the sink, which owns it from then on and
 * may give it back through recycle() when it has done with it. So nothing is allocated per key. What the
 * bytes say is the business of who extends this: an RDB file (rdb/output.ts) or commands
 * (aof/command-output.ts).
 */

/** Takes bytes[start, end). The whole array is the sink's from then on. */
export type ByteSink = (bytes: Uint8Array, start: number, end: number) => void;

/** How bytes are written. */
export interface ChunkOutputOptions {
  /** Size of the chunks. Default 64 KiB. */
  chunkBytes?: number;
}

/** No fixed-size item is longer than this, so one look at the room left is enough. */
export const ITEM_BYTES_MAX = 32;
const CHUNK_BYTES = 65536;
const SPARE_CHUNKS_MAX = 8;
/** Up to this many bytes a loop beats the call into the runtime. */
const SHORT_COPY = 24;
/** Up to this many bytes a loop of words does. */
const WORDS_COPY = 192;
const WORD = 4;

/** Collects bytes in chunks, and hands those to a sink. */
export class ChunkOutput {
  /** @internal Size of the chunks. */
  protected readonly chunkBytes: number;
  /** @internal The bytes that the sink does not have yet, and room for more. */
  protected chunk: Uint8Array;
  /** @internal A view over the memory of the chunk. */
  protected view: DataView;
  /** @internal How many bytes of the chunk the sink does not have yet. */
  protected used = 0;
  private readonly sink: ByteSink;
  private flushedBytes = 0;
  private readonly spare: Uint8Array[] = [];

  constructor(sink: ByteSink, options: ChunkOutputOptions = {}) {
    this.sink = sink;
    this.chunkBytes = Math.max(options.chunkBytes ?? CHUNK_BYTES, 2 * ITEM_BYTES_MAX);
    this.chunk = new Uint8Array(this.chunkBytes);
    this.view = new DataView(this.chunk.buffer);
  }

  /** Bytes written so far, handed over or not. */
  get writtenBytes(): number {
    return this.flushedBytes + this.used;
  }

  /** Hands what there is to the sink. */
  flush(): void {
    const { chunk, used } = this;
    if (used === 0) return;
    this.flushedBytes += used;
    this.used = 0;
    const next = this.spare.pop() ?? new Uint8Array(this.chunkBytes);
    this.chunk = next;
    this.view = new DataView(next.buffer, next.byteOffset, next.length);
    this.sink(chunk, 0, used);
  }

  /** Takes back a chunk that the sink has done with. */
  recycle(chunk: Uint8Array): void {
    if (chunk.length === this.chunkBytes && this.spare.length < SPARE_CHUNKS_MAX) {
      this.spare.push(chunk);
    }
  }

  /** @internal From here on an item of up to ITEM_BYTES_MAX fits the chunk. */
  protected ensureRoom(): void {
    if (this.used + ITEM_BYTES_MAX > this.chunk.length) this.flush();
  }

  /** Writes one byte. */
  byte(value: number): void {
    this.ensureRoom();
    this.chunk[this.used++] = value;
  }

  /** bytes[start, end) as they are, through as many chunks as it takes. */
  bytes(source: Uint8Array, start: number, end: number): void {
    if (end - start <= SHORT_COPY) {
      this.ensureRoom();
      const { chunk } = this;
      let { used } = this;
      for (let i = start; i < end; i++) chunk[used++] = source[i];
      this.used = used;
      return;
    }
    while (start < end) {
      if (this.used === this.chunk.length) this.flush();
      const part = Math.min(end - start, this.chunk.length - this.used);
      this.chunk.set(source.subarray(start, start + part), this.used);
      this.used += part;
      start += part;
    }
  }

  /** @internal As bytes(), word by word where there is room to go a little too far. `from` is over the same memory. */
  protected copy(source: Uint8Array, from: DataView, start: number, end: number): void {
    const { view, used } = this;
    const length = end - start;
    if (
      length > WORDS_COPY ||
      used + length + WORD > this.chunk.length ||
      end + WORD > source.length
    ) {
      this.bytes(source, start, end);
      return;
    }
    for (let i = 0; i < length; i += WORD)
      view.setInt32(used + i, from.getInt32(start + i, true), true);
    this.used = used + length;
  }
}
