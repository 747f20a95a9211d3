/**
 * BITFIELD and BITFIELD_RO: reading and writing integers of any width in a string, several in one
 * step.
 *
 * The request is read to its end before the key is looked up, and once more while it is carried
 * out: so nothing is kept of it, however many operations it has. The string is made as long as the
 * last write needs, even when that fails for want of bits.
 */
import { Int64, NONE, type Ref, Type, toBigInt, toNumber } from "@kv/core";
import type { Call } from "../call/call.ts";
import { CommandError, errors } from "../call/errors.ts";
import { type Argument, arg } from "../declare/arg.ts";
import { command } from "../declare/command.ts";
import { foundAt, keyAt, type RequestWords } from "../declare/key-spec.ts";
import { readString } from "../string/string-at.ts";
import {
  fit,
  fitNarrow,
  fitWide,
  NARROW_BITS_MAX,
  Overflow,
  readNarrow,
  readWide,
  signedNarrow,
  writeNarrow,
  writeWide,
} from "./bit-integer.ts";
import { bitOffsetAt } from "./bit-offset.ts";
import { closeBits, openBits } from "./writable-bits.ts";

const INT64_MAX = 2n ** 63n - 1n;
const LETTER_I = 105;
const LETTER_U = 117;

const invalidType = new CommandError(
  "ERR Invalid bitfield type. Use something like i16 u8. Note that u64 is not supported but i64 is.",
);
const invalidOverflow = new CommandError("ERR Invalid OVERFLOW type specified");
const onlyGet = new CommandError("ERR BITFIELD_RO only supports the GET subcommand");

const Action = { GET: 1, SET: 2, INCRBY: 3, OVERFLOW: 4 } as const;

/** The operation that is being looked at. */
const operation = {
  action: 0,
  /** How values that do not fit are treated from here on. */
  overflow: 0,
  offset: 0,
  bits: 0,
  isSigned: false,
  /** The argument with the new value or the increment. */
  valueArgument: 0,
};
const value = new Int64();

/** Reads the operation at an argument; returns the argument behind it. */
function readOperation(call: Call, index: number): number {
  const left = call.argc - index - 1;
  if (call.is(index, "GET") && left >= 2) operation.action = Action.GET;
  else if (call.is(index, "SET") && left >= 3) operation.action = Action.SET;
  else if (call.is(index, "INCRBY") && left >= 3) operation.action = Action.INCRBY;
  else if (call.is(index, "OVERFLOW") && left >= 1) {
    operation.action = Action.OVERFLOW;
    operation.overflow = overflowAt(call, index + 1);
    return index + 2;
  } else {
    throw errors.syntax;
  }
  readType(call, index + 1);
  operation.offset = bitOffsetAt(call, index + 2, operation.bits);
  operation.valueArgument = index + 3;
  return operation.action === Action.GET ? index + 3 : index + 4;
}

function overflowAt(call: Call, index: number): number {
  if (call.is(index, "WRAP")) return Overflow.WRAP;
  if (call.is(index, "SAT")) return Overflow.SATURATE;
  if (call.is(index, "FAIL")) return Overflow.FAIL;
  throw invalidOverflow;
}

/** A letter and a number of bits: i1 to i64, u1 to u63. */
function readType(call: Call, index: number): void {
  const { bytes } = call;
  const start = call.start(index);
  const end = call.end(index);
  const letter = end > start ? bytes[start] : 0;
  if (letter !== LETTER_I && letter !== LETTER_U) throw invalidType;
  let bits = 0;
  if (end - start > 3 || bytes[start + 1] === 48) throw invalidType;
  for (let at = start + 1; at < end; at++) {
    const digit = (bytes[at] as number) - 48;
    if (digit < 0 || digit > 9) throw invalidType;
    bits = bits * 10 + digit;
  }
  operation.isSigned = letter === LETTER_I;
  if (bits < 1 || bits > (operation.isSigned ? 64 : 63)) throw invalidType;
  operation.bits = bits;
}

/** Reads the whole request. Returns the bytes that its writes need the string to have; 0: none. */
function readAll(call: Call): number {
  operation.overflow = Overflow.WRAP;
  let bytes = 0;
  for (let index = 2; index < call.argc; ) {
    index = readOperation(call, index);
    if (operation.action === Action.SET || operation.action === Action.INCRBY) {
      call.int64(operation.valueArgument, value);
      bytes = Math.max(bytes, Math.floor((operation.offset + operation.bits - 1) / 8) + 1);
    }
  }
  return bytes;
}

/**
 * Carries out all operations on the string that `call.value` shows. Returns how many changed it:
 * in one that has just become longer every write does.
 */
function runAll(call: Call, isLonger: boolean): number {
  operation.overflow = Overflow.WRAP;
  let count = 0;
  let changes = 0;
  const list = call.reply.deferArray();
  for (let index = 2; index < call.argc; ) {
    index = readOperation(call, index);
    if (operation.action === Action.OVERFLOW) continue;
    count++;
    if (operation.action !== Action.GET) call.int64(operation.valueArgument, value);
    if (runOne(call, isLonger)) changes++;
  }
  call.reply.closeArray(list, count);
  return changes;
}

