/**
 * `bit`: operations on 32 bits. A number takes part with its low 32 bits, rounded to the nearest
 * integer; results have a sign.
 */

import { type HostFunction, type LuaStack, LuaType } from "../stack.ts";

/** Added to a double, this brings its integer into the low bits of the mantissa. */
const ALIGN = 2 ** 52 + 2 ** 51;
const double = new Float64Array(1);
const words = new Int32Array(double.buffer);
/** Which of the words is the low one depends on the machine. */
const LOW = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1 ? 0 : 1;

function bits(stack: LuaStack, argument: number): number {
  const value = stack.number(argument);
  if (value === 0 && stack.type(argument) !== LuaType.NUMBER) stack.checkNumber(argument);
  double[0] = value + ALIGN;
  return words[LOW];
}

function unary(work: (a: number) => number): HostFunction {
  return (stack) => {
    stack.pushNumber(work(bits(stack, 1)));
    return 1;
  };
}

function shift(work: (a: number, count: number) => number): HostFunction {
  return (stack) => {
    const a = bits(stack, 1);
    stack.pushNumber(work(a, bits(stack, 2) & 31));
    return 1;
  };
}

function fold(work: (a: number, b: number) => number): HostFunction {
  return (stack) => {
    let result = bits(stack, 1);
    for (let i = stack.top; i > 1; i--) result = work(result, bits(stack, i));
    stack.pushNumber(result);
    return 1;
  };
}

const swapped = (a: number) => (a << 24) | ((a & 0xff00) << 8) | ((a >>> 8) & 0xff00) | (a >>> 24);

/** Eight digits, or as many as asked for; a negative count asks for capitals. */
function toHex(stack: LuaStack): number {
  const value = bits(stack, 1);
  const asked = stack.type(2) === LuaType.NONE ? 8 : bits(stack, 2);
  const count = Math.min(Math.abs(asked), 8);
  const digits = (value >>> 0)
    .toString(16)
    .padStart(8, "0")
    .slice(8 - count);
  stack.pushText(asked < 0 ? digits.toUpperCase() : digits);
  return 1;
}

export const bitFunctions: Record<string, HostFunction> = {
  tobit: unary((a) => a),
  bnot: unary((a) => ~a),
  bswap: unary(swapped),
  band: fold((a, b) => a & b),
  bor: fold((a, b) => a | b),
  bxor: fold((a, b) => a ^ b),
  lshift: shift((a, count) => a << count),
  rshift: shift((a, count) => (a >>> count) | 0),
  arshift: shift((a, count) => a >> count),
  rol: shift((a, count) => (a << count) | (a >>> (32 - count))),
  ror: shift((a, count) => (a >>> count) | (a << (32 - count))),
  tohex: toHex,
};
