/**
 * ScriptRequest: the arguments of redis.call() as a request, in the bytes that a client would have
 * sent: what is propagated is a slice of them.
 *
 *      redis.call("SET", KEYS[1], 10)   →   *3 $3 SET $1 k $2 10
 */
import { seventeenDigits } from "@kv/commands";
import { type LuaStack, LuaType } from "@kv/lua";
import { ArgVector, integerLength, writeInteger } from "@kv/resp";

const FIRST_BYTES = 4096;
/** A larger buffer is not kept for the next request. */
const KEPT_BYTES_MAX = 2 ** 20;
/** "$", a length, and two line breaks. */
const FRAME_BYTES = 24;
const CR = 13;
const LF = 10;

export class ScriptRequest {
  /** The request, as the only one of its batch. */
  readonly batch = new ArgVector();
  private bytes = new Uint8Array(FIRST_BYTES);
  private view = new DataView(this.bytes.buffer);
  private length = 0;

  /** Makes a request of all values on the stack. False: one is neither a string nor a number. */
  take(stack: LuaStack): boolean {
    const { batch } = this;
    const argc = stack.top;
    batch.clear();
    if (this.bytes.length > KEPT_BYTES_MAX) this.adopt(new Uint8Array(FIRST_BYTES));
    this.length = 0;
    this.header(42, argc);
    for (let index = 1; index <= argc; index++) {
      const type = stack.type(index);
      if (type === LuaType.STRING) stack.string(index);
      else if (type !== LuaType.NUMBER) return false;
      else {
        this.number(stack.number(index));
        continue;
      }
      this.word(stack.bytes, stack.start, stack.length);
    }
    batch.bytes = this.bytes;
    batch.view = this.view;
    batch.pushCommand(0, 0, this.length, 0);
    return true;
  }

  /** An integer is written as one, any other number with all its digits. */
  private number(value: number): void {
    if (Number.isSafeInteger(value) && !Object.is(value, -0)) {
      const length = integerLength(value);
      this.header(36, length);
      this.argument(length);
      writeInteger(this.bytes, this.length, value);
      this.length += length;
      this.lineBreak();
      return;
    }
    const text = numberText(value);
    this.header(36, text.length);
    this.argument(text.length);
    for (let i = 0; i < text.length; i++) this.bytes[this.length++] = text.charCodeAt(i);
    this.lineBreak();
  }

  private word(source: Uint8Array, start: number, length: number): void {
    this.header(36, length);
    this.argument(length);
    const { bytes } = this;
    const at = this.length;
    if (length < 48) for (let i = 0; i < length; i++) bytes[at + i] = source[start + i] as number;
    else bytes.set(source.subarray(start, start + length), at);
    this.length = at + length;
    this.lineBreak();
  }

  /** Room for so many bytes, which are the next argument. */
  private argument(length: number): void {
    this.room(length + 2);
    this.batch.pushArgument(this.length, this.length + length);
  }

  private header(type: number, n: number): void {
    this.room(FRAME_BYTES);
    this.bytes[this.length++] = type;
    writeInteger(this.bytes, this.length, n);
    this.length += integerLength(n);
    this.lineBreak();
  }

  private lineBreak(): void {
    this.bytes[this.length++] = CR;
    this.bytes[this.length++] = LF;
  }

  private room(extra: number): void {
    const needed = this.length + extra;
    if (needed <= this.bytes.length) return;
    const larger = new Uint8Array(Math.max(needed, this.bytes.length * 2));
    larger.set(this.bytes.subarray(0, this.length));
    this.adopt(larger);
  }

  private adopt(bytes: Uint8Array<ArrayBuffer>): void {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer);
  }
}

/** With all its digits; what 0/0 is called by the C library of the machines that scripts were written on. */
function numberText(value: number): string {
  return Number.isNaN(value) ? "-nan" : seventeenDigits(value);
}
