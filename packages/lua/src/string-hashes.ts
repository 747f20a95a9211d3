/**
 * The hash by which Lua's machine finds a string again: of all of its bytes, as Redis has it. As Lua comes, of a
 * long one it takes some bytes alone, and a table of long strings that are the same there takes minutes to
 * fill (measured: 50,000 of them, four minutes; now 1.2 s). The order of a table's keys follows from it, too.
 *
 *   hash = length
 *   from the last byte to the first, each `step`-th:   step = (length >> 5) + 1, here (length >> 31) + 1
 */

import { type Body, type Rewritten, unknownMachine } from "./bodies.ts";

/** Where the function that makes strings shifts the length: by the byte behind the instruction. */
const SHIFT_AT = 12;
const SHIFT = 5;
/** No string is as long that anything is left of its length. */
const WHOLE_SHIFT = 31;

function hashingAll({ bytes, from, end }: Body): number[] {
  if (bytes[from + SHIFT_AT] !== SHIFT) throw unknownMachine();
  const body = [...bytes.subarray(from, end)];
  body[SHIFT_AT] = WHOLE_SHIFT;
  return body;
}

/** luaS_newlstr, which makes a string or finds that it is there. */
export const wholeHashes: Rewritten = { place: 362, size: 386, rewrite: hashingAll };
