/**
 * `struct`: values to bytes and back, by a format.
 *
 *   > <        the highest byte first, the lowest first (which is the case at the start)
 *   !n         align to n bytes at most (1 at the start; 8 without n)
 *   x          a byte of padding
 *   b h i l    1, 2, 4, 8 bytes, signed; B H I L unsigned; in and In take n bytes; T is L
 *   f d        4 and 8 bytes of a floating-point number
 *   s          a string and a zero; cn: n bytes; c0: all of a string, or as many as the value before says
 *
 * Integers are of 64 bits. In longer ones, only those are written and read.
 */

import { INT64_MIN, truncated } from "../integers.ts";
import type { HostFunction, LuaStack } from "../stack.ts";
import type { ByteBuffer } from "./byte-buffer.ts";

const INT_MAX = 2 ** 31 - 1;
const MAX_INTEGER_BYTES = 32;
const MAX_ALIGN = 8;
const SIGNED = "bhil";

/** Reads one format from its start to its end. */
class Format {
  private readonly stack: LuaStack;
  private readonly text: string;
  private at = 0;
  private align = 1;
  big = false;
  /** The option that `next` came to, and how many bytes it says it takes. */
  option = "";
  size = 0;

  constructor(stack: LuaStack) {
    this.stack = stack;
    stack.checkString(1);
    const text = stack.text(stack.start, stack.length);
    const zero = text.indexOf("\0");
    this.text = zero < 0 ? text : text.slice(0, zero);
  }

  next(): boolean {
    if (this.at >= this.text.length) return false;
    this.option = this.text[this.at++];
    this.size = this.sizeOf(this.option);
    return true;
  }

  /** Bytes to skip before the option that starts at `position`. */
  padding(position: number): number {
    if (this.size === 0 || this.option === "c") return 0;
    const size = Math.min(this.size, this.align);
    // As C computes it, for sizes that are no power of two as well.
    return (size - (position & (size - 1))) & (size - 1);
  }

  /** An option that takes no bytes. */
  control(): void {
    const { option, stack } = this;
    if (option === " ") return;
    if (option === ">") this.big = true;
    else if (option === "<") this.big = false;
    else if (option === "!") {
      const align = this.number(MAX_ALIGN);
      if (align <= 0 || (align & (align - 1)) !== 0) {
        stack.error(`alignment ${align} is not a power of 2`);
      }
      this.align = align;
    } else stack.badArgument(1, `invalid format option '${option}'`);
  }

  private sizeOf(option: string): number {
    if (option === "b" || option === "B" || option === "x") return 1;
    if (option === "h" || option === "H") return 2;
    if (option === "f") return 4;
    if (option === "l" || option === "L" || option === "T" || option === "d") return 8;
    if (option === "c") return this.number(1);
    if (option !== "i" && option !== "I") return 0;
    const size = this.number(4);
    if (size > MAX_INTEGER_BYTES) {
      this.stack.error(`integral size ${size} is larger than limit of ${MAX_INTEGER_BYTES}`);
    }
    return size;
  }

  private number(otherwise: number): number {
    const isDigit = () => this.text[this.at] >= "0" && this.text[this.at] <= "9";
    if (!isDigit()) return otherwise;
    let value = 0;
    while (isDigit()) {
      value = value * 10 + Number(this.text[this.at++]);
      if (value > INT_MAX) this.stack.error("integral size overflow");
    }
    return value;
  }
}

const isInteger = (option: string) => "bBhHlLTiI".includes(option);

/** A number as C's `unsigned long`, from which it is cut. */
function unsigned(value: number): bigint {
  if (value < 0) return BigInt.asUintN(64, BigInt(truncated(value)));
  if (value < 2 ** 63) return BigInt(Math.trunc(value));
  if (value < 2 ** 64) return BigInt(value);
  // What the processor answers for what does not fit, infinity and NaN.
  return value >= 2 ** 64 ? 0n : BigInt.asUintN(64, BigInt(INT64_MIN));
}

