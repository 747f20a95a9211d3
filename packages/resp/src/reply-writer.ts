/**
 * ReplyWriter: replies as bytes, one after the other, into one growing buffer.
 *
 * A command writes its reply while it runs; nothing is built up in between and nothing is
 * allocated unless the buffer has to double. `resp3` says which protocol the client being served
 * speaks; types that RESP2 lacks are written as what Redis sends in their place:
 *
 *             RESP3             RESP2
 *   null      _                 $-1, or *-1 where a list was asked for
 *   map       %pairs            *2*pairs
 *   set       ~n                *n
 *   push      >n                *n
 *   double    ,1.5              $3 1.5
 *   boolean   #t                :1
 *   big number, verbatim        bulk string
 *
 * Short headers are stored as one 32-bit word, and bulk strings are copied eight bytes at a time
 * through two DataViews, the last word overlapping the one before: below 200 bytes that is up to
 * six times faster than `set(subarray)`, which has to make an object first.
 *
 * Not in this file: the memory that replies gather in (reply-buffer.ts), sockets, and whether the
 * parts of a reply add up to a whole one.
 */

import { formatDouble, integerLength, writeInt64, writeInteger } from "./number-codec.ts";
import { ReplyBuffer } from "./reply-buffer.ts";
import { latin1Bytes, utf8Bytes, utf8Length, writeLatin1, writeUtf8 } from "./text.ts";

const CR = 13;
const LF = 10;
const SPACE = 32;

const ARRAY = 42; // *
const BULK = 36; // $
const MAP = 37; // %
const SET = 126; // ~
const PUSH = 62; // >
const ATTRIBUTE = 124; // |
const INTEGER = 58; // :
const DOUBLE = 44; // ,
const BOOLEAN = 35; // #
const BIG_NUMBER = 40; // (
const VERBATIM = 61; // =
const SIMPLE = 43; // +
const ERROR = 45; // -

/* Little-endian words: "\0\0\r\n" to complete a header, and replies that never change. */
const LINE_BREAK = 0x0a0d0000;
const OK = 0x0d4b4f2b; // +OK\r
const NULL_BULK = 0x0d312d24 | 0; // $-1\r
const NULL_ARRAY = 0x0d312d2a | 0; // *-1\r
const EMPTY_ARRAY = 0x0a0d302a; // *0\r\n
const PONG = latin1Bytes("+PONG\r\n");
const QUEUED = latin1Bytes("+QUEUED\r\n");

/** From here on one call of `set` is cheaper than copying words. */
const WORDS_MAX = 192;
/** Up to here a source without a view is cheaper to copy byte by byte. */
const BYTES_MAX = 32;
/** Room for any header or number with its type and line break. */
const HEADER_MAX = 32;

const NO_BYTES = new Uint8Array(0);
const NO_VIEW = new DataView(NO_BYTES.buffer);

/** Appends replies to one buffer; see the head of this file. */
export class ReplyWriter extends ReplyBuffer {
  /** The protocol of the client being served. */
  resp3 = false;

  /** The source of recent bulk() calls and a view of it: most come from one and the same. */
  private source: Uint8Array = NO_BYTES;
  private sourceView: DataView = NO_VIEW;
  private candidate: Uint8Array = NO_BYTES;

  /** `initialBytes` are allocated at once; the buffer grows from there and reset() shrinks it. */
  constructor(initialBytes = 65536) {
    super(initialBytes);
  }

  /** Forgets all replies, and the buffer too if it has become oversized. */
  override reset(): void {
    super.reset();
    this.source = NO_BYTES;
    this.sourceView = NO_VIEW;
    this.candidate = NO_BYTES;
  }

  // The fixed replies.

  /** The status OK. */
  ok(): void {
    this.word(OK, LF);
  }

  /** The status PONG. */
  pong(): void {
    this.rawBytes(PONG, 0, PONG.length);
  }

  /** The status QUEUED, which a command in MULTI is answered with. */
  queued(): void {
    this.rawBytes(QUEUED, 0, QUEUED.length);
  }

  /** The null of the protocol: "$-1" in RESP2, "_" in RESP3. */
  null(): void {
    if (this.resp3) this.null3();
    else this.word(NULL_BULK, LF);
  }

