/**
 * KeyPeek: reads the table slots that the next keys of a file will need, before their turn comes.
 *
 * A file's keys are in no order that the new table has, so nearly every one is a cache miss, and
 * misses that wait for each other are most of what loading takes. Here a few dozen keys are found
 * ahead of the reader, hashed, and their slots read in one go (Dict.touchSlots).
 *
 * It is a hint and nothing else. What is odd, damaged or not here yet ends the look ahead; the
 * reader will find out in its turn what is the matter with it.
 */
import type { Dict } from "@kv/core";
import { Opcode } from "./format.ts";
import type { RdbInput } from "./input.ts";
import { isOneString } from "./values/form-table.ts";

/** Keys looked at in one go. */
export const PEEK_KEYS = 64;
/** Below this many keys a table is in the cache anyway. */
const KEYS_MIN = 16384;

export class KeyPeek {
  private readonly hashes = new Int32Array(PEEK_KEYS);
  private readonly places = new Int32Array(PEEK_KEYS);

  /** Looks ahead from the value, of this type, that the input has come to. */
  ahead(dict: Dict, input: RdbInput, type: number): void {
    if (dict.count < KEYS_MIN) return;
    const { bytes, view, end } = input;
    let count = 0;
    let at = input.at;
    while (count < PEEK_KEYS && isOneString(type)) {
      at = stringEnd(bytes, at, end);
      while (at < end && bytes[at] === Opcode.EXPIRETIME_MS) at += 9;
      if (at >= end) break;
      type = bytes[at];
      const keyStart = at + 1;
      const keyEnd = stringEnd(bytes, keyStart, end);
      if (keyEnd > end) break;
      // Longer keys, and those that look like integers, have another header: they are passed over.
      if (bytes[keyStart] < 64) this.hashes[count++] = dict.hash(bytes, view, keyStart + 1, keyEnd);
      at = keyEnd;
    }
    if (count > 0) dict.touchSlots(this.hashes, count, this.places);
  }
}

/** Where the string at `at` ends; Infinity when it is not all here, or not of a usual form. */
function stringEnd(bytes: Uint8Array, at: number, end: number): number {
  if (at + 5 >= end) return Number.POSITIVE_INFINITY;
  const first = bytes[at];
  if (first < 0x40) return at + 1 + first;
  if (first < 0x80) return at + 2 + (((first & 63) << 8) | bytes[at + 1]);
  // An integer of 1, 2 or 4 bytes.
  if (first >= 0xc0 && first <= 0xc2) return at + 1 + (1 << (first & 3));
  return Number.POSITIVE_INFINITY;
}
