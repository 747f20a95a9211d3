/**
 * RdbOutput: the items of an RDB file on their way out, with a running checksum.
 *
 * A chunk that is handed over (see chunk-output.ts) is summed before. Strings and lengths are encoded
 * here as format.ts describes.
 */
import { formatInt64, INT64_TEXT_BYTES, Int64, isRangeError, lzf, parseInt64 } from "@kv/core";
import {
  type ByteSink,
  ChunkOutput,
  type ChunkOutputOptions,
  ITEM_BYTES_MAX,
} from "../chunk-output.ts";
import { Crc64 } from "./crc64.ts";
import { COMPRESS_ABOVE_BYTES, LENGTH_32, LENGTH_64, StringEncoding } from "./format.ts";

/** How bytes are written. */
export interface RdbOutputOptions extends ChunkOutputOptions {
  /** Compress strings of more than 20 bytes (rdbcompression). Default true. */
  compress?: boolean;
  /** Keep the checksum (rdbchecksum). Default true. */
  checksum?: boolean;
}

/** The compressor's room is kept up to this size; for larger strings it is made anew. */
const SCRATCH_KEPT_BYTES = 2 ** 20;
/** Compression that saves less is not worth it. */
const SAVED_BYTES_MIN = 4;
/** The byte that tells of compression, two lengths, and what ensureRoom() keeps free. */
const LZF_HEAD_BYTES_MAX = 11 + ITEM_BYTES_MAX;

const number = new Int64();

/** Writes the items of the format into chunks, and hands those to a sink. */
export class RdbOutput extends ChunkOutput {
  /** The sum of all that was flushed; 0 when no checksum is kept. */
  readonly crc = new Crc64();
  private readonly compresses: boolean;
  private readonly sums: boolean;
  private readonly digits = new Uint8Array(INT64_TEXT_BYTES + 4);
  private scratch = new Uint8Array(0);

  constructor(sink: ByteSink, options: RdbOutputOptions = {}) {
    super(sink, options);
    this.compresses = options.compress ?? true;
    this.sums = options.checksum ?? true;
  }

  /** Sums what there is, and hands it to the sink. */
  override flush(): void {
    if (this.sums) this.crc.update(this.chunk, 0, this.used);
    super.flush();
  }

  /** A whole number of at least 0, as a length. */
  length(value: number): void {
    this.ensureRoom();
    const { chunk } = this;
    if (value < 64) {
      chunk[this.used++] = value;
    } else if (value < 16384) {
      chunk[this.used++] = 0x40 | (value >> 8);
      chunk[this.used++] = value;
    } else if (value < 2 ** 32) {
      chunk[this.used++] = LENGTH_32;
      this.bigEndian32(value);
    } else {
      chunk[this.used++] = LENGTH_64;
      this.bigEndian32(Math.floor(value / 2 ** 32));
      this.bigEndian32(value);
    }
  }

  /** An unsigned 64-bit number given as two words, as a length. */
  length64(hi: number, lo: number): void {
    if (hi === 0) {
      this.length(lo >>> 0);
      return;
    }
    this.ensureRoom();
    this.chunk[this.used++] = LENGTH_64;
    this.bigEndian32(hi);
    this.bigEndian32(lo);
  }

  private bigEndian32(value: number): void {
    const { chunk } = this;
    chunk[this.used++] = value >>> 24;
    chunk[this.used++] = value >>> 16;
    chunk[this.used++] = value >>> 8;
    chunk[this.used++] = value;
  }

  /** 64 bits given as two words, low byte first. */
  word64(hi: number, lo: number): void {
    this.ensureRoom();
    this.littleEndian(lo, 4);
    this.littleEndian(hi, 4);
  }

  /** Milliseconds since 1970, as a signed 64-bit number. */
  milliseconds(value: number): void {
    this.word64(Math.floor(value / 2 ** 32) | 0, value | 0);
  }

  private littleEndian(value: number, bytes: number): void {
    for (let i = 0; i < bytes; i++) {
      this.chunk[this.used++] = value;
      value >>= 8;
    }
  }