  /** The null of a command that otherwise answers with an array. */
  nullArray(): void {
    if (this.resp3) this.null3();
    else this.word(NULL_ARRAY, LF);
  }

  /** An array of nothing. */
  emptyArray(): void {
    this.ensure(4);
    this.view.setInt32(this.length, EMPTY_ARRAY, true);
    this.length += 4;
  }

  private null3(): void {
    this.ensure(3);
    const { bytes, length } = this;
    bytes[length] = 95;
    bytes[length + 1] = CR;
    bytes[length + 2] = LF;
    this.length = length + 3;
  }

  private word(word: number, last: number): void {
    this.ensure(5);
    this.view.setInt32(this.length, word, true);
    this.bytes[this.length + 4] = last;
    this.length += 5;
  }

  // Lines.

  /** A status. Latin1 text; line breaks become spaces, so no text can forge a second reply. */
  simple(text: string): void {
    this.line(SIMPLE, text);
  }

  /** An error with its code, as in "ERR syntax error". Treats the text as simple() does. */
  error(text: string): void {
    this.line(ERROR, text);
  }

  private line(type: number, text: string): void {
    let from = 0;
    let to = text.length;
    let wide = false;
    while (to > from && isLineBreak(text.charCodeAt(to - 1))) to--;
    while (from < to && isLineBreak(text.charCodeAt(from))) from++;
    if (!this.ensure(to - from + 3)) return;
    const { bytes } = this;
    let at = this.length;
    bytes[at++] = type;
    for (let i = from; i < to; i++) {
      const unit = text.charCodeAt(i);
      if (unit > 255) wide = true;
      bytes[at++] = isLineBreak(unit) ? SPACE : unit;
    }
    // Text beyond latin1 did not come from bytes, so it may be written in UTF-8 as a whole.
    if (wide) {
      this.wideLine(type, text.slice(from, to));
      return;
    }
    bytes[at] = CR;
    bytes[at + 1] = LF;
    this.length = at + 2;
  }

  private wideLine(type: number, text: string): void {
    const encoded = utf8Bytes(text);
    if (!this.ensure(encoded.length + 3)) return;
    const { bytes } = this;
    let at = this.length;
    bytes[at++] = type;
    for (const byte of encoded) {
      bytes[at++] = byte === CR || byte === LF ? SPACE : byte;
    }
    bytes[at] = CR;
    bytes[at + 1] = LF;
    this.length = at + 2;
  }

  // Numbers.

  /** A safe integer. */
  integer(n: number): void {
    this.number(INTEGER, n);
  }

  /** The signed 64-bit integer with the upper half `high` and the lower half `low`. */
  integer64(high: number, low: number): void {
    if (high >= -0x200000 && high < 0x200000) {
      const value = high * 0x100000000 + (low >>> 0);
      if (value >= Number.MIN_SAFE_INTEGER) {
        this.number(INTEGER, value);
        return;
      }
    }
    this.integerBig((BigInt(high | 0) << 32n) | BigInt(low >>> 0));
  }

  /** A signed 64-bit integer. */
  integerBig(n: bigint): void {
    this.ensure(HEADER_MAX);
    const { bytes } = this;
    bytes[this.length] = INTEGER;
    this.endLine(writeInt64(bytes, this.length + 1, n));
  }

  /** A double, as formatDouble() prints it. */
  double(x: number): void {
    if (!this.resp3) {
      if (Number.isSafeInteger(x) && !Object.is(x, -0)) this.bulkInteger(x);
      else this.bulkLatin1(formatDouble(x));
      return;
    }
    this.doubleText(formatDouble(x));
  }

  /** A double that was written out already, in whatever digits; a bulk string in RESP2. */
  doubleText(text: string): void {
    if (!this.resp3) {
      this.bulkLatin1(text);
      return;
    }
    if (!this.ensure(text.length + 3)) return;
    this.bytes[this.length] = DOUBLE;
    this.endLine(writeLatin1(this.bytes, this.length + 1, text));
  }

  /** A boolean; the integer 1 or 0 in RESP2. */
  boolean(b: boolean): void {
    if (!this.resp3) {
      this.integer(b ? 1 : 0);
      return;
    }
    // "#t\r\n" or "#f\r\n"
    this.ensure(4);
    this.view.setInt32(this.length, LINE_BREAK | ((b ? 116 : 102) << 8) | BOOLEAN, true);
    this.length += 4;
  }

