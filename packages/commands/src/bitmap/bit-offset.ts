/** The errors and the arithmetic of bit offsets, which SETBIT, GETBIT and BITFIELD share. */
import { Int64, parseInt64, toBigInt } from "@kv/core";
import type { Call } from "../call/call.ts";
import { CommandError } from "../call/errors.ts";

const HASH_SIGN = 35;

const invalidBitOffset = new CommandError("ERR bit offset is not an integer or out of range");
export const invalidBit = new CommandError("ERR bit is not an integer or out of range");

const exact = new Int64();

/**
 * The offset of a bit at an argument. `fieldBits` above 0: behind a "#" the number counts fields of
 * so many bits. What no string may be long enough for is refused.
 */
export function bitOffsetAt(call: Call, index: number, fieldBits: number): number {
  const start = call.start(index);
  const counted = fieldBits > 0 && call.length(index) > 0 && call.bytes[start] === HASH_SIGN;
  const offset = counted
    ? fieldOffset(call, index, fieldBits)
    : call.integer(index, invalidBitOffset);
  if (offset < 0 || Math.floor(offset / 8) >= call.stringBytesMax) throw invalidBitOffset;
  return offset;
}

/** Number of a field times its width, in the 64 bits that Redis has for it. */
function fieldOffset(call: Call, index: number, fieldBits: number): number {
  if (!parseInt64(call.bytes, call.start(index) + 1, call.end(index), exact))
    throw invalidBitOffset;
  return Number(BigInt.asIntN(64, toBigInt(exact.hi, exact.lo) * BigInt(fieldBits)));
}
