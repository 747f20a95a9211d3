/**
 * Integers in the arguments of Lua's own functions. Redis runs on 64 bits, where they are read as
 * 64-bit integers; this machine has 32. What a number beyond 2^31 means there is put in its place, in
 * one of two ways: as a position in a string, which is only compared, or cut to its low 32 bits, as
 * what C calls an `int` is.
 */

import type { HostFunction, LuaStack } from "./stack.ts";

/** What a processor makes of a number that does not fit 64 bits. */
export const INT64_MIN = -(2 ** 63);

/** A double as a 64-bit integer, still as a double. */
export function truncated(value: number): number {
  return value >= INT64_MIN && value < 2 ** 63 ? Math.trunc(value) : INT64_MIN;
}

/** The low 32 bits of the 64-bit integer, with a sign. */
export function int(value: number): number {
  const whole = truncated(value);
  // `| 0` is exact for every double that is an integer.
  return whole | 0;
}

/** A position: what lies beyond 32 bits lies beyond every string. */
function position(value: number): number {
  const whole = truncated(value);
  if (whole === INT64_MIN) return -(2 ** 31);
  return Math.max(-(2 ** 31) + 1, Math.min(whole, 2 ** 31 - 1));
}

function put(stack: LuaStack, index: number, read: (value: number) => number): void {
  const value = stack.number(index);
  if (Math.abs(value) < 2 ** 31) return;
  stack.pushNumber(read(value));
  stack.replace(index);
}

/** Makes what a guard asks for arguments `from` to `to` that are positions. */
export function positions(from: number, to: number): HostFunction {
  return (stack) => {
    for (let i = from; i <= to; i++) put(stack, i, position);
    return 0;
  };
}

/** Makes what a guard asks for arguments `from` to `to` that are of C's type `int`. */
export function ints(from: number, to: number): HostFunction {
  return (stack) => {
    const last = Math.min(to, stack.top);
    for (let i = from; i <= last; i++) put(stack, i, int);
    return 0;
  };
}

/** Lua moves every element behind a position, those that are nil, too: two thousand millions, if need be. */
const POSITION_MIN = -(2 ** 24);

/** `table.insert(t, pos, value)` has a position where `table.insert(t, value)` has any value. */
export const insertPosition: HostFunction = (stack) => {
  if (stack.top !== 3) return 0;
  put(stack, 2, int);
  if (stack.isNumber(2) && stack.number(2) < POSITION_MIN)
    stack.badArgument(2, "position out of bounds");
  return 0;
};
