/**
 * CommandOutput: commands on their way out as a client would send them, each an array of bulk strings.
 *
 *      *3 CRLF  $3 CRLF SET CRLF  $1 CRLF k CRLF  $2 CRLF 42 CRLF          SET k 42
 */
import {
  formatInt64,
  INT64_TEXT_BYTES,
  Int64,
  STREAM_ID_TEXT_BYTES,
  type StreamId,
  splitNumber,
} from "@kv/core";
import { latin1Bytes, seventeenDigits } from "@kv/resp";
import { ChunkOutput } from "../chunk-output.ts";

const CR = 13;
const LF = 10;
const STAR = 42;
const DOLLAR = 36;
const ZERO = 48;
/** Whole numbers below have at most seventeen digits, which are all digits that there are of them. */
const WHOLE_MAX = 2 ** 53;

/** Bytes that can be shown: core's windows on texts are some. */
export interface Text {
  /** The bytes in which the text lies. */
  readonly bytes: Uint8Array;
  /** A view over the memory of `bytes`. */
  readonly view: DataView;
  /** Index of the text's first byte. */
  readonly start: number;
  /** Index behind its last byte. */
  readonly end: number;
}

/** A word of a command, ready to be written: of ASCII characters. */
export function commandWord(text: string): Uint8Array {
  return latin1Bytes(`$${text.length}\r\n${text}\r\n`);
}

/** A text as a word that can be written again and again, whatever becomes of the text. */
export function wordOf({ bytes, start, end }: Text): Uint8Array {
  const head = latin1Bytes(`$${end - start}\r\n`);
  const made = new Uint8Array(head.length + end - start + 2);
  made.set(head);
  made.set(bytes.subarray(start, end), head.length);
  made.set([CR, LF], made.length - 2);
  return made;
}

/** Writes words of commands into chunks, and hands those to a sink. */
export class CommandOutput extends ChunkOutput {
  private readonly number = new Int64();
  private readonly digits = new Uint8Array(Math.max(INT64_TEXT_BYTES, STREAM_ID_TEXT_BYTES));

  /** The beginning of a command of so many words, its name included. */
  command(wordCount: number): void {
    this.head(STAR, wordCount);
  }

  /** A word that word() has made. */
  word(made: Uint8Array): void {
    this.bytes(made, 0, made.length);
  }

  /** A text as a word. */
  text({ bytes, view, start, end }: Text): void {
    this.head(DOLLAR, end - start);
    this.copy(bytes, view, start, end);
    this.lineEnd();
  }

  /** All of these bytes as a word. */
  wholeText(bytes: Uint8Array): void {
    this.head(DOLLAR, bytes.length);
    this.bytes(bytes, 0, bytes.length);
    this.lineEnd();
  }

  /** A signed 64-bit integer, given as two halves. */
  integer(hi: number, lo: number): void {
    const { digits } = this;
    this.short(digits, formatInt64(hi, lo, digits, 0));
  }

  /** A whole number that a double has exactly. */
  whole(value: number): void {
    const { number } = this;
    splitNumber(value, number);
    this.integer(number.hi, number.lo);
  }

  /** A score, with as many digits as it takes to read the same number again. */
  score(score: number): void {
    if (Math.abs(score) < WHOLE_MAX && Number.isInteger(score) && !Object.is(score, -0))
      this.whole(score);
    else this.ascii(seventeenDigits(score));
  }

  /** The ID of an entry of a stream. */
  id(id: StreamId): void {
    const { digits } = this;
    this.short(digits, id.format(digits, 0));
  }

  private short(bytes: Uint8Array, length: number): void {
    this.head(DOLLAR, length);
    this.bytes(bytes, 0, length);
    this.lineEnd();
  }

  /** A text of up to ITEM_BYTES_MAX ASCII characters. */
  private ascii(text: string): void {
    this.head(DOLLAR, text.length);
    this.ensureRoom();
    for (let i = 0; i < text.length; i++) this.chunk[this.used++] = text.charCodeAt(i);
    this.lineEnd();
  }

  private head(mark: number, count: number): void {
    this.ensureRoom();
    const { chunk } = this;
    let { used } = this;
    chunk[used++] = mark;
    if (count < 10) {
      chunk[used++] = ZERO + count;
    } else if (count < 100) {
      const tens = (count / 10) | 0;
      chunk[used++] = ZERO + tens;
      chunk[used++] = ZERO + count - tens * 10;
    } else {
      splitNumber(count, this.number);
      used = formatInt64(this.number.hi, this.number.lo, chunk, used);
    }
    chunk[used++] = CR;
    chunk[used++] = LF;
    this.used = used;
  }

  private lineEnd(): void {
    this.ensureRoom();
    this.chunk[this.used++] = CR;
    this.chunk[this.used++] = LF;
  }
}