  /** An integer of any size, as its decimal digits. */
  bigNumber(text: string): void {
    if (!this.resp3) {
      this.bulkLatin1(text);
      return;
    }
    if (!this.ensure(text.length + 3)) return;
    this.bytes[this.length] = BIG_NUMBER;
    this.endLine(writeLatin1(this.bytes, this.length + 1, text));
  }

  private number(type: number, n: number): void {
    this.ensure(HEADER_MAX);
    this.header(type, n);
  }

  /** The same where there is room for it already. */
  private header(type: number, n: number): void {
    const at = this.length;
    if (n >= 0 && n < 10) {
      // The type, one digit and the line break are one word.
      this.view.setInt32(at, LINE_BREAK | ((48 + n) << 8) | type, true);
      this.length = at + 4;
      return;
    }
    if (n >= 10 && n < 100) {
      const tens = (n / 10) | 0;
      const digits = ((48 + tens) << 8) | ((48 + n - tens * 10) << 16);
      this.view.setInt32(at, type | digits | (CR << 24), true);
      this.bytes[at + 4] = LF;
      this.length = at + 5;
      return;
    }
    const { bytes } = this;
    bytes[at] = type;
    const after = writeInteger(bytes, at + 1, n);
    bytes[after] = CR;
    bytes[after + 1] = LF;
    this.length = after + 2;
  }

  private endLine(at: number): void {
    this.bytes[at] = CR;
    this.bytes[at + 1] = LF;
    this.length = at + 2;
  }

  // Strings.

  /** bytes[start, end) as a bulk string. Where a view of `bytes` exists, bulkFrom() is faster. */
  bulk(bytes: Uint8Array, start: number, end: number): void {
    const length = end - start;
    if (bytes !== this.source) {
      if (bytes !== this.candidate) {
        // A view is worth making when the same source comes twice in a row.
        this.candidate = bytes;
        if (!this.ensure(length + HEADER_MAX)) return;
        this.header(BULK, length);
        const at = this.length;
        if (length > BYTES_MAX) this.bytes.set(bytes.subarray(start, end), at);
        else for (let i = 0; i < length; i++) this.bytes[at + i] = bytes[start + i];
        this.endLine(at + length);
        return;
      }
      this.source = bytes;
      this.sourceView = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    }
    this.bulkFrom(bytes, this.sourceView, start, end);
  }

  /** bytes[start, end) as a bulk string; `source` is a view of exactly the memory of `bytes`. */
  bulkFrom(bytes: Uint8Array, source: DataView, start: number, end: number): void {
    const length = end - start;
    if (!this.ensure(length + HEADER_MAX)) return;
    this.header(BULK, length);
    const at = this.length;
    const after = at + length;
    if (length < 4) {
      for (let i = 0; i < length; i++) this.bytes[at + i] = bytes[start + i];
    } else if (length < 8) {
      this.view.setInt32(at, source.getInt32(start, true), true);
      this.view.setInt32(after - 4, source.getInt32(end - 4, true), true);
    } else if (length <= WORDS_MAX) {
      const { view } = this;
      const lastWord = length - 8;
      for (let i = 0; i < lastWord; i += 8) {
        view.setBigInt64(at + i, source.getBigInt64(start + i, true), true);
      }
      view.setBigInt64(after - 8, source.getBigInt64(end - 8, true), true);
    } else {
      this.bytes.set(bytes.subarray(start, end), at);
    }
    this.endLine(after);
  }

  /** Text as a bulk string in UTF-8. */
  bulkText(text: string): void {
    const length = utf8Length(text);
    if (!this.ensure(length + HEADER_MAX)) return;
    this.header(BULK, length);
    this.endLine(writeUtf8(this.bytes, this.length, text));
  }

  /** Text as a bulk string with one byte for each character. */
  bulkLatin1(text: string): void {
    if (!this.ensure(text.length + HEADER_MAX)) return;
    this.header(BULK, text.length);
    this.endLine(writeLatin1(this.bytes, this.length, text));
  }

