/**
 * AofFileCheck: follows one append-only file command by command, and says what is wrong with it and
 * where, in the words of redis-check-aof. The grammar is that of AofReader (reader.ts): what one of them
 * calls good the other one does.
 *
 * Redis's tool looks closer than its server at some things, and less closely at others. This one asks
 * for all of it, so that whatever it calls good can be loaded:
 *
 *   an annotation must end; a number has nothing but digits in it, and a command at least one argument
 *     (Redis's server refuses the last one too);
 *   a transaction is neither begun within another one, nor ended without having been begun (the servers
 *     take both).
 */
import { type FileBytes, NO_BYTE } from "./file-bytes.ts";
import { COMMAND_BYTES_MAX } from "./reader.ts";

const CR = 13;
const LF = 10;
const HASH = 35;
const DOLLAR = 36;
const STAR = 42;
const MINUS = 45;
/** The longest name that is looked at: MULTI. */
const NAME_BYTES_MAX = 5;
const ANNOTATION_BYTES_MAX = 1023;

/** Checks one file, from where `bytes` are. */
export class AofFileCheck {
  /** Where the file may be cut: behind the last thing that is whole, and never within a transaction. */
  okUpTo = 0;
  /** What is wrong, with its place; "" when nothing is. */
  error = "";
  /** A thing begins with a byte that none begins with. */
  isNoCommand = false;
  /** Zeros at the end of the file, when the check ended where they begin. */
  zeroCount = 0;
  /** Where the first annotation begins whose time is later than was asked for; -1: there is none. */
  laterAt = -1;
  /** An annotation's time cannot be read, and somebody asked for it. */
  isTimeWrong = false;
  /** Lines up to where the check ended; the caller says how many there were before. */
  lineCount: number;
  private readonly bytes: FileBytes;
  private readonly name: string;
  private readonly toSeconds: number;
  /** Where that which was looked at last begins. */
  private itemAt = 0;
  private isInTransaction = false;

  /** `name` is for the words. `toSeconds`: the check ends at a later annotation; 0: at none. */
  constructor(bytes: FileBytes, name: string, lineCount: number, toSeconds: number) {
    this.bytes = bytes;
    this.name = name;
    this.lineCount = lineCount;
    this.toSeconds = toSeconds;
  }

  /** Follows the file to its end, or to what is wrong. */
  run(): void {
    const { bytes } = this;
    for (;;) {
      if (!this.isInTransaction) this.okUpTo = bytes.offset;
      const mark = bytes.peek();
      if (mark === NO_BYTE) break;
      if (mark !== STAR && mark !== HASH) {
        this.isNoCommand = true;
        this.passZeros();
        return;
      }
      const isGood = mark === STAR ? this.command() : this.annotation();
      if (!isGood) break;
    }
    if (this.isInTransaction && this.error === "" && bytes.peek() === NO_BYTE)
      this.fail("Reached EOF before reading EXEC for MULTI");
  }

  private command(): boolean {
    const count = this.number(STAR);
    if (count === undefined) return false;
    if (count < 1) return this.fail(`Expected a command of at least 1 argument, got ${count}`);
    for (let i = 0; i < count; i++) {
      const length = this.number(DOLLAR);
      if (length === undefined || !this.argument(length, i === 0)) return false;
    }
    return true;
  }

