/**
 * RdbInput: a window on received bytes, read item by item.
 *
 * An item is a byte, a fixed-size number, a length or a string. Reading one either moves `at`
 * behind it and returns OK, or leaves what it found to the caller: MORE, when its bytes have not
 * all arrived (`needBytes` says how many from `mark` on would be enough for the next try), or BAD,
 * when no bytes to come can make it right (`failure` says why). The caller then goes back to a
 * place of its choice. No length that is read makes anything be allocated before as many bytes
 * have come, or compressed bytes that really stand for so many.
 */
import {
  ArenaFullError,
  formatInt64,
  INT64_TEXT_BYTES,
  isRangeError,
  lzf,
  parseScore,
} from "@kv/core";
import { LENGTH_32, LENGTH_64, StringEncoding } from "./format.ts";

/** What came of reading something. */
export const Status = {
  OK: 0,
  /** The bytes end in the middle of it. */
  MORE: 1,
  /** It is malformed. */
  BAD: 2,
  /** A part of it is done, the rest follows: only for values that come in several steps. */
  PART: 3,
  /** It is well-formed and holds nothing: a collection without elements. */
  EMPTY: 4,
} as const;
/** What became of an attempt to read: one of the numbers in Status. */
export type Status = (typeof Status)[keyof typeof Status];

/** No string may be longer: it would not fit a block of the arena. */
const STRING_BYTES_MAX = 2 ** 30 - 4096;
const BAD_LZF = "Invalid LZF compressed string";
const tooLong = (length: number) => `A string of ${length} bytes is too long`;
const unknownEncoding = (encoding: number) => `Unknown RDB string encoding type ${encoding}`;
/** The room for decompressing is kept up to this size. */
const SCRATCH_KEPT_BYTES = 2 ** 20;

const NO_BYTES = new Uint8Array(0);
const NO_VIEW = new DataView(NO_BYTES.buffer);

/** Room for so many bytes. Throws ArenaFullError when the system has none. */
export function allocate(byteCount: number): Uint8Array<ArrayBuffer> {
  try {
    return new Uint8Array(byteCount);
  } catch (error) {
    if (isRangeError(error)) throw new ArenaFullError(`no room for ${byteCount} bytes`);
    throw error;
  }
}

/** A string that was read: bytes[start, end), with a view over the same memory. */
export class RdbString {
  /** The bytes in which the text lies. */
  bytes: Uint8Array;
  /** A view over the memory of `bytes`. */
  view: DataView;
  /** Index of the text's first byte. */
  start = 0;
  /** Index behind the text's last byte. */
  end = 0;
  private readonly digits = new Uint8Array(INT64_TEXT_BYTES + 4);
  private readonly digitsView = new DataView(this.digits.buffer);
  private scratch = NO_BYTES;
  private scratchView = NO_VIEW;

  constructor() {
    this.bytes = this.digits;
    this.view = this.digitsView;
  }

  /** Bytes of the text. */
  get length(): number {
    return this.end - this.start;
  }

  /** Makes this the string bytes[start, end), which stays where it is. */
  set(bytes: Uint8Array, view: DataView, start: number, end: number): void {
    this.bytes = bytes;
    this.view = view;
    this.start = start;
    this.end = end;
  }

  /** @internal Makes this the decimal text of a 32-bit integer. */
  setInteger(value: number): void {
    this.bytes = this.digits;
    this.view = this.digitsView;
    this.start = 0;
    this.end = formatInt64(value >> 31, value, this.digits, 0);
  }

  /** @internal False when the bytes are not what `length` bytes compress to. */
  setCompressed(
    source: Uint8Array,
    view: DataView,
    start: number,
    end: number,
    length: number,
  ): boolean {
    let { scratch, scratchView } = this;
    if (scratch.length < length) {
      if (length > SCRATCH_KEPT_BYTES) {
        // So much room is not made for a promise: the instructions must lead there.
        const walk = new lzf.LzfWalk(length);
        walk.go(source, start, end, true);
        if (!walk.isComplete) return false;
        scratch = allocate(length);
        scratchView = new DataView(scratch.buffer);
      } else {
        scratch = new Uint8Array(Math.min(length * 2, SCRATCH_KEPT_BYTES));
        scratchView = new DataView(scratch.buffer);
        this.scratch = scratch;
        this.scratchView = scratchView;
      }
    }
    this.bytes = scratch;
    this.view = scratchView;
    this.start = 0;
    this.end = length;
    return lzf.decompress(view, start, end, scratchView, length);
  }
}

