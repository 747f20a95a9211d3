/**
 * `struct`: values to bytes and back, by a format (struct-format.ts). Integers are of 64 bits; in longer
 * ones, only those are written and read.
 */

import { INT64_MIN, truncated } from "../integers.ts";
import type { HostFunction, LuaStack } from "../stack.ts";
import type { ByteBuffer } from "./byte-buffer.ts";
import { Kind, StructFormat } from "./struct-format.ts";

/** Integers up to this size are computed as numbers, longer ones as 64-bit integers. */
const PLAIN_BYTES = 4;

/** A number as C's `unsigned long`, from which it is cut. */
function unsigned(value: number): bigint {
  if (value < 0) return BigInt.asUintN(64, BigInt(truncated(value)));
  if (value < 2 ** 63) return BigInt(Math.trunc(value));
  if (value < 2 ** 64) return BigInt(value);
  // What the processor answers for what does not fit, infinity and NaN.
  return value >= 2 ** 64 ? 0n : BigInt.asUintN(64, BigInt(INT64_MIN));
}

function packInteger(
  stack: LuaStack,
  out: ByteBuffer,
  argument: number,
  format: StructFormat,
): void {
  const value = stack.checkNumber(argument);
  const { size, big } = format;
  out.reserve(size);
  const first = out.at + out.length;
  out.length += size;
  const { bytes } = stack;
  let at = big ? first + size - 1 : first;
  const step = big ? -1 : 1;
  if (size <= PLAIN_BYTES && Math.abs(value) < 2 ** 53) {
    // The low 32 bits are right whatever lies above them.
    let rest = Math.trunc(value) | 0;
    for (let i = 0; i < size; i++, at += step, rest >>= 8) bytes[at] = rest;
    return;
  }
  let rest = unsigned(value);
  for (let i = 0; i < size; i++, at += step, rest >>= 8n) bytes[at] = Number(rest & 0xffn);
}

function packFloat(stack: LuaStack, out: ByteBuffer, argument: number, format: StructFormat): void {
  const value = stack.checkNumber(argument);
  out.reserve(8);
  const at = out.at + out.length;
  if (format.size === 4) stack.view.setFloat32(at, value, !format.big);
  else stack.view.setFloat64(at, value, !format.big);
  out.length += format.size;
}

/** Writes a string; returns how many bytes that took. */
function packString(
  stack: LuaStack,
  out: ByteBuffer,
  argument: number,
  format: StructFormat,
): number {
  stack.checkString(argument);
  const size = format.size === 0 ? stack.length : format.size;
  // Redis complains about the argument behind it.
  if (stack.length < size) stack.badArgument(argument + 1, "string too short");
  out.range(stack.start, size);
  if (format.kind === Kind.CHARS) return size;
  out.byte(0);
  return size + 1;
}

function pack(stack: LuaStack, out: ByteBuffer, format: StructFormat): number {
  format.begin(stack);
  out.clear();
  // Redis has a nil there while it packs, and errors tell of it.
  stack.pushNil();
  let argument = 2;
  let total = 0;
  while (format.next()) {
    const { kind } = format;
    let { size } = format;
    const padding = format.padding(total);
    for (let i = 0; i < padding; i++) out.byte(0);
    if (kind === Kind.INTEGER) packInteger(stack, out, argument++, format);
    else if (kind === Kind.PAD) out.byte(0);
    else if (kind === Kind.FLOAT) packFloat(stack, out, argument++, format);
    else if (kind === Kind.CONTROL) format.control();
    else size = packString(stack, out, argument++, format);
    total += padding + size;
  }
  out.push();
  return 1;
}

function integerAt(bytes: Uint8Array, at: number, format: StructFormat): number {
  const { size, big, isSigned } = format;
  if (size <= PLAIN_BYTES && size > 0) {
    let small = 0;
    for (let i = 0; i < size; i++) {
      small = (small << 8) | bytes[big ? at + i : at + size - 1 - i];
    }
    const unused = 32 - size * 8;
    return isSigned ? (small << unused) >> unused : small >>> 0;
  }
  let value = 0n;
  for (let i = 0; i < size; i++) {
    value = (value << 8n) | BigInt(bytes[big ? at + i : at + size - 1 - i]);
  }
  value = BigInt.asUintN(64, value);
  if (!isSigned) return Number(value);
  return Number(BigInt.asIntN(size >= 8 || size === 0 ? 64 : size * 8, value));
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

/** Pushes the string of the argument that ends with a zero; returns how many bytes it takes. */
function unpackString(stack: LuaStack, at: number, end: number): number {
  const { bytes } = stack;
  let zero = at;
  while (zero < end && bytes[zero] !== 0) zero++;
  if (zero === end) stack.error("unfinished string in data");
  stack.pushRange(at, zero - at);
  return zero - at + 1;
}

function unpack(stack: LuaStack, format: StructFormat): number {
  format.begin(stack);
  stack.checkString(2);
  const { start, length } = stack;
  let position = (stack.isNothing(3) ? 1 : truncated(stack.checkNumber(3))) - 1;
  if (position < 0) stack.badArgument(3, "offset must be 1 or greater");
  let count = 0;
  while (format.next()) {
    const { kind } = format;
    let { size } = format;
    position += format.padding(position);
    mustFit(stack, position, size, length);
    stack.checkRoom(2, "too many results");
    const at = start + position;
    if (kind === Kind.INTEGER) stack.pushNumber(integerAt(stack.bytes, at, format));
    else if (kind === Kind.FLOAT) {
      const { view } = stack;
      const little = !format.big;
      stack.pushNumber(size === 4 ? view.getFloat32(at, little) : view.getFloat64(at, little));
    } else if (kind === Kind.CHARS) {
      if (size === 0) {
        size = sizeBefore(stack, count--);
        mustFit(stack, position, size, length);
      }
      stack.pushRange(at, size);
    } else if (kind === Kind.STRING) size = unpackString(stack, at, start + length);
    else if (kind === Kind.CONTROL) format.control();
    if (kind !== Kind.CONTROL && kind !== Kind.PAD) count++;
    position += size;
  }
  stack.pushNumber(position + 1);
  return count + 1;
}

function size(stack: LuaStack, format: StructFormat): number {
  format.begin(stack);
  let position = 0;
  while (format.next()) {
    position += format.padding(position);
    if (format.kind === Kind.STRING) stack.badArgument(1, "option 's' has no fixed size");
    if (format.kind === Kind.CHARS && format.size === 0) {
      stack.badArgument(1, "option 'c0' has no fixed size");
    }
    if (!format.isAlphanumeric) format.control();
    position += format.size;
  }
  stack.pushNumber(position);
  return 1;
}

export function structFunctions(out: ByteBuffer): Record<string, HostFunction> {
  // One for all: while a format is read, no other is.
  const format = new StructFormat();
  return {
    pack: (stack) => pack(stack, out, format),
    unpack: (stack) => unpack(stack, format),
    size: (stack) => size(stack, format),
  };
}
