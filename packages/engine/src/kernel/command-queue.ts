/**
 * CommandQueue: the requests of a client in MULTI, until EXEC runs them.
 *
 * They lie in blocks of the arena, where `maxmemory` sees every byte of them at once: ten million
 * PINGs are 400 MB of blocks and not ten million objects. EXEC runs them where they lie.
 *
 *      chunk    [ record | record | record |      free      ]    each about as long as all before
 *      record   word 0: command (CommandRow.id)   1: number of words   2: bytes of the request
 *               then start and end of each word, counted from the request; then the request as RESP
 *
 * Blocks that the key table does not know are never moved, so the offsets stay good while commands
 * run. push() adds a request or, when the arena is full, throws and adds nothing.
 */
import type { Call, CommandRow } from "@kv/commands";
import { type Arena, type Ref, SEGMENT_SHIFT, UNIT_MASK } from "@kv/core";
import { type ArgVector, encodeRequest } from "@kv/resp";

const HEADER_BYTES = 12;
const CHUNK_BYTES_MIN = 256;
const CHUNK_BYTES_MAX = 2 ** 20;

interface Chunk {
  readonly ref: Ref;
  readonly capacity: number;
  /** Bytes in use. */
  length: number;
}

/**
 * The requests of one client in MULTI: see the head of this file. To be freed by whoever ends it.
 */
export class CommandQueue {
  /** Requests in the queue. */
  count = 0;
  /** Bytes of the blocks that they lie in. */
  heldBytes = 0;
  private readonly arena: Arena;
  private chunks: Chunk[] = [];
  /** Where next() goes on. */
  private chunkIndex = 0;
  private offset = 0;

  constructor(arena: Arena) {
    this.arena = arena;
  }

  /** Keeps the request that `call` points at. Throws ArenaFullError. */
  push(row: CommandRow, call: Call): void {
    const { args, requestIndex } = call;
    if (args.inline[requestIndex] === 1) {
      this.pushInline(row, call);
      return;
    }
    const start = args.requestStart[requestIndex] as number;
    const end = args.requestEnd[requestIndex] as number;
    const words = this.begin(row, call.argc, end - start);
    let at = this.wordIndex + 3;
    for (let index = 0; index < call.argc; index++) {
      words[at++] = call.start(index) - start;
      words[at++] = call.end(index) - start;
    }
    this.finish(call.argc, call.bytes, start, end);
  }

  /** A line of text is kept as the RESP that it stands for: that is what is propagated. */
  private pushInline(row: CommandRow, call: Call): void {
    this.pushWords(
      row,
      Array.from({ length: call.argc }, (_, index) => call.argument(index)),
    );
  }

  /** As push(), with other words in the places of some. Throws ArenaFullError. */
  pushRewritten(row: CommandRow, call: Call, rewritten: ReadonlyMap<number, string>): void {
    this.pushWords(
      row,
      Array.from({ length: call.argc }, (_, index) => rewritten.get(index) ?? call.argument(index)),
    );
  }

  private pushWords(row: CommandRow, given: readonly (string | Uint8Array)[]): void {
    const argc = given.length;
    const bytes = encodeRequest(given);
    const words = this.begin(row, argc, bytes.length);
    let at = this.wordIndex + 3;
    let start = `*${argc}\r\n`.length;
    for (const word of given) {
      const { length } = word;
      start += `$${length}\r\n`.length;
      words[at++] = start;
      words[at++] = start + length;
      start += length + 2;
    }
    this.finish(argc, bytes, 0, bytes.length);
  }

  /** Makes room for a record, and writes its header. Returns the words that it lies in. */
  private begin(row: CommandRow, argc: number, requestBytes: number): Int32Array {
    const bytes = HEADER_BYTES + argc * 8 + requestBytes;
    const last = this.chunks[this.chunks.length - 1];
    if (last === undefined || last.length + bytes > last.capacity) this.addChunk(bytes);
    const { ref } = this.chunks[this.chunks.length - 1] as Chunk;
    const words = this.arena.words[ref >>> SEGMENT_SHIFT] as Int32Array;
    const at = this.wordIndex;
    words[at] = row.id;
    words[at + 1] = argc;
    words[at + 2] = requestBytes;
    return words;
  }

  /** Index, in the words of its segment, of the record that is being written. */
  private get wordIndex(): number {
    const { ref, length } = this.chunks[this.chunks.length - 1] as Chunk;
    return ((ref & UNIT_MASK) << 1) + (length >>> 2);
  }

  private addChunk(atLeastBytes: number): void {
    const wanted = Math.min(CHUNK_BYTES_MAX, Math.max(CHUNK_BYTES_MIN, this.heldBytes));
    const ref = this.arena.alloc(Math.max(wanted, atLeastBytes));
    const capacity = this.arena.blockBytes(ref);
    this.chunks.push({ ref, capacity, length: 0 });
    this.heldBytes += capacity;
  }

  private finish(argc: number, bytes: Uint8Array, start: number, end: number): void {
    const chunk = this.chunks[this.chunks.length - 1] as Chunk;
    const offset = HEADER_BYTES + argc * 8;
    this.arena.write(chunk.ref, chunk.length + offset, bytes, start, end);
    // Words of 32 bits: the next record begins at one.
    chunk.length = Math.min(chunk.capacity, (chunk.length + offset + (end - start) + 3) & ~3);
    this.count++;
  }

  /** next() begins again with the first request. */
  rewind(): void {
    this.chunkIndex = 0;
    this.offset = 0;
  }

  /**
   * Makes `batch` a batch of just the next request, and returns the id of its command; -1 at the
   * end. The batch is good until the queue is freed.
   */
  next(batch: ArgVector): number {
    let chunk = this.chunks[this.chunkIndex];
    if (chunk !== undefined && this.offset === chunk.length) {
      chunk = this.chunks[++this.chunkIndex];
      this.offset = 0;
    }
    if (chunk === undefined) return -1;
    const { ref } = chunk;
    const words = this.arena.words[ref >>> SEGMENT_SHIFT] as Int32Array;
    const at = ((ref & UNIT_MASK) << 1) + (this.offset >>> 2);
    const argc = words[at + 1] as number;
    const requestBytes = words[at + 2] as number;
    const offset = this.offset + HEADER_BYTES + argc * 8;
    const start = ((ref & UNIT_MASK) << 3) + offset;
    batch.clear();
    batch.bytes = this.arena.bytes[ref >>> SEGMENT_SHIFT] as Uint8Array;
    batch.view = this.arena.views[ref >>> SEGMENT_SHIFT] as DataView;
    for (let index = 0, word = at + 3; index < argc; index++, word += 2)
      batch.pushArgument(start + (words[word] as number), start + (words[word + 1] as number));
    batch.pushCommand(0, start, start + requestBytes, 0);
    this.offset = Math.min(chunk.capacity, (offset + requestBytes + 3) & ~3);
    return words[at] as number;
  }

  /** Gives the blocks back; the queue is empty afterwards. */
  free(): void {
    for (const { ref } of this.chunks) this.arena.free(ref);
    this.chunks = [];
    this.count = 0;
    this.heldBytes = 0;
    this.rewind();
  }
}