/** A cursor over the bytes of a chunk: each method reads one item, or says what it lacks. */
export class RdbInput {
  /** The chunk. */
  bytes: Uint8Array = new Uint8Array(0);
  /** A view over the memory of `bytes`. */
  view = new DataView(this.bytes.buffer);
  /** Index of the next byte to read. */
  at = 0;
  /** Index behind the last byte that is there. */
  end = 0;
  /** Where the present try began: what `needBytes` counts from. */
  mark = 0;
  /** After MORE: so many bytes from `mark` on would do. */
  needBytes = 0;
  /** How far the last try that ended in MORE came. */
  reachedAt = 0;
  /** After BAD: what is wrong. */
  failure = "";
  /** What failed may be good, and is not for this server. */
  isForeign = false;
  /** The number that byte(), length(), word32() or milliseconds() read. */
  number = 0;
  /** Of the string that peekString() found: where its data begins. */
  dataAt = 0;
  /** Bytes of its data in the file. */
  dataBytes = 0;
  /** Whether its data is LZF. */
  isCompressed = false;
  /** Upper 32 bits of what word64() or the longest form of length() read. */
  hi = 0;
  /** Lower 32 bits of the same. */
  lo = 0;
  /** A scratch string, for what is read and not kept. */
  readonly ignored = new RdbString();

  /** Looks at bytes[start, end) from now on. `view` covers the same memory as `bytes`. */
  attach(bytes: Uint8Array, view: DataView, start: number, end: number): void {
    this.bytes = bytes;
    this.view = view;
    this.at = start;
    this.end = end;
    this.mark = start;
    this.needBytes = 0;
    this.reachedAt = start;
  }

  /** What was read so far is done with: the next try begins here. */
  moveMark(): void {
    this.needBytes -= this.at - this.mark;
    this.mark = this.at;
  }

  /** The bytes are malformed, for this reason. Returns BAD. */
  bad(failure: string): Status {
    this.failure = failure;
    return Status.BAD;
  }

  /** As bad(), for bytes that another server could read. */
  refuse(failure: string): Status {
    this.isForeign = true;
    return this.bad(failure);
  }

  private more(untilAt: number): Status {
    this.reachedAt = this.at;
    this.needBytes = untilAt - this.mark;
    return Status.MORE;
  }

  /** Reads a byte into `number`. */
  byte(): Status {
    if (this.at >= this.end) return this.more(this.at + 1);
    this.number = this.bytes[this.at++];
    return Status.OK;
  }

  /** A signed 32-bit number, low byte first. */
  word32(): Status {
    if (this.at + 4 > this.end) return this.more(this.at + 4);
    this.number = this.view.getInt32(this.at, true);
    this.at += 4;
    return Status.OK;
  }

  /** Reads 8 bytes, low ones first, into `hi` and `lo`. */
  word64(): Status {
    if (this.at + 8 > this.end) return this.more(this.at + 8);
    this.lo = this.view.getInt32(this.at, true);
    this.hi = this.view.getInt32(this.at + 4, true);
    this.at += 8;
    return Status.OK;
  }

  /** Signed milliseconds; exact up to 2^53. */
  milliseconds(): Status {
    const status = this.word64();
    this.number = this.hi * 2 ** 32 + (this.lo >>> 0);
    return status;
  }

  /** Passes over `count` bytes. */
  skip(count: number): Status {
    if (this.at + count > this.end) return this.more(this.at + count);
    this.at += count;
    return Status.OK;
  }

  /** Reads a length into `number`, its halves into `hi` and `lo`. */
  length(): Status {
    const { bytes, at } = this;
    if (at >= this.end) return this.more(at + 1);
    const first = bytes[at];
    this.at = at + 1;
    if (first < 0x40) {
      this.number = first;
    } else if (first < 0x80) {
      if (at + 2 > this.end) return this.more(at + 2);
      this.number = ((first & 63) << 8) | bytes[at + 1];
      this.at = at + 2;
    } else if (first === LENGTH_32) {
      if (at + 5 > this.end) return this.more(at + 5);
      this.number = this.view.getUint32(at + 1, false);
      this.at = at + 5;
    } else if (first === LENGTH_64) {
      if (at + 9 > this.end) return this.more(at + 9);
      this.hi = this.view.getInt32(at + 1, false);
      this.lo = this.view.getInt32(at + 5, false);
      this.number = (this.hi >>> 0) * 2 ** 32 + (this.lo >>> 0);
      this.at = at + 9;
    } else if (first < 0xc0) {
      return this.bad(`Unknown length encoding ${first} in a length`);
    } else {
      return this.bad("A length was expected, not an encoded string");
    }
    return Status.OK;
  }

