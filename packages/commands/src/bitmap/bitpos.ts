/** BITPOS: the first bit of a string that is set, or clear. */
import { NONE, Type, textWords } from "@kv/core";
import { CommandError, errors } from "../call/errors.ts";
import { arg } from "../declare/arg.ts";
import { command } from "../declare/command.ts";
import { keyAt } from "../declare/key-spec.ts";
import { readString } from "../string/string-at.ts";
import { BitRange, isBitUnit, unitArgument } from "./bit-range.ts";

const invalidBit = new CommandError("ERR The bit argument must be 1 or 0.");

/** Index of the first byte of bytes[at, end) other than `byte`, which is 0 or 255; `end`: none is. */
function firstOther(
  bytes: Uint8Array,
  words: Int32Array | null,
  at: number,
  end: number,
  byte: number,
): number {
  if (words !== null && end - at >= 16) {
    for (; at % 4 !== 0; at++) if (bytes[at] !== byte) return at;
    // Four such bytes are the word 0, or -1.
    const word = byte === 0 ? 0 : -1;
    let index = at >>> 2;
    const last = end >>> 2;
    // Eight at a time: what differs from `word` in any of them is left in `other`.
    for (; index + 8 <= last; index += 8) {
      const other =
        ((words[index] as number) ^ word) |
        ((words[index + 1] as number) ^ word) |
        ((words[index + 2] as number) ^ word) |
        ((words[index + 3] as number) ^ word) |
        ((words[index + 4] as number) ^ word) |
        ((words[index + 5] as number) ^ word) |
        ((words[index + 6] as number) ^ word) |
        ((words[index + 7] as number) ^ word);
      if (other !== 0) break;
    }
    while (index < last && words[index] === word) index++;
    at = index * 4;
  }
  while (at < end && bytes[at] === byte) at++;
  return at;
}

/** Position, in the string bytes[start, ...), of the first `bit` of the range; -1: it has none. */
function firstBit(bytes: Uint8Array, words: Int32Array | null, start: number, bit: number): number {
  const { firstByte, lastByte, firstMask, lastMask } = range;
  // Turned so that the bit looked for is 1, and what is not in the range 0.
  const turn = bit === 1 ? 0 : 255;
  const only = firstByte === lastByte ? firstMask & lastMask : firstMask;
  const first = ((bytes[start + firstByte] as number) ^ turn) & only;
  if (first !== 0) return firstByte * 8 + Math.clz32(first) - 24;
  if (firstByte === lastByte) return -1;
  const at = firstOther(bytes, words, start + firstByte + 1, start + lastByte, turn);
  let found = (bytes[at] as number) ^ turn;
  if (at === start + lastByte) found &= lastMask;
  return found === 0 ? -1 : (at - start) * 8 + Math.clz32(found) - 24;
}

const range = new BitRange();

export const bitpos = command({
  name: "bitpos",
  group: "bitmap",
  since: "2.8.7",
  summary: "Returns the position of the first bit of a string that is set, or that is clear.",
  complexity: "O(N) where N is the number of bytes looked at.",
  arity: -3,
  flags: ["readonly"],
  keys: [keyAt(1, "RO", "access")],
  args: [
    arg.key("key"),
    arg.integer("bit"),
    arg.optional(
      arg.block(
        "range",
        arg.integer("start"),
        arg.optional(arg.block("end-unit-block", arg.integer("end"), unitArgument)),
      ),
    ),
  ],
  history: [["7.0.0", "New option `BYTE|BIT`."]],

  run(call) {
    const { argc } = call;
    const bit = call.integer(2);
    if (bit !== 0 && bit !== 1) throw invalidBit;
    const entry = call.readTyped(1, Type.STRING);
    if (entry === NONE) {
      // So it is in Redis until 8.0: of a missing key the range is not looked at.
      call.reply.integer(bit === 1 ? -1 : 0);
      return;
    }
    range.whole();
    if (argc > 3) range.first = call.integer(3);
    if (argc > 6) throw errors.syntax;
    if (argc === 6) range.inBits = isBitUnit(call, 5);
    if (argc > 4) range.last = call.integer(4);
    readString(call, entry);
    const { bytes, start, end } = call.value;
    range.fit(end - start);
    let position = -1;
    if (range.firstByte <= range.lastByte) {
      position = firstBit(bytes, textWords(call.keyspace.arena, entry), start, bit);
      // Behind its end a string is as good as clear, unless an end was given.
      if (position === -1 && bit === 0 && argc < 5) position = (end - start) * 8;
    }
    call.reply.integer(position);
  },
});
