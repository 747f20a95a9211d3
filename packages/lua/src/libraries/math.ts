/**
 * Chance as scripts have it: Redis's own generator, 48 bits, linear, the same everywhere. It goes on
 * from one script to the next, as in Redis since 7.0, unless the host seeds it anew. And what else of
 * `math` is not Lua's own.
 *
 *   x' = (x * 0x5DEECE66D + 0xB) mod 2^48, and a number is the upper 31 bits
 *
 * The 48 bits are two halves of 24, for a product of halves is exact in a double.
 */

import type { Core } from "../core.ts";
import { ints } from "../integers.ts";
import type { HostFunction, LuaStack } from "../stack.ts";

const HALF = 2 ** 24;
const FACTOR_HIGH = 0x5de;
const FACTOR_LOW = 0xece66d;
const MAX = 2 ** 31 - 1;

export class Chance {
  private high = 0;
  private low = 0;

  constructor() {
    this.seed(0);
  }

  /** A seed is 32 bits, above sixteen that are always the same. */
  seed(value: number): void {
    const bits = value >>> 0;
    this.high = bits >>> 8;
    this.low = ((bits & 0xff) << 16) | 0x330e;
  }

  /** A number from 0 to 2^31 - 1. */
  next(): number {
    const low = this.low * FACTOR_LOW + 0xb;
    const carry = Math.floor(low / HALF);
    this.high = (this.low * FACTOR_HIGH + this.high * FACTOR_LOW + carry) % HALF;
    this.low = low % HALF;
    return this.high * 128 + (this.low >>> 17);
  }
}

function random(chance: Chance, stack: LuaStack): number {
  const count = stack.top;
  // Drawn before the arguments are looked at, as Redis does.
  const part = (chance.next() % MAX) / MAX;
  if (count === 0) {
    stack.pushNumber(part);
    return 1;
  }
  if (count > 2) return stack.fail("wrong number of arguments");
  stack.checkNumber(1);
  if (count === 2) stack.checkNumber(2);
  ints(1, count)(stack);
  const low = count === 1 ? 1 : Math.trunc(stack.number(1));
  const high = Math.trunc(stack.number(count));
  if (low > high) stack.badArgument(count, "interval is empty");
  // The width is computed in 32 bits.
  stack.pushNumber(Math.floor(part * (count === 1 ? high : (high - low + 1) | 0)) + low);
  return 1;
}

/** Adds to the table `math` on top of the stack. */
export function addMath(core: Core, chance: Chance): void {
  const functions: Record<string, HostFunction> = {
    random: (stack) => random(chance, stack),
    randomseed: (stack) => {
      stack.checkNumber(1);
      ints(1, 1)(stack);
      chance.seed(Math.trunc(stack.number(1)));
      return 0;
    },
  };
  core.setFunctions(functions, { pi: Math.PI, huge: Number.POSITIVE_INFINITY });
}