  /** A string in any of its forms. `out` is void after the next read into it or a new attach(). */
  string(out: RdbString): Status {
    const { at, bytes } = this;
    if (at >= this.end) return this.more(at + 1);
    const first = bytes[at];
    if (first >= 0xc0) return this.special(first & 63, out);
    let length = first;
    if (first < 0x40) {
      this.at = at + 1;
    } else {
      const status = this.length();
      if (status !== Status.OK) return status;
      length = this.number;
      if (length > STRING_BYTES_MAX) return this.bad(tooLong(length));
    }
    const start = this.at;
    const end = start + length;
    if (end > this.end) return this.more(end);
    out.set(bytes, this.view, start, end);
    this.at = end;
    return Status.OK;
  }

  private special(encoding: number, out: RdbString): Status {
    const { at } = this;
    this.at = at + 1;
    if (encoding === StringEncoding.LZF) return this.compressed(out);
    if (encoding > StringEncoding.LZF) {
      return this.bad(unknownEncoding(encoding));
    }
    const after = at + 1 + (1 << encoding);
    if (after > this.end) return this.more(after);
    if (encoding === StringEncoding.INT8) out.setInteger(this.view.getInt8(at + 1));
    else if (encoding === StringEncoding.INT16) out.setInteger(this.view.getInt16(at + 1, true));
    else out.setInteger(this.view.getInt32(at + 1, true));
    this.at = after;
    return Status.OK;
  }

  private compressed(out: RdbString): Status {
    const status = this.compressedHead();
    if (status !== Status.OK) return status;
    const length = this.number;
    const size = this.dataBytes;
    const start = this.at;
    if (start + size > this.end) return this.more(start + size);
    this.at = start + size;
    if (!out.setCompressed(this.bytes, this.view, start, start + size, length))
      return this.bad(BAD_LZF);
    return Status.OK;
  }

  /** Both lengths of an LZF string: of its bytes in `dataBytes`, of what they stand for in `number`. */
  private compressedHead(): Status {
    let status = this.length();
    if (status !== Status.OK) return status;
    const size = this.number;
    status = this.length();
    if (status !== Status.OK) return status;
    this.dataBytes = size;
    const length = this.number;
    if (
      size > STRING_BYTES_MAX ||
      length > STRING_BYTES_MAX ||
      length > size * lzf.LZF_EXPANSION_MAX
    ) {
      return this.bad(BAD_LZF);
    }
    return Status.OK;
  }

  /**
   * Looks at the head of a string, and stays in front of it: `number` is the length of the string,
   * `dataAt`, `dataBytes` and `isCompressed` tell what stands for it.
   */
  peekString(): Status {
    const { at } = this;
    const status = this.stringHead();
    this.dataAt = this.at;
    if (status !== Status.BAD) this.at = at;
    return status;
  }

  private stringHead(): Status {
    this.isCompressed = false;
    if (this.at >= this.end) return this.more(this.at + 1);
    const first = this.bytes[this.at];
    if (first < 0xc0) {
      const status = this.length();
      this.dataBytes = this.number;
      if (status === Status.OK && this.number > STRING_BYTES_MAX)
        return this.bad(tooLong(this.number));
      return status;
    }
    this.at++;
    const encoding = first & 63;
    if (encoding === StringEncoding.LZF) {
      this.isCompressed = true;
      return this.compressedHead();
    }
    if (encoding > StringEncoding.LZF) return this.bad(unknownEncoding(encoding));
    this.dataBytes = 1 << encoding;
    this.number = this.dataBytes;
    return Status.OK;
  }

  /**
   * A score as the first sorted sets wrote it: one byte of length and decimal text, or 253, 254,
   * 255 for not a number and the infinities. It is then in `number`.
   */
  textDouble(): Status {
    const status = this.byte();
    if (status !== Status.OK) return status;
    const length = this.number;
    if (length >= 253) {
      this.number = length === 253 ? Number.NaN : length === 254 ? Infinity : -Infinity;
      return Status.OK;
    }
    const start = this.at;
    if (start + length > this.end) return this.more(start + length);
    this.at = start + length;
    this.number = parseScore(this.bytes, start, this.at);
    return Status.OK;
  }

  /** Eight bytes of a double, low ones first; it is then in `number`. */
  binaryDouble(): Status {
    const { at } = this;
    if (at + 8 > this.end) return this.more(at + 8);
    this.at = at + 8;
    this.number = this.view.getFloat64(at, true);
    return Status.OK;
  }
}
