/** BITPOS: the first bit of a string that is set, or clear. */
import { NONE, Type } from "@kv/core";
import { CommandError, errors } from "../call/errors.ts";
import { arg } from "../declare/arg.ts";
import { command } from "../declare/command.ts";
import { keyAt } from "../declare/key-spec.ts";
import { readString } from "../string/string-at.ts";
import { BitRange, isBitUnit, unitArgument } from "./bit-range.ts";

const invalidBit = new CommandError("ERR The bit argument must be 1 or 0.");

/** Bytes that are looked at in one go: eight numbers of 64 bits. */
const STRIDE_BYTES = 64;
/** Fewer bytes than this are looked at one by one. */
const STRIDES_FROM_BYTES = 72;

/**
 * Index of the first 64 bytes of view[at, end) that are not all 0, or all 255; what is left at the end
 * is less than that. The numbers of 64 bits never leave the processor's registers: only whether all
 * eight are none, or full, is asked. One loop for both would have to turn each of them first.
 */
function behindStrides(view: DataView, at: number, end: number, byte: number): number {
  const last = end - STRIDE_BYTES;
  if (byte === 0) {
    for (; at <= last; at += STRIDE_BYTES) {
      const any =
        view.getBigInt64(at, true) |
        view.getBigInt64(at + 8, true) |
        view.getBigInt64(at + 16, true) |
        view.getBigInt64(at + 24, true) |
        view.getBigInt64(at + 32, true) |
        view.getBigInt64(at + 40, true) |
        view.getBigInt64(at + 48, true) |
        view.getBigInt64(at + 56, true);
      if (BigInt.asIntN(64, any) !== 0n) break;
    }
  } else {
    for (; at <= last; at += STRIDE_BYTES) {
      const all =
        view.getBigInt64(at, true) &
        view.getBigInt64(at + 8, true) &
        view.getBigInt64(at + 16, true) &
        view.getBigInt64(at + 24, true) &
        view.getBigInt64(at + 32, true) &
        view.getBigInt64(at + 40, true) &
        view.getBigInt64(at + 48, true) &
        view.getBigInt64(at + 56, true);
      if (BigInt.asIntN(64, all) !== -1n) break;
    }
  }
  return at;
}

/** Index of the first byte of bytes[at, end) other than `byte`, which is 0 or 255; `end`: none is. */
function firstOther(
  bytes: Uint8Array,
  view: DataView,
  at: number,
  end: number,
  byte: number,
): number {
  if (end - at >= STRIDES_FROM_BYTES) {
    for (; at % 8 !== 0; at++) if (bytes[at] !== byte) return at;
    at = behindStrides(view, at, end, byte);
  }
  while (at < end && bytes[at] === byte) at++;
  return at;
}

/** Position, in the string bytes[start, ...), of the first `bit` of the range; -1: it has none. */
function firstBit(bytes: Uint8Array, view: DataView, start: number, bit: number): number {
  const { firstByte, lastByte, firstMask, lastMask } = range;
  // Turned so that the bit looked for is 1, and what is not in the range 0.
  const turn = bit === 1 ? 0 : 255;
  const only = firstByte === lastByte ? firstMask & lastMask : firstMask;
  const first = ((bytes[start + firstByte] as number) ^ turn) & only;
  if (first !== 0) return firstByte * 8 + Math.clz32(first) - 24;
  if (firstByte === lastByte) return -1;
  const at = firstOther(bytes, view, start + firstByte + 1, start + lastByte, turn);
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
    if (argc > 6) throw errors.syntax;
    if (argc > 3) range.first = call.integer(3);
    if (argc === 6) range.inBits = isBitUnit(call, 5);
    if (argc > 4) range.last = call.integer(4);
    readString(call, entry);
    const { bytes, view, start, end } = call.value;
    range.fit(end - start);
    let position = -1;
    if (range.firstByte <= range.lastByte) {
      position = firstBit(bytes, view, start, bit);
      // Behind its end a string is as good as clear, unless an end was given.
      if (position === -1 && bit === 0 && argc < 5) position = (end - start) * 8;
    }
    call.reply.integer(position);
  },
});
