/**
 * Numbers that scripts have as text: arguments, replies, what `tonumber` and arithmetic read. The machine's
 * way with them is the C library's, which takes every form there is and computes it in software, with 128
 * bits. Nearly all are decimal digits, so these are read first:
 *
 *   an optional minus, 15 digits at most, a point among them or not, and the end
 *
 * Fifteen digits fit a double, as does the power of ten that they are divided by, so one division rounds as
 * the library does (Clinger, How to Read Floating Point Numbers Accurately, 1990). The rest is its business.
 */

import {
  block,
  branch,
  branchIf,
  type Code,
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

const DIGITS_MAX = 15;
const MINUS = 45;
const POINT = 46;
const ZERO = 48;

/** luaO_str2d: a text that a zero ends and where the number goes; whether it is one. */
const PARAMS = 2;

/** What is done first; `local` is the first of four integers and two doubles. */
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

export const numberTexts: readonly Rewritten[] = [
  {
    place: 320,
    size: 292,
    rewrite(body) {
      const { groups, count, written, end } = localsOf(body);
      return [
        [unsigned(groups + 2), written, unsigned(4), I32, unsigned(2), F64],
        readDigits(PARAMS + count),
        [...body.bytes.subarray(end, body.end)],
      ];
    },
  },
];
