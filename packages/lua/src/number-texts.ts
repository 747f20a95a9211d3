/**
 * Numbers and the texts that scripts have of them: arguments, replies, names of keys. The machine's way from
 * one to the other is the C library's, which takes and writes every form there is, and computes in software,
 * with 128 bits. Two forms are nearly all there is, so they are looked for first:
 *
 *   text → number    an optional minus, 15 digits at most, a point among them or not, and the end
 *   number → text    whole numbers of 32 bits
 *
 * Fifteen digits fit a double, as does the power of ten that they are divided by, so one division rounds as
 * the library does (Clinger, How to Read Floating Point Numbers Accurately, 1990). The rest is its business.
 */

import {
  block,
  branch,
  branchIf,
  type Code,
  call,
  either,
  F64,
  f64,
  get,
  I32,
  i32,
  loop,
  num,
  RETURN,
  real,
  set,
  tee,
  unsigned,
  when,
} from "./assembler.ts";
import { localsOf, type Rewritten } from "./bodies.ts";
import { DIGITS_AT } from "./glue.ts";
import { LuaType, TYPE } from "./layout.ts";

const DIGITS_MAX = 15;
const MINUS = 45;
const POINT = 46;
const ZERO = 48;

/** Both functions have two parameters. */
const PARAMS = 2;

/** What luaO_str2d does first: a text that a zero ends, and where its number goes. */
function readDigits(local: number): Code {
  const [text, result] = [get(0), get(1)];
  const [at, digit, count, isNegative, value, scale] = [0, 1, 2, 3, 4, 5].map((i) => local + i);
  const byte: Code = [get(at), i32.loadByte()];
  const next: Code = [get(at), num(1), i32.add, set(at)];
  /** Takes digits; behind a point each is worth a tenth of the one before. */
  const digits = (more: Code): Code =>
    block(
      loop(
        [byte, num(ZERO), i32.sub, tee(digit), num(10), i32.geU, branchIf(1)],
        [get(count), num(1), i32.add, tee(count), num(DIGITS_MAX), i32.gtS, branchIf(1)],
        [get(value), real(10), f64.mul, get(digit), f64.convert, f64.add, set(value)],
        more,
        [next, branch(0)],
      ),
    );
  return [
    [text, set(at)],
    [byte, num(MINUS), i32.eq, tee(isNegative)],
    when(next),
    [real(1), set(scale)],
    digits([]),
    [byte, num(POINT), i32.eq],
    when(next, digits([get(scale), real(10), f64.mul, set(scale)])),
    [byte, i32.eqz, get(count), num(1), i32.sub, num(DIGITS_MAX), i32.ltU, i32.and],
    when(
      [result, get(value), get(scale), f64.div, f64.store()],
      get(isNegative),
      when(result, result, f64.load(), f64.neg, f64.store()),
      [num(1), RETURN],
    ),
  ];
}

/** luaS_newlstr: a string of so many bytes from an address. */
const NEW_STRING = 389;
const DIGITS_END = DIGITS_AT + 12;

/** What luaV_tostring does first: the state, and the address of the value that becomes a string. */
function writeDigits(local: number): Code {
  const [L, value] = [get(0), get(1)];
  const [whole, rest, at] = [0, 1, 2].map((i) => local + i);
  const number = local + 4;
  const isWhole: Code = [
    [value, f64.load(), tee(number), i32.truncate, tee(whole), f64.convert, get(number), f64.eq],
    // Minus zero has a sign.
    [get(whole), i32.eqz, value, i32.load(4), num(0), i32.ne, i32.and, i32.eqz],
    i32.and,
  ];
  const isNegative: Code = [get(whole), num(0), i32.ltS];
  const previous: Code = [get(at), num(1), i32.sub, tee(at)];
  return [
    [value, i32.load(TYPE), num(LuaType.NUMBER), i32.eq],
    when(
      isWhole,
      when(
        [num(DIGITS_END), set(at)],
        [isNegative, either(I32, [num(0), get(whole), i32.sub], get(whole)), set(rest)],
        loop(
          [previous, get(rest), num(10), i32.remU, num(ZERO), i32.add, i32.storeByte()],
          [get(rest), num(10), i32.divU, tee(rest), branchIf(0)],
        ),
        isNegative,
        when(previous, num(MINUS), i32.storeByte()),
        [value, L, get(at), num(DIGITS_END), get(at), i32.sub, call(NEW_STRING), i32.store()],
        [value, num(LuaType.STRING), i32.store(TYPE)],
        [num(1), RETURN],
      ),
    ),
  ];
}

/** A function with something in front of it, which has four integers and two doubles more as locals. */
const withFirst = (place: number, size: number, first: (local: number) => Code): Rewritten => ({
  place,
  size,
  rewrite(body) {
    const { groups, count, written, end } = localsOf(body);
    return [
      [unsigned(groups + 2), written, unsigned(4), I32, unsigned(2), F64],
      first(PARAMS + count),
      [...body.bytes.subarray(end, body.end)],
    ];
  },
});

export const textToNumber = withFirst(320, 292, readDigits);
export const numberToText = withFirst(414, 90, writeDigits);
