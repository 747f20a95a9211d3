/**
 * Bulk: what is done to every byte of a file, in WebAssembly: checksums and compression. There a number can
 * have 64 bits, and nothing has to be learnt about its type first: that takes a third to a half of the time
 * that JavaScript takes, and much less at the beginning. The routines are written in bulk.wat.
 *
 *      memory       0   tables of CRC-64                           16 KiB
 *               16384   LZF: where three bytes were last seen      32 KiB
 *               49152   INPUT:  what is worked on                  64 KiB, and some bytes that are read too far
 *              114752   OUTPUT: what became of it                  68 KiB, and some that are written too far
 *              184448   SUM:    a checksum under way                8 bytes
 *
 * Bytes are copied there and back, which is quick beside the work. The results are to the last bit those
 * of JavaScript, which does the work where there is no WebAssembly: `node --jitless` has none, and a web
 * page may forbid it.
 */
import { bulkModuleHex } from "./bulk-module.ts";

const INPUT = 49152;
const OUTPUT = 114752;
const SUM = 184448;
const PIECE_BYTES_MAX = 64 * 1024;
/** What so many bytes become at the most, when nothing repeats itself: one more for each 32. */
const OUTPUT_BYTES_MAX = 68 * 1024;
/** From here on it is quicker to have the system copy. */
const COPIED_BY_SYSTEM_BYTES_MIN = 256;

interface Routines {
  readonly memory: { readonly buffer: ArrayBuffer };
  makeTables(): void;
  crc64(sumAt: number, start: number, end: number): void;
  compress(start: number, end: number, at: number, limit: number): number;
  decompress(start: number, end: number, at: number, stop: number): number;
}

interface WebAssemblyOfHost {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object) => { readonly exports: unknown };
}

/** The routines. */
export interface Bulk {
  /** Lower half of the sum that crc64() left. */
  readonly crcLo: number;
  /** Upper half of it. */
  readonly crcHi: number;

  /** Whether so many bytes can be compressed in one go, or come of it. */
  fits(byteCount: number): boolean;

  /** Goes on with a CRC-64 of Redis over bytes[start, end); the sum is then in crcHi and crcLo. */
  crc64(lo: number, hi: number, bytes: Uint8Array, start: number, end: number): void;

  /** As compress() of lzf.ts, of bytes that fit. */
  compress(
    source: DataView,
    start: number,
    end: number,
    target: DataView,
    at: number,
    limit: number,
  ): number;

  /** As decompress() of lzf.ts, when the bytes fit, and what they stand for. */
  decompress(
    source: DataView,
    start: number,
    end: number,
    target: DataView,
    length: number,
  ): boolean;
}

/** Has them done by WebAssembly, in its memory. */
class BulkInWebAssembly implements Bulk {
  crcLo = 0;
  crcHi = 0;
  private readonly routines: Routines;
  private readonly bytes: Uint8Array;
  private readonly words: Int32Array;
  private readonly view: DataView;

  /** Throws what WebAssembly throws where it is not allowed. */
  constructor({ Module, Instance }: WebAssemblyOfHost) {
    this.routines = new Instance(new Module(bytesOfHex(bulkModuleHex))).exports as Routines;
    const { buffer } = this.routines.memory;
    this.bytes = new Uint8Array(buffer);
    this.words = new Int32Array(buffer);
    this.view = new DataView(buffer);
    this.routines.makeTables();
  }

  fits(byteCount: number): boolean {
    return byteCount <= PIECE_BYTES_MAX;
  }

  crc64(lo: number, hi: number, bytes: Uint8Array, start: number, end: number): void {
    const { words, routines } = this;
    words[SUM / 4] = lo;
    words[SUM / 4 + 1] = hi;
    for (let at = start; at < end; at += PIECE_BYTES_MAX) {
      const piece = bytes.subarray(at, Math.min(end, at + PIECE_BYTES_MAX));
      this.bytes.set(piece, INPUT);
      routines.crc64(SUM, INPUT, INPUT + piece.length);
    }
    this.crcLo = words[SUM / 4];
    this.crcHi = words[SUM / 4 + 1];
  }

  compress(
    source: DataView,
    start: number,
    end: number,
    target: DataView,
    at: number,
    limit: number,
  ): number {
    const length = end - start;
    copy(source, start, this.view, INPUT, length);
    const limitHere = OUTPUT + Math.min(limit - at, OUTPUT_BYTES_MAX);
    const after = this.routines.compress(INPUT, INPUT + length, OUTPUT, limitHere);
    if (after === -1) return -1;
    copy(this.view, OUTPUT, target, at, after - OUTPUT);
    return at + after - OUTPUT;
  }

  decompress(
    source: DataView,
    start: number,
    end: number,
    target: DataView,
    length: number,
  ): boolean {
    copy(source, start, this.view, INPUT, end - start);
    const inputEnd = INPUT + end - start;
    if (this.routines.decompress(INPUT, inputEnd, OUTPUT, OUTPUT + length) === 0) return false;
    copy(this.view, OUTPUT, target, 0, length);
    return true;
  }
}

/** Undefined: not tried yet. Null: there is no WebAssembly here. */
let made: Bulk | null | undefined;

/** The routines, made when they are first asked for; null where they cannot be had. */
export function bulk(): Bulk | null {
  if (made === undefined) made = make();
  return made;
}

function make(): Bulk | null {
  const { WebAssembly } = globalThis as { WebAssembly?: WebAssemblyOfHost };
  if (WebAssembly === undefined) return null;
  try {
    return new BulkInWebAssembly(WebAssembly);
  } catch {
    return null;
  }
}

function copy(source: DataView, at: number, target: DataView, to: number, count: number): void {
  if (count >= COPIED_BY_SYSTEM_BYTES_MIN) {
    const piece = new Uint8Array(source.buffer, source.byteOffset + at, count);
    new Uint8Array(target.buffer, target.byteOffset + to, count).set(piece);
    return;
  }
  const wordsEnd = at + (count & ~7);
  const distance = to - at;
  for (; at < wordsEnd; at += 8)
    target.setBigInt64(at + distance, source.getBigInt64(at, true), true);
  for (const end = to - distance + count; at < end; at++)
    target.setUint8(at + distance, source.getUint8(at));
}

function bytesOfHex(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length / 2);
  for (let i = 0; i < bytes.length; i++)
    bytes[i] = Number.parseInt(text.slice(2 * i, 2 * i + 2), 16);
  return bytes;
}
