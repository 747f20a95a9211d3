/**
 * The formats of `struct`, read where they lie in the machine's memory, up to the zero behind them.
 *
 *   > <        the highest byte first, the lowest first (which is the case at the start)
 *   !n         align to n bytes at most (1 at the start; 8 without n)
 *   x          a byte of padding
 *   b h i l    1, 2, 4, 8 bytes, signed; B H I L unsigned; in and In take n bytes; T is L
 *   f d        4 and 8 bytes of a floating-point number
 *   s          a string and a zero; cn: n bytes; c0: all of a string, or as many as the value before says
 */

import type { LuaStack } from "../stack.ts";

const INT_MAX = 2 ** 31 - 1;
const MAX_INTEGER_BYTES = 32;
const MAX_ALIGN = 8;

const code = (letter: string) => letter.charCodeAt(0);
const [CHARS, SMALL_I] = [code("c"), code("i")];
const [BIG, LITTLE, ALIGN, BLANK] = [code(">"), code("<"), code("!"), code(" ")];

/** What an option is, by its letter. */
export const Kind = { CONTROL: 0, INTEGER: 1, FLOAT: 2, CHARS: 3, STRING: 4, PAD: 5 } as const;
const KINDS = new Uint8Array(256);
/** How many bytes it takes; those of `c` and `i` may be given. */
const SIZES = new Uint8Array(256);
for (const [letters, kind, size] of [
  ["bB", Kind.INTEGER, 1],
  ["hH", Kind.INTEGER, 2],
  ["iI", Kind.INTEGER, 4],
  ["lLT", Kind.INTEGER, 8],
  ["f", Kind.FLOAT, 4],
  ["d", Kind.FLOAT, 8],
  ["c", Kind.CHARS, 1],
  ["s", Kind.STRING, 0],
  ["x", Kind.PAD, 1],
] as const) {
  for (const each of letters) {
    KINDS[code(each)] = kind;
    SIZES[code(each)] = size;
  }
}

const isDigit = (byte: number) => byte >= 0x30 && byte <= 0x39;

/** Reads one format after another. */
export class StructFormat {
  private stack!: LuaStack;
  private at = 0;
  private align = 1;
  big = false;
  /** The option that `next` came to, what it is, and how many bytes it says it takes. */
  option = 0;
  kind: number = Kind.CONTROL;
  size = 0;

  /** Goes to the start of the first argument. */
  begin(stack: LuaStack): void {
    stack.checkString(1);
    this.stack = stack;
    this.at = stack.start;
    this.align = 1;
    this.big = false;
  }

  next(): boolean {
    const option = this.stack.bytes[this.at];
    if (option === 0) return false;
    this.at++;
    this.option = option;
    this.kind = KINDS[option];
    this.size = SIZES[option];
    if (option === CHARS || (option | 0x20) === SMALL_I) this.sized();
    return true;
  }

  /** Integers in small letters have a sign. */
  get isSigned(): boolean {
    return this.option >= 0x61;
  }

  get isAlphanumeric(): boolean {
    const small = this.option | 0x20;
    return isDigit(this.option) || (small >= 0x61 && small <= 0x7a);
  }

  /** Bytes to skip before the option that starts at `position`. */
  padding(position: number): number {
    if (this.align === 1 || this.size === 0 || this.option === CHARS) return 0;
    const size = Math.min(this.size, this.align);
    // As C computes it, for sizes that are no power of two as well.
    return (size - (position & (size - 1))) & (size - 1);
  }

  /** An option that takes no bytes. */
  control(): void {
    const { option, stack } = this;
    if (option === BLANK) return;
    if (option === BIG) this.big = true;
    else if (option === LITTLE) this.big = false;
    else if (option === ALIGN) {
      const align = this.number(MAX_ALIGN);
      if (align <= 0 || (align & (align - 1)) !== 0) {
        stack.error(`alignment ${align} is not a power of 2`);
      }
      this.align = align;
    } else stack.badArgument(1, `invalid format option '${String.fromCharCode(option)}'`);
  }

  private sized(): void {
    this.size = this.number(this.size);
    if (this.kind === Kind.INTEGER && this.size > MAX_INTEGER_BYTES) {
      const text = `integral size ${this.size} is larger than limit of ${MAX_INTEGER_BYTES}`;
      this.stack.error(text);
    }
  }

  private number(otherwise: number): number {
    const { bytes } = this.stack;
    if (!isDigit(bytes[this.at])) return otherwise;
    let value = 0;
    while (isDigit(bytes[this.at])) {
      value = value * 10 + bytes[this.at++] - 0x30;
      if (value > INT_MAX) this.stack.error("integral size overflow");
    }
    return value;
  }
}
