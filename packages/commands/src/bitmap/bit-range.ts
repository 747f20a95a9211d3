/**
 * The range of BITCOUNT and BITPOS: from a first through a last byte, or bit, of a string. Negative
 * ones count from the end. What is left of it is a run of whole bytes, and of the outer two bytes
 * the bits that belong to it:
 *
 *      bits 3 .. 17 of a string    byte 0     byte 1     byte 2
 *                                  00011111   11111111   11000000
 *                           firstMask 0x1f               lastMask 0xc0
 */
import type { Call } from "../call/call.ts";
import { errors } from "../call/errors.ts";
import type { Argument } from "../declare/arg.ts";
import { arg } from "../declare/arg.ts";

/** A range as it was asked for, and what it comes to in a string. */
export class BitRange {
  /** First and last position as given. */
  first = 0;
  last = -1;
  /** Whether positions are those of bits. */
  inBits = false;

  /** First byte of the string that has to do with it, and last; the range is empty if they cross. */
  firstByte = 0;
  lastByte = -1;
  /** The bits of those two that belong to it. Both hold where they are one byte. */
  firstMask = 255;
  lastMask = 255;

  /** All of a string. */
  whole(): void {
    this.first = 0;
    this.last = -1;
    this.inBits = false;
  }

  /** Works out the range in a string of so many bytes. */
  fit(length: number): void {
    const total = this.inBits ? length * 8 : length;
    let { first, last } = this;
    if (first < 0) first = Math.max(0, first + total);
    if (last < 0) last = Math.max(0, last + total);
    if (last >= total) last = total - 1;
    this.firstMask = 255;
    this.lastMask = 255;
    if (first > last) {
      this.firstByte = 0;
      this.lastByte = -1;
    } else if (this.inBits) {
      this.firstByte = Math.floor(first / 8);
      this.lastByte = Math.floor(last / 8);
      this.firstMask = 255 >> (first % 8);
      this.lastMask = (0xff00 >> ((last % 8) + 1)) & 255;
    } else {
      this.firstByte = first;
      this.lastByte = last;
    }
  }
}

/** True for BIT at the argument, false for BYTE; anything else is a syntax error. */
export function isBitUnit(call: Call, index: number): boolean {
  if (call.is(index, "BIT")) return true;
  if (call.is(index, "BYTE")) return false;
  throw errors.syntax;
}

/** BYTE or BIT, for COMMAND DOCS. */
export const unitArgument: Argument = {
  ...arg.optional(arg.oneOf("unit", arg.token("byte", "BYTE"), arg.token("bit", "BIT"))),
  since: "7.0.0",
};
