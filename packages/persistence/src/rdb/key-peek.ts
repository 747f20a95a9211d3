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
import { isRdbType, valueEndOf } from "./values/form-table.ts";
import { stringEnd } from "./values/value-end.ts";

/** Keys looked at in one go. */
export const PEEK_KEYS = 64;
/** Below this many keys a table is in the cache anyway. */
const KEYS_MIN = 16384;

export class KeyPeek {
  private readonly hashes = new Int32Array(PEEK_KEYS);
  private readonly places = new Int32Array(PEEK_KEYS);

  /**
   * Looks ahead from the value, of this type, that the input has come to. Returns how many keys it
   * has seen behind it.
   */
  ahead(dict: Dict, input: RdbInput, type: number): number {
    if (dict.count < KEYS_MIN) return 0;
    const { bytes, view, end } = input;
    let seen = 0;
    let count = 0;
    let { at } = input;
    for (; seen < PEEK_KEYS; seen++) {
      const endOf = valueEndOf(type);
      if (endOf === undefined) break;
      at = endOf(bytes, at, end);
      while (at < end && bytes[at] === Opcode.EXPIRETIME_MS) at += 9;
      if (at >= end) break;
      type = bytes[at];
      if (!isRdbType(type)) break;
      const keyStart = at + 1;
      const keyEnd = stringEnd(bytes, keyStart, end);
      if (keyEnd > end) break;
      // Longer keys, and those that look like integers, have another header: they are passed over.
      if (bytes[keyStart] < 64) this.hashes[count++] = dict.hash(bytes, view, keyStart + 1, keyEnd);
      at = keyEnd;
    }
    if (count > 0) dict.touchSlots(this.hashes, count, this.places);
    return seen;
  }
}
