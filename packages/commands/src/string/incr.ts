/**
 * INCR, DECR, INCRBY, DECRBY: counters of 64 bits, changed in place.
 *
 * Sums of safe integers are computed as doubles; only beyond 2^53 a BigInt is made.
 */
import {
  Encoding,
  encodingOf,
  Int64,
  isSafe,
  NONE,
  parseInt64,
  type Ref,
  readInteger,
  splitBigInt,
  splitNumber,
  Type,
  toBigInt,
  toNumber,
  updateInteger,
} from "@kv/core";
import type { Call } from "../call/call.ts";
import { CommandError, errors } from "../call/errors.ts";
import { Notify } from "../call/notify.ts";
import { arg } from "../declare/arg.ts";
import { command } from "../declare/command.ts";
import { keyAt } from "../declare/key-spec.ts";
import { putInteger, readString } from "./string-at.ts";

const INT64_MIN = -(2n ** 63n);
const INT64_MAX = 2n ** 63n - 1n;

const step = new Int64();
const value = new Int64();

/** Reads the counter at argument 1 into `value`, zero when missing. Returns its entry. */
function readCounter(call: Call): Ref {
  const entry = call.writeTyped(1, Type.STRING);
  if (entry === NONE) {
    value.hi = 0;
    value.lo = 0;
  } else if (!readInteger(call.keyspace.arena, entry, value)) {
    // Digits that came by APPEND or SETRANGE are not stored as an integer, yet count as one.
    readString(call, entry);
    const { bytes, start, end } = call.value;
    if (!parseInt64(bytes, start, end, value)) throw errors.notAnInteger;
  }
  return entry;
}

/** Adds a safe integer to the counter. */
function addNumber(call: Call, amount: number): void {
  const entry = readCounter(call);
  if (isSafe(value.hi, value.lo)) {
    const sum = toNumber(value.hi, value.lo) + amount;
    if (Number.isSafeInteger(sum)) {
      splitNumber(sum, value);
      store(call, entry);
      return;
    }
  }
  storeWide(call, entry, toBigInt(value.hi, value.lo) + BigInt(amount));
}

function addWide(call: Call, amount: bigint): void {
  const entry = readCounter(call);
  storeWide(call, entry, toBigInt(value.hi, value.lo) + amount);
}

function storeWide(call: Call, entry: Ref, sum: bigint): void {
  if (sum < INT64_MIN || sum > INT64_MAX) throw errors.overflow;
  splitBigInt(sum, value);
  store(call, entry);
}

function store(call: Call, entry: Ref): void {
  const { hi, lo } = value;
  if (entry !== NONE && encodingOf(call.keyspace.arena, entry) === Encoding.INT) {
    updateInteger(call.database, entry, hi, lo);
  } else {
    putInteger(call, entry, hi, lo);
  }
  call.changed(1, "incrby", Notify.STRING);
  call.reply.integer64(hi, lo);
}

export const incr = command({
  name: "incr",
  group: "string",
  since: "1.0.0",
  summary: "Adds one to a counter; a missing key counts as zero.",
  complexity: "O(1)",
  arity: 2,
  flags: ["write", "denyoom", "fast"],
  keys: [keyAt(1, "RW", "access", "update")],
  args: [arg.key("key")],

  run(call) {
    addNumber(call, 1);
  },
});

export const decr = command({
  name: "decr",
  group: "string",
  since: "1.0.0",
  summary: "Subtracts one from a counter; a missing key counts as zero.",
  complexity: "O(1)",
  arity: 2,
  flags: ["write", "denyoom", "fast"],
  keys: [keyAt(1, "RW", "access", "update")],
  args: [arg.key("key")],

  run(call) {
    addNumber(call, -1);
  },
});

export const incrby = command({
  name: "incrby",
  group: "string",
  since: "1.0.0",
  summary: "Adds an integer to a counter; a missing key counts as zero.",
  complexity: "O(1)",
  arity: 3,
  flags: ["write", "denyoom", "fast"],
  keys: [keyAt(1, "RW", "access", "update")],
  args: [arg.key("key"), arg.integer("increment")],

  run(call) {
    call.int64(2, step);
    if (isSafe(step.hi, step.lo)) addNumber(call, toNumber(step.hi, step.lo));
    else addWide(call, toBigInt(step.hi, step.lo));
  },
});

/** -2^63 has no opposite among 64-bit integers. */
const decrementOverflow = new CommandError("ERR decrement would overflow");

export const decrby = command({
  name: "decrby",
  group: "string",
  since: "1.0.0",
  summary: "Subtracts an integer from a counter; a missing key counts as zero.",
  complexity: "O(1)",
  arity: 3,
  flags: ["write", "denyoom", "fast"],
  keys: [keyAt(1, "RW", "access", "update")],
  args: [arg.key("key"), arg.integer("decrement")],

  run(call) {
    call.int64(2, step);
    if (isSafe(step.hi, step.lo)) {
      addNumber(call, -toNumber(step.hi, step.lo));
      return;
    }
    const amount = toBigInt(step.hi, step.lo);
    if (amount === INT64_MIN) throw decrementOverflow;
    addWide(call, -amount);
  },
});
