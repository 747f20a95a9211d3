/**
 * BITCOUNT: how many bits of a string, or of a part of it, are set.
 *
 * Words are added up eight at a time by carry-save adders: a full adder turns three words into one
 * of sums and one of carries with five operations, so that eight words cost one population count
 * (of the words that stand for eight each) and seven adders. The rest is counted word by word, and
 * the bytes before and behind the words by a table.
 */
import { NONE, Type, textWords } from "@kv/core";
import { errors } from "../call/errors.ts";
import { arg } from "../declare/arg.ts";
import { command } from "../declare/command.ts";
import { keyAt } from "../declare/key-spec.ts";
import { readString } from "../string/string-at.ts";
import { BitRange, isBitUnit, unitArgument } from "./bit-range.ts";

/** Set bits of each byte. */
const BITS_OF_BYTE = Uint8Array.from({ length: 256 }, (_, byte) => bitsOf(byte));

/** Set bits of a word: pairs, fours, eights, then the four sums at once by a multiplication. */
function bitsOf(word: number): number {
  let sums = word - ((word >>> 1) & 0x55555555);
  sums = (sums & 0x33333333) + ((sums >>> 2) & 0x33333333);
  return Math.imul((sums + (sums >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

/** Set bits of words[at, end). */
function bitsOfWords(words: Int32Array, at: number, end: number): number {
  let eights = 0;
  let ones = 0;
  let twos = 0;
  let fours = 0;
  for (; at + 8 <= end; at += 8) {
    // Adders in two layers; `half` is what the first two of three words have not in common.
    let a = words[at] as number;
    let b = words[at + 1] as number;
    let half = ones ^ a;
    const twosA = (ones & a) | (half & b);
    ones = half ^ b;
    a = words[at + 2] as number;
    b = words[at + 3] as number;
    half = ones ^ a;
    const twosB = (ones & a) | (half & b);
    ones = half ^ b;
    half = twos ^ twosA;
    const foursA = (twos & twosA) | (half & twosB);
    twos = half ^ twosB;
    a = words[at + 4] as number;
    b = words[at + 5] as number;
    half = ones ^ a;
    const twosC = (ones & a) | (half & b);
    ones = half ^ b;
    a = words[at + 6] as number;
    b = words[at + 7] as number;
    half = ones ^ a;
    const twosD = (ones & a) | (half & b);
    ones = half ^ b;
    half = twos ^ twosC;
    const foursB = (twos & twosC) | (half & twosD);
    twos = half ^ twosD;
    half = fours ^ foursA;
    eights += bitsOf((fours & foursA) | (half & foursB));
    fours = half ^ foursB;
  }
  let count = 8 * eights + 4 * bitsOf(fours) + 2 * bitsOf(twos) + bitsOf(ones);
  for (; at < end; at++) count += bitsOf(words[at] as number);
  return count;
}

/** Set bits of bytes[start, end); `words` is over the same memory, from its beginning on. */
export function countBits(
  bytes: Uint8Array,
  words: Int32Array | null,
  start: number,
  end: number,
): number {
  let count = 0;
  let at = start;
  if (words !== null && end - start >= 16) {
    for (; at % 4 !== 0; at++) count += BITS_OF_BYTE[bytes[at] as number] as number;
    count += bitsOfWords(words, at >>> 2, end >>> 2);
    at = end - (end % 4);
  }
  for (; at < end; at++) count += BITS_OF_BYTE[bytes[at] as number] as number;
  return count;
}

const range = new BitRange();

export const bitcount = command({
  name: "bitcount",
  group: "bitmap",
  since: "2.6.0",
  summary: "Returns how many bits of a string, or of a part of it, are set.",
  complexity: "O(N) where N is the number of bytes looked at.",
  arity: -2,
  flags: ["readonly"],
  keys: [keyAt(1, "RO", "access")],
  args: [
    arg.key("key"),
    arg.optional(arg.block("range", arg.integer("start"), arg.integer("end"), unitArgument)),
  ],
  history: [["7.0.0", "New option `BYTE|BIT`."]],

  run(call) {
    const entry = call.readTyped(1, Type.STRING);
    if (entry === NONE) {
      // So it is in Redis until 8.0: of a missing key the range is not looked at.
      call.reply.integer(0);
      return;
    }
    const { argc } = call;
    range.whole();
    if (argc === 4 || argc === 5) {
      range.first = call.integer(2);
      range.last = call.integer(3);
      if (argc === 5) range.inBits = isBitUnit(call, 4);
    } else if (argc !== 2) {
      throw errors.syntax;
    }
    if (argc > 2 && range.first < 0 && range.last < 0 && range.first > range.last) {
      call.reply.integer(0);
      return;
    }
    readString(call, entry);
    const { bytes, start, end } = call.value;
    range.fit(end - start);
    const { firstByte, lastByte, firstMask, lastMask } = range;
    let count = 0;
    if (firstByte <= lastByte) {
      const words = textWords(call.keyspace.arena, entry);
      count = countBits(bytes, words, start + firstByte, start + lastByte + 1);
      count -= BITS_OF_BYTE[(bytes[start + firstByte] as number) & ~firstMask] as number;
      count -= BITS_OF_BYTE[(bytes[start + lastByte] as number) & ~lastMask] as number;
    }
    call.reply.integer(count);
  },
});