  /** A string, in the smallest of its forms. `view` covers the same memory as `source`. */
  string(source: Uint8Array, view: DataView, start: number, end: number): void {
    const length = end - start;
    // Eleven characters are the longest 32-bit integer.
    if (length <= 11 && parseInt64(source, start, end, number)) {
      if (number.hi === number.lo >> 31) {
        this.smallInteger(number.lo);
        return;
      }
    } else if (length > COMPRESS_ABOVE_BYTES && this.compresses) {
      if (this.compressed(view, start, end)) return;
    }
    this.length(length);
    this.copy(source, view, start, end);
  }

  /** All of these bytes, as a string. */
  wholeString(bytes: Uint8Array): void {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.string(bytes, view, 0, bytes.length);
  }

  /** A string of `rawBytes` bytes that is compressed already: bytes[start, end) is its LZF. */
  lzf(source: Uint8Array, start: number, end: number, rawBytes: number): void {
    this.lzfHead(end - start, rawBytes);
    this.bytes(source, start, end);
  }

  /** An integer, as a string. */
  integer(hi: number, lo: number): void {
    if (hi === lo >> 31) {
      this.smallInteger(lo);
      return;
    }
    const end = formatInt64(hi, lo, this.digits, 0);
    this.length(end);
    this.bytes(this.digits, 0, end);
  }

  /** The end of a payload: its version, and the sum of all before. Everything has gone to the sink then. */
  footer(version: number): void {
    this.byte(version);
    this.byte(version >> 8);
    this.flush();
    const { hi, lo } = this.crc;
    this.word64(hi, lo);
    this.flush();
  }

  private smallInteger(value: number): void {
    this.ensureRoom();
    let encoding: number = StringEncoding.INT32;
    let bytes = 4;
    if (value >= -128 && value < 128) {
      encoding = StringEncoding.INT8;
      bytes = 1;
    } else if (value >= -32768 && value < 32768) {
      encoding = StringEncoding.INT16;
      bytes = 2;
    }
    this.chunk[this.used++] = 0xc0 | encoding;
    this.littleEndian(value, bytes);
  }

  /** False, with nothing written, when compression does not save at least four bytes. */
  private compressed(source: DataView, start: number, end: number): boolean {
    const length = end - start;
    if ((length + LZF_HEAD_BYTES_MAX) * 2 > this.chunkBytes)
      return this.compressedAside(source, start, end);
    if (this.used + LZF_HEAD_BYTES_MAX + length > this.chunk.length) this.flush();
    // In place, behind the longest head that may be needed.
    const { chunk, view, used } = this;
    const headBytes = 1 + lengthBytes(length - SAVED_BYTES_MIN) + lengthBytes(length);
    const at = used + headBytes;
    const after = lzf.compress(source, start, end, view, at, at + length - SAVED_BYTES_MIN);
    if (after === -1) return false;
    const size = after - at;
    this.lzfHead(size, length);
    if (this.used !== at) chunk.copyWithin(this.used, at, after);
    this.used += size;
    return true;
  }

  /** As compressed(), for what may not fit a chunk. */
  private compressedAside(source: DataView, start: number, end: number): boolean {
    const length = end - start;
    let { scratch } = this;
    if (scratch.length < length) {
      const room = roomFor(length <= SCRATCH_KEPT_BYTES ? length * 2 : length);
      if (room === undefined) return false;
      scratch = room;
      if (length <= SCRATCH_KEPT_BYTES) this.scratch = scratch;
    }
    const target = new DataView(scratch.buffer);
    const size = lzf.compress(source, start, end, target, 0, length - SAVED_BYTES_MIN);
    if (size === -1) return false;
    this.lzfHead(size, length);
    this.bytes(scratch, 0, size);
    return true;
  }

  private lzfHead(size: number, rawBytes: number): void {
    this.byte(0xc0 | StringEncoding.LZF);
    this.length(size);
    this.length(rawBytes);
  }
}

/** Bytes that length() takes for a number below 2^32. */
function lengthBytes(value: number): number {
  return value < 64 ? 1 : value < 16384 ? 2 : 5;
}

/** Undefined when the system has no room: then nothing is compressed, and the file still comes about. */
function roomFor(byteCount: number): Uint8Array<ArrayBuffer> | undefined {
  try {
    return new Uint8Array(byteCount);
  } catch (error) {
    if (isRangeError(error)) return undefined;
    throw error;
  }
}
