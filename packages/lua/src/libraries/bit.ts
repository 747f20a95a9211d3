/**
 * `bit`: operations on 32 bits. A number takes part with its low 32 bits, rounded to the nearest
 * integer; results have a sign.
 *
 * All but `tohex` are WebAssembly, one function each: in JavaScript, getting there and back would cost
 * three times what they do.
 */

import {
  Assembler,
  block,
  branch,
  branchIf,
  type Code,
  call,
  DROP,
  F64,
  f64,
  get,
  I32,
  i32,
  loop,
  num,
  real,
  set,
  tee,
  when,
} from "../assembler.ts";
import type { Core, Slot } from "../core.ts";
import { LuaType } from "../layout.ts";
import type { LuaStack } from "../stack.ts";

/** Added to a double, this brings its integer into the low bits of the mantissa. */
const ALIGN = 2 ** 52 + 2 ** 51;

const ALL_BITS = -1;
/** One operand; it is on the stack of WebAssembly. */
const UNARY: Record<string, Code> = {
  tobit: [],
  bnot: [num(ALL_BITS), i32.xor],
  // Two bytes at a time: those in odd places go one way round, the others the other.
  bswap: [
    [set(1), get(1), num(8), i32.rotl, num(0x00ff_00ff), i32.and],
    [get(1), num(8), i32.rotr, num(0xff00_ff00 | 0), i32.and, i32.or],
  ],
};
/** Two operands, the second of which counts bits; WebAssembly only looks at its low five. */
const SHIFTS: Record<string, number> = {
  lshift: i32.shl,
  rshift: i32.shrU,
  arshift: i32.shrS,
  rol: i32.rotl,
  ror: i32.rotr,
};
/** Any number of operands. */
const FOLDS: Record<string, number> = { band: i32.and, bor: i32.or, bxor: i32.xor };

const NAMES = [...Object.keys(UNARY), ...Object.keys(SHIFTS), ...Object.keys(FOLDS)];

function bitModule(): Uint8Array {
  const m = new Assembler();
  const tonumber = m.importFunction("lua", "lua_tonumber", [I32, I32], [F64]);
  const checknumber = m.importFunction("lua", "luaL_checknumber", [I32, I32], [F64]);
  const pushnumber = m.importFunction("lua", "lua_pushnumber", [I32, F64], []);
  const gettop = m.importFunction("lua", "lua_gettop", [I32], [I32]);
  const L = get(0);
  // bits(L, argument): zero may mean that there is no number, which is an error.
  const bits = m.func(
    "bits",
    [I32, I32],
    [I32],
    [I32],
    [
      [L, get(1), call(tonumber), real(ALIGN), f64.add, f64.lowBits, tee(2), i32.eqz],
      when(L, get(1), call(checknumber), DROP),
      get(2),
    ],
  );
  const operand = (n: Code): Code => [L, n, call(bits)];
  const push: Code = [set(1), L, get(1), f64.convert, call(pushnumber), num(1)];
  const add = (name: string, body: Code) => m.func(name, [I32], [I32], [I32, I32], [body, push]);

  for (const [name, code] of Object.entries(UNARY)) add(name, [operand(num(1)), code]);
  for (const [name, code] of Object.entries(SHIFTS)) {
    add(name, [operand(num(1)), operand(num(2)), code]);
  }
  for (const [name, code] of Object.entries(FOLDS)) {
    add(name, [
      [operand(num(1)), set(1)],
      [L, call(gettop), set(2)],
      block(
        loop(
          [get(2), num(2), i32.ltS, branchIf(1)],
          [get(1), operand(get(2)), code, set(1)],
          [get(2), num(1), i32.sub, set(2), branch(0)],
        ),
      ),
      get(1),
    ]);
  }
  return m.assemble();
}

const double = new Float64Array(1);
const words = new Int32Array(double.buffer);
/** Which of the words is the low one depends on the processor. */
const LOW = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1 ? 0 : 1;

function bitsOf(stack: LuaStack, argument: number): number {
  double[0] = stack.checkNumber(argument) + ALIGN;
  return words[LOW];
}

/** Eight digits, or as many as asked for; a negative count asks for capitals. */
function toHex(stack: LuaStack): number {
  const value = bitsOf(stack, 1);
  const asked = stack.type(2) === LuaType.NONE ? 8 : bitsOf(stack, 2);
  const count = Math.min(Math.abs(asked), 8);
  const digits = (value >>> 0)
    .toString(16)
    .padStart(8, "0")
    .slice(8 - count);
  stack.pushText(asked < 0 ? digits.toUpperCase() : digits);
  return 1;
}

/** Pushes the library. */
export function pushBit(core: Core): void {
  const { stack } = core;
  const first: Slot = core.addModule(bitModule(), NAMES, {});
  stack.pushTable(0, NAMES.length + 1);
  for (const [i, name] of NAMES.entries()) {
    core.pushFunction(first + i);
    stack.setField(-2, name);
  }
  core.pushFunction(core.addFunctions([toHex]));
  stack.setField(-2, "tohex");
}
