/**
 * Functions of the machine that are written anew as it is loaded, each found by its place among the bodies
 * and known by its size: the machine is pinned, and another one is refused.
 *
 *   section   number   size   contents
 *   types     1               count, types
 *   bodies    10              count, bodies      a body: size, groups of locals, instructions
 */

import { type Code, flat, unsigned } from "./assembler.ts";

/** A function as the machine has it. */
export interface Body {
  /** Of the machine; a body goes from `from`, behind its size, to `end`. */
  readonly bytes: Uint8Array;
  readonly from: number;
  readonly end: number;
  /** The number of a function's type, from how it is written. */
  typeNumber(kind: readonly number[]): number;
}

/** A function that is written anew. */
export interface Rewritten {
  /** Its place among the bodies, and its bytes there. */
  place: number;
  size: number;
  rewrite(body: Body): Code;
}

const HEADER_BYTES = 8;
const TYPES = 1;
const BODIES = 10;

const BRANCH_TABLE = 0x0e;
export const CALL = 0x10;
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
export class Reader {
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
      if (this.at >= this.bytes.length) throw unknownMachine();
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

/** What is thrown where the machine is another one. */
export const unknownMachine = () => new Error("this machine is not the one that is known");

/** The locals of a body: how they are written, in how many groups, and where its instructions begin. */
export function localsOf({ bytes, from }: Body) {
  const reader = new Reader(bytes, from);
  const groups = reader.number();
  const start = reader.at;
  let count = 0;
  for (let i = 0; i < groups; i++) {
    count += reader.number();
    reader.byte();
  }
  return { groups, count, written: [...bytes.subarray(start, reader.at)], end: reader.at };
}

/** The number of a type in the section of the types, which begins at `at`. */
function typeNumber(bytes: Uint8Array, at: number, kind: readonly number[]): number {
  const reader = new Reader(bytes, at);
  const count = reader.number();
  for (let type = 0; type < count; type++) {
    const start = reader.at;
    reader.byte();
    // A kind of value is a byte.
    reader.numbers(reader.number());
    reader.numbers(reader.number());
    if (kind.every((byte, i) => bytes[start + i] === byte)) return type;
  }
  throw unknownMachine();
}

/**
 * The machine with these functions written anew, which are in the order of their places, from its bytes as
 * they come. Throws when it is another machine.
 */
export function withRewritten(
  bytes: Uint8Array,
  functions: readonly Rewritten[],
): Uint8Array<ArrayBuffer> {
  const reader = new Reader(bytes, HEADER_BYTES);
  let types = -1;
  while (reader.at < bytes.length) {
    const head = reader.at;
    const section = reader.byte();
    const size = reader.number();
    const start = reader.at;
    reader.at = start + size;
    if (section === TYPES) types = start;
    if (section !== BODIES) continue;
    const end = start + size;
    const number = (kind: readonly number[]) => typeNumber(bytes, types, kind);
    const changed = rewrittenBodies(bytes, start, end, functions, number);
    const before = bytes.subarray(0, head);
    const header = flat(
      [BODIES, unsigned(changed.reduce((sum, { length }) => sum + length, 0))],
      [],
    );
    return joined([before, header, ...changed, bytes.subarray(end)]);
  }
  throw unknownMachine();
}

/** The section of the bodies, from `start` to `end`, in pieces. */
function rewrittenBodies(
  bytes: Uint8Array,
  start: number,
  end: number,
  functions: readonly Rewritten[],
  number: Body["typeNumber"],
): ArrayLike<number>[] {
  const reader = new Reader(bytes, start);
  const pieces: ArrayLike<number>[] = [];
  const count = reader.number();
  let copied = start;
  let found = 0;
  for (let place = 0; place < count && found < functions.length; place++) {
    const head = reader.at;
    const size = reader.number();
    const it = functions[found];
    const from = reader.at;
    reader.at += size;
    if (place !== it.place) continue;
    if (size !== it.size) throw unknownMachine();
    const body = flat(it.rewrite({ bytes, from, end: reader.at, typeNumber: number }), []);
    pieces.push(bytes.subarray(copied, head), flat(unsigned(body.length), []), body);
    copied = reader.at;
    found++;
  }
  if (found < functions.length) throw unknownMachine();
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
