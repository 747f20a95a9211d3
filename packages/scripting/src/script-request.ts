/**
 * ScriptRequest: the arguments of redis.call() as a request, in the bytes that a client would have
 * sent: what is propagated is a slice of them.
 *
 *      redis.call("SET", KEYS[1], 10)   →   *3 $3 SET $1 k $2 10
 */
import { type LuaStack, LuaType } from "@kv/lua";
import {
  ArgVector,
  integerLength,
  SEVENTEEN_DIGITS_BYTES,
  writeInteger,
  writeLatin1,
  writeSeventeenDigits,
} from "@kv/resp";

const FIRST_BYTES = 4096;
/** A larger buffer is not kept for the next request. */
const KEPT_BYTES_MAX = 2 ** 20;
/** What is written of a word besides its bytes: "$", a length, two line breaks. And what a number takes. */
const FRAME_BYTES = 32;
const STAR = 42;
const DOLLAR = 36;
const CR = 13;
const LF = 10;

export class ScriptRequest {
  /** The request, as the only one of its batch. */
  readonly batch = new ArgVector();
  private bytes = new Uint8Array(FIRST_BYTES);
  private view = new DataView(this.bytes.buffer);
  private readonly digits = new Uint8Array(SEVENTEEN_DIGITS_BYTES);

  /** Makes a request of all values on the stack. False: one is neither a string nor a number. */
  take(stack: LuaStack): boolean {
    const { batch } = this;
    const argc = stack.top;
    batch.clear();
    if (this.bytes.length > KEPT_BYTES_MAX) this.adopt(new Uint8Array(FIRST_BYTES));
    let at = this.header(0, STAR, argc);
    for (let index = 1; index <= argc; index++) {
      const type = stack.type(index);
      if (type === LuaType.STRING) {
        stack.string(index);
        at = this.word(at, stack);
      } else if (type === LuaType.NUMBER) at = this.number(at, stack.number(index));
      else return false;
    }
    batch.bytes = this.bytes;
    batch.view = this.view;
    batch.pushCommand(0, 0, at, 0);
    return true;
  }

  /** An integer is written as one, any other number with all its digits. Answers where it ends. */
  private number(from: number, value: number): number {
    if (Number.isSafeInteger(value) && !Object.is(value, -0)) {
      const at = this.header(from, DOLLAR, integerLength(value));
      return this.argumentEnds(at, writeInteger(this.bytes, at, value));
    }
    const end = writeNumber(this.digits, value);
    const at = this.header(from, DOLLAR, end);
    for (let i = 0; i < end; i++) this.bytes[at + i] = this.digits[i] as number;
    return this.argumentEnds(at, at + end);
  }

  private word(from: number, { bytes: source, start, length }: LuaStack): number {
    if (from + length + FRAME_BYTES > this.bytes.length) this.grow(from, length + FRAME_BYTES);
    const at = this.header(from, DOLLAR, length);
    const { bytes } = this;
    if (length < 48) for (let i = 0; i < length; i++) bytes[at + i] = source[start + i] as number;
    else bytes.set(source.subarray(start, start + length), at);
    return this.argumentEnds(at, at + length);
  }

  /** The sign of a type, a length or a number of words, and a line break; there is room for a number behind it. */
  private header(from: number, sign: number, n: number): number {
    if (from + 2 * FRAME_BYTES > this.bytes.length) this.grow(from, 2 * FRAME_BYTES);
    const { bytes } = this;
    bytes[from] = sign;
    const at = writeInteger(bytes, from + 1, n);
    bytes[at] = CR;
    bytes[at + 1] = LF;
    return at + 2;
  }

  private argumentEnds(start: number, end: number): number {
    const { bytes } = this;
    this.batch.pushArgument(start, end);
    bytes[end] = CR;
    bytes[end + 1] = LF;
    return end + 2;
  }

  private grow(usedBytes: number, extra: number): void {
    const larger = new Uint8Array(Math.max(usedBytes + extra, this.bytes.length * 2));
    larger.set(this.bytes.subarray(0, usedBytes));
    this.adopt(larger);
  }

  private adopt(bytes: Uint8Array<ArrayBuffer>): void {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer);
  }
}

/** With all its digits; what 0/0 is called by the C library of the machines that scripts were written on. */
function writeNumber(bytes: Uint8Array, value: number): number {
  return Number.isNaN(value)
    ? writeLatin1(bytes, 0, "-nan")
    : writeSeventeenDigits(bytes, 0, value);
}