  /** A safe integer as a bulk string: "$3 100". */
  bulkInteger(n: number): void {
    const length = integerLength(n);
    this.ensure(2 * HEADER_MAX);
    this.header(BULK, length);
    this.endLine(writeInteger(this.bytes, this.length, n));
  }

  /** A signed 64-bit integer as a bulk string. */
  bulkIntegerBig(n: bigint): void {
    this.bulkLatin1(n.toString());
  }

  /** Text with a three-letter format, "txt" or "mkd", that a person is to read. One byte for each character. */
  verbatim(format: string, text: string): void {
    if (!this.resp3) {
      this.bulkLatin1(text);
      return;
    }
    const length = text.length + 4;
    if (!this.ensure(length + HEADER_MAX)) return;
    this.header(VERBATIM, length);
    const after = writeLatin1(this.bytes, this.length, format);
    this.bytes[after] = INTEGER; // A colon stands between them.
    this.endLine(writeLatin1(this.bytes, after + 1, text));
  }

  /** Bytes that are RESP already. */
  rawBytes(bytes: Uint8Array, start: number, end: number): void {
    const length = end - start;
    if (!this.ensure(length)) return;
    const at = this.length;
    if (length > BYTES_MAX) this.bytes.set(bytes.subarray(start, end), at);
    else for (let i = 0; i < length; i++) this.bytes[at + i] = bytes[start + i];
    this.length = at + length;
  }

  // Aggregates: the header of a reply whose parts follow.

  /** The header of an array; `n` values are to follow. */
  array(n: number): void {
    this.number(ARRAY, n);
  }

  /** `pairs` keys, each followed by its value. */
  map(pairs: number): void {
    if (this.resp3) this.number(MAP, pairs);
    else this.number(ARRAY, pairs * 2);
  }

  /** The header of a set of `n` members that are to follow; an array in RESP2. */
  set(n: number): void {
    this.number(this.resp3 ? SET : ARRAY, n);
  }

  /** The header of a push message of `n` parts that are to follow; an array in RESP2. */
  push(n: number): void {
    this.number(this.resp3 ? PUSH : ARRAY, n);
  }

  /** Says something about the next reply. RESP2 has no place for it, so it must not be asked to. */
  attribute(pairs: number): void {
    if (!this.resp3) throw new Error("an attribute was written to a RESP2 client");
    this.number(ATTRIBUTE, pairs);
  }

  // Aggregates whose count is known only when their parts are written. They close inside out.

  /** Leaves room for a header; the handle goes to closeArray(), closeMap(), closeSet() ... */
  deferLength(): number {
    // Room first: a header in two parts could not be written again.
    this.ensure(4);
    const handle = this.mark();
    this.emptyArray();
    return handle;
  }

  /** As deferLength(), for an array. */
  deferArray(): number {
    return this.deferLength();
  }

  /** Fills in the header that `handle` stands for: an array of the `n` values since then. */
  closeArray(handle: number, n: number): void {
    this.close(handle, ARRAY, n);
  }

  /** The same for a map of `pairs` keys and values; an array of twice as many in RESP2. */
  closeMap(handle: number, pairs: number): void {
    if (this.resp3) this.close(handle, MAP, pairs);
    else this.close(handle, ARRAY, pairs * 2);
  }

  /** The same for a set of `n` members; an array in RESP2. */
  closeSet(handle: number, n: number): void {
    this.close(handle, this.resp3 ? SET : ARRAY, n);
  }

  /** The same for a push message of `n` parts; an array in RESP2. */
  closePush(handle: number, n: number): void {
    this.close(handle, this.resp3 ? PUSH : ARRAY, n);
  }

  private close(handle: number, type: number, n: number): void {
    const at = handle - this.partsBytes;
    if (n < 10 && at >= 0 && !this.isOverflowed) {
      this.bytes[at] = type;
      this.bytes[at + 1] = 48 + n;
      return;
    }
    // Room was left for one digit; a longer count moves the parts, at the speed of memory.
    const header = new Uint8Array(integerLength(n) + 3);
    header[0] = type;
    const after = writeInteger(header, 1, n);
    header[after] = CR;
    header[after + 1] = LF;
    this.replaceAt(handle, 4, header);
  }
}

function isLineBreak(unit: number): boolean {
  return unit === CR || unit === LF;
}
