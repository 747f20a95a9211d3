/**
 * Functions of Lua's own that may run for minutes within one instruction, where the hook asks nothing: a
 * match of a pattern, a search for a plain text, a sort. Here their loops get a few instructions of
 * WebAssembly in front, which count turns and ask when many were taken, as the hook does: so such a
 * function can be suspended and killed, which it cannot be in a machine of C.
 *
 *   a turn    counts 1; one of a sort compares two texts, which may be long, and counts more
 *   memcmp    counts 1 for each byte: a back reference, a plain text that is nearly there
 *
 * bodies.ts finds the functions.
 */

import { type Code, callIndirect, get, I32, i32, num, tee, unsigned, when } from "./assembler.ts";
import { type Body, CALL, localsOf, Reader, type Rewritten } from "./bodies.ts";
import { ASK_SLOT_AT, BUDGET_AT } from "./glue.ts";

interface LongFunction {
  place: number;
  size: number;
  params: number;
  /** Where it has the state. */
  state: Code;
  /** Which of its loops count, in the order of their beginnings; undefined: all of them. */
  loops?: readonly number[];
  /** What a turn counts. */
  weight: number;
}

const STATE_OF_MATCH = 8;

const LONG_FUNCTIONS: readonly LongFunction[] = [
  // str_find_aux: the loop that searches for a plain text. The others call `match`, or are short.
  { place: 369, size: 1167, params: 2, state: get(0), loops: [5], weight: 1 },
  // match, with what it is made of
  { place: 375, size: 2883, params: 3, state: [get(0), i32.load(STATE_OF_MATCH)], weight: 1 },
  // auxsort
  { place: 405, size: 595, params: 3, state: get(0), weight: 64 },
];

/** The number of `memcmp`. */
const MEMCMP = 491;

/** The type of what asks: the state and an address, no result. */
const ASK_TYPE = [0x60, 2, I32, I32, 0];
const LOOP = 0x03;

/** Takes from the budget what `spent` leaves, and leaves what is left in the local `left`. */
const spend = (spent: Code, left: number): Code => [
  num(0),
  [num(0), i32.load(BUDGET_AT), spent, i32.sub, tee(left)],
  i32.store(BUDGET_AT),
];

/** A body of a function that counts and asks. */
function asking(body: Body, it: LongFunction): Code {
  const { bytes, end } = body;
  const locals = localsOf(body);
  const left = it.params + locals.count;
  const length = left + 1;
  const turn: Code = [
    spend(num(it.weight), left),
    [get(left), num(0), i32.leS],
    when(it.state, [
      num(0),
      num(0),
      i32.load(ASK_SLOT_AT),
      callIndirect(body.typeNumber(ASK_TYPE)),
    ]),
  ];
  const comparison: Code = [tee(length), spend(get(length), left)];
  const parts: Code[] = [unsigned(locals.groups + 1), locals.written, [unsigned(2), I32]];
  const reader = new Reader(bytes, locals.end);
  let copied = reader.at;
  let loops = 0;
  while (reader.at < end) {
    const start = reader.at;
    const opcode = reader.byte();
    const isComparison = opcode === CALL && new Reader(bytes, reader.at).number() === MEMCMP;
    const isTurn = opcode === LOOP && (it.loops?.includes(loops++) ?? true);
    reader.skipOperands(opcode);
    if (!isTurn && !isComparison) continue;
    // In front of a call, behind the beginning of a loop.
    const place = isTurn ? reader.at : start;
    parts.push([...bytes.subarray(copied, place)], isTurn ? turn : comparison);
    copied = place;
  }
  return [...parts, [...bytes.subarray(copied, end)]];
}

/** The functions that may run long, written so that they ask. */
export const longFunctions: readonly Rewritten[] = LONG_FUNCTIONS.map((it) => ({
  place: it.place,
  size: it.size,
  rewrite: (body) => asking(body, it),
}));