  /** The number behind a mark, and its line break. */
  private number(mark: number): number | undefined {
    const { bytes } = this;
    this.itemAt = bytes.offset;
    const first = bytes.next();
    if (first === NO_BYTE) return undefined; // As in Redis, this alone has no words.
    if (first !== mark) {
      const isShown = first > 32 && first < 127;
      const got = isShown ? String.fromCharCode(first) : `\\x${shownByte(first)}`;
      this.fail(`Expected prefix '${String.fromCharCode(mark)}', got: '${got}'`);
      this.passZeros(first);
      return undefined;
    }
    const isNegative = bytes.peek() === MINUS;
    if (isNegative) bytes.next();
    let number = 0;
    let digitCount = 0;
    for (let digit = bytes.peek(); digit >= 48 && digit <= 57; digit = bytes.peek()) {
      number = number * 10 + digit - 48;
      digitCount++;
      bytes.next();
      if (number === 0) break; // No number goes on behind a zero.
    }
    if (!this.lineBreak(bytes.next(), bytes.next())) return undefined;
    if (digitCount === 0 && mark === DOLLAR) {
      this.fail("Expected the length of an argument, got none");
      return undefined;
    }
    return isNegative ? Math.min(-1, -number) : number;
  }

  /** An argument's bytes, and their line break. */
  private argument(length: number, isName: boolean): boolean {
    const { bytes } = this;
    if (length < 0 || length > COMMAND_BYTES_MAX) {
      const what = `Expected to read string of ${length} bytes`;
      return this.fail(`${what}, which is not in the suitable range`);
    }
    this.itemAt = bytes.offset;
    let name = "";
    if (isName && length <= NAME_BYTES_MAX) {
      for (let i = 0; i < length; i++) name += String.fromCharCode(bytes.next() & 0xff);
    } else {
      bytes.skip(length);
    }
    const first = bytes.next();
    const second = bytes.next();
    if (second === NO_BYTE) {
      const got = bytes.offset - this.itemAt;
      return this.fail(`Expected to read ${length + 2} bytes, got ${got} bytes`);
    }
    return this.lineBreak(first, second) && (!isName || this.begins(name.toLowerCase()));
  }

  /** A command of that name, in small letters, may begin or end a transaction. */
  private begins(name: string): boolean {
    if (name !== "multi" && name !== "exec") return true;
    const isMulti = name === "multi";
    if (this.isInTransaction === isMulti)
      return this.fail(`Unexpected ${isMulti ? "MULTI" : "EXEC"} in AOF ${this.name}`);
    this.isInTransaction = isMulti;
    return true;
  }

  private lineBreak(first: number, second: number): boolean {
    if (first === CR && second === LF) {
      this.lineCount++;
      return true;
    }
    this.fail(`Expected \\r\\n, got: ${shownByte(first)}${shownByte(second)}`);
    if (first === CR) this.passZeros(second);
    else this.passZeros(first, second);
    return false;
  }

  private annotation(): boolean {
    const { bytes } = this;
    this.itemAt = bytes.offset;
    let text = "";
    for (let last = 0; last !== LF; ) {
      last = bytes.next();
      if (last === NO_BYTE) return this.fail("Reached EOF before reading the end of an annotation");
      text += String.fromCharCode(last);
      if (text.length > ANNOTATION_BYTES_MAX)
        return this.fail(`Expected an annotation of at most ${ANNOTATION_BYTES_MAX} bytes`);
    }
    if (this.toSeconds === 0 || !text.startsWith("#TS:")) return true;
    const seconds = /^#TS:(\d+)\r\n$/.exec(text)?.[1];
    if (seconds === undefined) this.isTimeWrong = true;
    else if (Number(seconds) > this.toSeconds) this.laterAt = this.okUpTo;
    return seconds !== undefined && this.laterAt === -1;
  }

  private fail(text: string): false {
    this.error = `0x${this.itemAt.toString(16).padStart(16)}: ${text}`;
    return false;
  }

  /** Counts zeros up to the end of the file; `taken` are the wrong bytes that were read already. */
  private passZeros(...taken: number[]): void {
    let count = 0;
    for (const byte of taken) {
      if (byte > 0) return;
      if (byte === 0) count++;
    }
    let byte = this.bytes.next();
    for (; byte === 0; byte = this.bytes.next()) count++;
    if (byte === NO_BYTE) this.zeroCount = count;
  }
}

function shownByte(byte: number): string {
  return Math.max(byte, 0).toString(16).padStart(2, "0");
}