function packInteger(stack: LuaStack, out: ByteBuffer, argument: number, format: Format): void {
  let rest = unsigned(stack.checkNumber(argument));
  const { size, big } = format;
  out.reserve(size);
  const first = out.at + out.length;
  for (let i = 0; i < size; i++) {
    stack.bytes[big ? first + size - 1 - i : first + i] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  out.length += size;
}

function packFloat(stack: LuaStack, out: ByteBuffer, argument: number, format: Format): void {
  const value = stack.checkNumber(argument);
  out.reserve(8);
  const at = out.at + out.length;
  if (format.size === 4) stack.view.setFloat32(at, value, !format.big);
  else stack.view.setFloat64(at, value, !format.big);
  out.length += format.size;
}

function pack(stack: LuaStack, out: ByteBuffer): number {
  const format = new Format(stack);
  out.clear();
  // Redis has a nil there while it packs, and errors tell of it.
  stack.pushNil();
  let argument = 2;
  let total = 0;
  while (format.next()) {
    const { option } = format;
    let { size } = format;
    const padding = format.padding(total);
    for (let i = 0; i < padding; i++) out.byte(0);
    if (isInteger(option)) packInteger(stack, out, argument++, format);
    else if (option === "x") out.byte(0);
    else if (option === "f" || option === "d") packFloat(stack, out, argument++, format);
    else if (option === "c" || option === "s") {
      stack.checkString(argument++);
      if (size === 0) size = stack.length;
      if (stack.length < size) stack.badArgument(argument, "string too short");
      out.range(stack.start, size);
      if (option === "s") {
        out.byte(0);
        size++;
      }
    } else format.control();
    total += padding + size;
  }
  out.push();
  return 1;
}

function integerAt(bytes: Uint8Array, at: number, format: Format): number {
  const { size, big } = format;
  let value = 0n;
  for (let i = 0; i < size; i++) {
    value = (value << 8n) | BigInt(bytes[big ? at + i : at + size - 1 - i]);
  }
  value = BigInt.asUintN(64, value);
  if (!SIGNED.includes(format.option)) return Number(value);
  const width = size >= 8 || size === 0 ? 64 : size * 8;
  return Number(BigInt.asIntN(width, value));
}

function mustFit(stack: LuaStack, position: number, size: number, length: number): void {
  if (size > length || position > length - size) stack.badArgument(2, "data string too short");
}

/** The size of `c0`: the value that was read just before, which is taken back. */
function sizeBefore(stack: LuaStack, count: number): number {
  if (count === 0 || !stack.isNumber(-1)) stack.error("format 'c0' needs a previous size");
  const value = stack.number(-1);
  stack.pop(1);
  return value < 0 || Number.isNaN(value) ? Number.POSITIVE_INFINITY : Math.trunc(value);
}

function unpack(stack: LuaStack): number {
  const format = new Format(stack);
  stack.checkString(2);
  const { start, length } = stack;
  let position = (stack.isNothing(3) ? 1 : truncated(stack.checkNumber(3))) - 1;
  if (position < 0) stack.badArgument(3, "offset must be 1 or greater");
  let count = 0;
  while (format.next()) {
    const { option } = format;
    let { size } = format;
    position += format.padding(position);
    mustFit(stack, position, size, length);
    stack.checkRoom(2, "too many results");
    const at = start + position;
    if (isInteger(option)) stack.pushNumber(integerAt(stack.bytes, at, format));
    else if (option === "f") stack.pushNumber(stack.view.getFloat32(at, !format.big));
    else if (option === "d") stack.pushNumber(stack.view.getFloat64(at, !format.big));
    else if (option === "c") {
      if (size === 0) {
        size = sizeBefore(stack, count--);
        mustFit(stack, position, size, length);
      }
      stack.pushRange(at, size);
    } else if (option === "s") {
      const end = stack.bytes.indexOf(0, at);
      if (end < 0 || end >= start + length) stack.error("unfinished string in data");
      size = end - at + 1;
      stack.pushRange(at, size - 1);
    } else if (option !== "x") format.control();
    if (isInteger(option) || "fdcs".includes(option)) count++;
    position += size;
  }
  stack.pushNumber(position + 1);
  return count + 1;
}

function size(stack: LuaStack): number {
  const format = new Format(stack);
  let position = 0;
  while (format.next()) {
    const { option } = format;
    position += format.padding(position);
    if (option === "s") stack.badArgument(1, "option 's' has no fixed size");
    if (option === "c" && format.size === 0) {
      stack.badArgument(1, "option 'c0' has no fixed size");
    }
    if (!/[0-9A-Za-z]/.test(option)) format.control();
    position += format.size;
  }
  stack.pushNumber(position);
  return 1;
}

export function structFunctions(out: ByteBuffer): Record<string, HostFunction> {
  return { pack: (stack) => pack(stack, out), unpack, size };
}
