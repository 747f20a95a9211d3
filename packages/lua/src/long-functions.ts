/**
 * Functions of Lua's own that may run for minutes within one instruction, where the hook asks nothing: a
 * match of a pattern, a search for a plain text, a sort. Here their loops get a few instructions of
 * WebAssembly in front, which count turns and ask when many were taken, as the hook does: so such a
 * function can be suspended and killed, which it cannot be in a machine of C.
 *
 *   a turn    counts 1; one of a sort compares two texts, which may be long, and counts more
 *   memcmp    counts 1 for each byte: a back reference, a plain text that is nearly there
 *
 * The machine is pinned: functions are found by their place and known by their size.
 */

import {
  type Code,
  callIndirect,
  flat,
  get,
  I32,
  i32,
  num,
  tee,
  unsigned,
  when,
} from "./assembler.ts";
import { ASK_SLOT_AT, BUDGET_AT } from "./glue.ts";

interface LongFunction {
  /** Its place among the bodies, and its bytes there. */
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

const HEADER_BYTES = 8;
const TYPES = 1;
const BODIES = 10;
/** The type of what asks: the state and an address, no result. */
const ASK_TYPE = [0x60, 2, I32, I32, 0];

const LOOP = 0x03;
const BRANCH_TABLE = 0x0e;
const CALL = 0x10;
const SELECT_TYPED = 0x1c;
const F32_CONST = 0x43;
const F64_CONST = 0x44;
const MORE = 0xfc;

/** How many numbers follow an instruction, where that is not 0. */
function operands(opcode: number): number {
  if (opcode >= 0x28 && opcode <= 0x3e) return 2;
  if (opcode >= 0x20 && opcode <= 0x26) return 1;
  if (opcode >= 0x02 && opcode <= 0x04) return 1;
  if (opcode === 0x0c || opcode === 0x0d || opcode === CALL) return 1;
  if (opcode === 0x11) return 2;
  return opcode >= 0x3f && opcode <= 0x42 ? 1 : 0;
}

/** Reads what a module is written in. */
class Reader {
  at: number;
  private readonly bytes: Uint8Array;

  constructor(bytes: Uint8Array, at: number) {
    this.bytes = bytes;
    this.at = at;
  }

  byte(): number {
    return this.bytes[this.at++];
  }

  /** A number without a sign. One with a sign has the same length, which is all that is asked of it. */
  number(): number {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      if (this.at >= this.bytes.length) throw unknown();
      const byte = this.byte();
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value >>> 0;
    }
  }

  numbers(count: number): void {
    for (let i = 0; i < count; i++) this.number();
  }

  /** Goes over what follows the byte of an instruction. */
  skipOperands(opcode: number): void {
    if (opcode === F32_CONST) this.at += 4;
    else if (opcode === F64_CONST) this.at += 8;
    else if (opcode === BRANCH_TABLE) this.numbers(this.number() + 1);
    else if (opcode === SELECT_TYPED) this.numbers(this.number());
    else if (opcode === MORE) this.skipOperandsOfMore(this.number());
    else this.numbers(operands(opcode));
  }

  private skipOperandsOfMore(opcode: number): void {
    if (opcode === 8 || opcode === 10) this.numbers(2);
    else if (opcode === 9 || opcode === 11) this.number();
  }
}

/** The number of the type of what asks. */
function askType(bytes: Uint8Array, at: number): number {
  const reader = new Reader(bytes, at);
  const count = reader.number();
  for (let type = 0; type < count; type++) {
    const start = reader.at;
    reader.byte();
    // A kind of value is a byte.
    reader.numbers(reader.number());
    reader.numbers(reader.number());
    if (ASK_TYPE.every((byte, i) => bytes[start + i] === byte)) return type;
  }
  throw unknown();
}

const unknown = () => new Error("this machine is not the one that is known");

/** Takes from the budget what `spent` leaves, and leaves what is left in the local `left`. */
const spend = (spent: Code, left: number): Code => [
  num(0),
  [num(0), i32.load(BUDGET_AT), spent, i32.sub, tee(left)],
  i32.store(BUDGET_AT),
];

/** A body of a function that counts and asks; `from` is behind its size. */
function asking(bytes: Uint8Array, from: number, it: LongFunction, type: number): Code {
  const reader = new Reader(bytes, from);
  const groups = reader.number();
  const locals = reader.at;
  let left = it.params;
  for (let i = 0; i < groups; i++) {
    left += reader.number();
    reader.byte();
  }
  const length = left + 1;
  const turn: Code = [
    spend(num(it.weight), left),
    [get(left), num(0), i32.leS],
    when(it.state, num(0), num(0), i32.load(ASK_SLOT_AT), callIndirect(type)),
  ];
  const comparison: Code = [tee(length), spend(get(length), left)];
  const parts: Code[] = [
    unsigned(groups + 1),
    [...bytes.subarray(locals, reader.at)],
    [unsigned(2), I32],
  ];
  let copied = reader.at;
  let loops = 0;
  const end = from + it.size;
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

/** The machine whose long functions ask, from its bytes as they come. Throws when it is another one. */
export function askingMachine(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const reader = new Reader(bytes, HEADER_BYTES);
  let type = -1;
  while (reader.at < bytes.length) {
    const head = reader.at;
    const section = reader.byte();
    const size = reader.number();
    const start = reader.at;
    reader.at = start + size;
    if (section === TYPES) type = askType(bytes, start);
    if (section !== BODIES) continue;
    const end = start + size;
    const changed = withAskingBodies(bytes, start, end, type);
    const before = bytes.subarray(0, head);
    const header = flat(
      [BODIES, unsigned(changed.reduce((sum, { length }) => sum + length, 0))],
      [],
    );
    return joined([before, header, ...changed, bytes.subarray(end)]);
  }
  throw unknown();
}

/** The section of the bodies, from `start` to `end`, in pieces. */
function withAskingBodies(
  bytes: Uint8Array,
  start: number,
  end: number,
  type: number,
): ArrayLike<number>[] {
  const reader = new Reader(bytes, start);
  const pieces: ArrayLike<number>[] = [];
  const count = reader.number();
  let copied = start;
  let found = 0;
  for (let place = 0; place < count && found < LONG_FUNCTIONS.length; place++) {
    const head = reader.at;
    const size = reader.number();
    const it = LONG_FUNCTIONS[found];
    if (place === it.place) {
      if (size !== it.size) throw unknown();
      const body = flat(asking(bytes, reader.at, it, type), []);
      pieces.push(bytes.subarray(copied, head), flat(unsigned(body.length), []), body);
      copied = reader.at + size;
      found++;
    }
    reader.at += size;
  }
  if (found < LONG_FUNCTIONS.length) throw unknown();
  pieces.push(bytes.subarray(copied, end));
  return pieces;
}

function joined(pieces: ArrayLike<number>[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
}