/** Carries out the operation. True when it changed the string. */
function runOne(call: Call, isLonger: boolean): boolean {
  const { bits, action } = operation;
  const { offset, isSigned, overflow } = operation;
  const given = action === Action.GET ? 0 : toNumber(value.hi, value.lo);
  // What an unsigned field is set to counts as unsigned: -1 is the largest number there is.
  const isHuge = action === Action.SET && !isSigned && given < 0;
  // The sum of two such numbers is exact.
  if (bits > NARROW_BITS_MAX || isHuge || Math.abs(given) > 2 ** 52) return runWide(call, isLonger);
  const { bytes, start, end } = call.value;
  const stored = readNarrow(bytes, start, end, offset, bits);
  const before = isSigned ? signedNarrow(stored, bits) : stored;
  if (action === Action.GET) {
    call.reply.integer(before);
    return false;
  }
  const sum = action === Action.SET ? given : before + given;
  const after = fitNarrow(sum, bits, isSigned, overflow);
  if (fit.overflows && overflow === Overflow.FAIL) {
    call.reply.null();
    return false;
  }
  call.reply.integer(action === Action.SET ? before : after);
  writeNarrow(bytes, start, offset, bits, after < 0 ? after + 2 ** bits : after);
  return isLonger || before !== after;
}

function runWide(call: Call, isLonger: boolean): boolean {
  const { bits, action, offset, isSigned, overflow } = operation;
  const { bytes, start, end } = call.value;
  const stored = readWide(bytes, start, end, offset, bits);
  const before = isSigned ? BigInt.asIntN(bits, stored) : stored;
  if (action === Action.GET) {
    call.reply.integerBig(before);
    return false;
  }
  const given = toBigInt(value.hi, value.lo);
  const sum = action === Action.SET ? valueToSet(given) : before + given;
  const after = fitWide(sum, bits, isSigned, overflow);
  if (fit.overflows && overflow === Overflow.FAIL) {
    call.reply.null();
    return false;
  }
  call.reply.integerBig(action === Action.SET ? before : after);
  writeWide(bytes, start, offset, bits, BigInt.asUintN(bits, after));
  return isLonger || before !== after;
}

/**
 * What a field is to be set to, with its sign as Redis takes it: what an unsigned field is given is
 * unsigned (-1 is the largest number there is), and so is, of a signed one, what is so far below
 * that its distance from the largest value has no room in 64 bits.
 */
function valueToSet(given: bigint): bigint {
  const { bits, isSigned } = operation;
  const isFar = bits < 64 && (1n << BigInt(bits - 1)) - 1n - given > INT64_MAX;
  return !isSigned || isFar ? BigInt.asUintN(64, given) : given;
}

/** Shows the string for reading: no bytes at all when it is missing. */
function showForReading(call: Call, entry: Ref): void {
  if (entry !== NONE) {
    readString(call, entry);
    return;
  }
  call.value.start = 0;
  call.value.end = 0;
}

const getArguments: Argument[] = [arg.string("encoding"), arg.integer("offset")];

const writeArguments: Argument = arg.block(
  "write",
  arg.optional({
    ...arg.oneOf(
      "overflow-block",
      arg.token("wrap", "WRAP"),
      arg.token("sat", "SAT"),
      arg.token("fail", "FAIL"),
    ),
    token: "OVERFLOW",
  }),
  arg.oneOf(
    "write-operation",
    { ...arg.block("set-block", ...getArguments, arg.integer("value")), token: "SET" },
    { ...arg.block("incrby-block", ...getArguments, arg.integer("increment")), token: "INCRBY" },
  ),
);

/** Whether a request only reads, by the operations alone: what cannot be read may be a write. */
function onlyReads(request: RequestWords): boolean {
  for (let at = 2; at < request.argc; ) {
    const left = request.argc - at - 1;
    if (request.is(at, "GET") && left >= 2) at += 3;
    else if (request.is(at, "OVERFLOW") && left >= 1) at += 2;
    else return false;
  }
  return true;
}

export const bitfield = command({
  name: "bitfield",
  group: "bitmap",
  since: "3.2.0",
  summary: "Reads, sets and increments integers of any width in a string, in one step.",
  complexity: "O(1) for each operation.",
  arity: -2,
  flags: ["write", "denyoom"],
  keys: [
    {
      ...keyAt(1, "RW", "access", "update", "variable_flags"),
      notes: "Read or written: the operations decide.",
    },
  ],
  args: [
    arg.key("key"),
    arg.optional(
      arg.many(
        arg.oneOf(
          "operation",
          { ...arg.block("get-block", ...getArguments), token: "GET" },
          writeArguments,
        ),
      ),
    ),
  ],
  getKeys: (request) =>
    onlyReads(request) ? [foundAt(1, "RO", "access")] : [foundAt(1, "RW", "access", "update")],

  run(call) {
    const bytes = readAll(call);
    if (bytes === 0) {
      showForReading(call, call.readTyped(1, Type.STRING));
      runAll(call, false);
      return;
    }
    const entry = call.writeTyped(1, Type.STRING);
    const isLonger = openBits(call, entry, bytes);
    const changes = runAll(call, isLonger);
    closeBits(call, changes > 0);
    if (changes > 1) call.dirty += changes - 1;
  },
});

export const bitfieldRo = command({
  name: "bitfield_ro",
  group: "bitmap",
  since: "6.0.0",
  summary: "Reads integers of any width in a string.",
  complexity: "O(1) for each operation.",
  arity: -2,
  flags: ["readonly", "fast"],
  keys: [keyAt(1, "RO", "access")],
  args: [
    arg.key("key"),
    arg.optional(
      arg.many(
        { ...arg.block("get-block", ...getArguments), token: "GET" },
        { multipleToken: true },
      ),
    ),
  ],

  run(call) {
    if (readAll(call) > 0) throw onlyGet;
    showForReading(call, call.readTyped(1, Type.STRING));
    runAll(call, false);
  },
});
