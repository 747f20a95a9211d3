/** HINCRBY and HINCRBYFLOAT: fields as counters. */
import {
  formatInt64,
  type HashValue,
  INT64_TEXT_BYTES,
  Int64,
  isSafe,
  parseInt64,
  splitBigInt,
  splitNumber,
  toBigInt,
  toNumber,
} from "@kv/core";
import { latin1Bytes } from "@kv/resp";
import type { Call } from "../call/call.ts";
import { CommandError, errors } from "../call/errors.ts";
import { addLongDoubles, formatLongDouble, parseLongDouble } from "../call/long-double.ts";
import { Notify } from "../call/notify.ts";
import { arg } from "../declare/arg.ts";
import { command } from "../declare/command.ts";
import { keyAt } from "../declare/key-spec.ts";
import { expireFields } from "./expired-fields.ts";
import { expiryOfField, findField, setField, writeHash } from "./hash-at.ts";

const INT64_MIN = -(2n ** 63n);
const INT64_MAX = 2n ** 63n - 1n;

const step = new Int64();
const value = new Int64();
const digits = new Uint8Array(INT64_TEXT_BYTES);

/** Reads the counter at argument 2 into `value`, zero when missing. */
function readCounter(call: Call, hash: HashValue | null): void {
  value.hi = 0;
  value.lo = 0;
  if (hash === null || !findField(call, hash, 2)) return;
  const { bytes, start, end } = hash.value;
  if (!parseInt64(bytes, start, end, value)) throw errors.hashNotAnInteger;
}

/** Adds `step` to `value`. */
function addStep(): void {
  if (isSafe(value.hi, value.lo) && isSafe(step.hi, step.lo)) {
    const sum = toNumber(value.hi, value.lo) + toNumber(step.hi, step.lo);
    if (Number.isSafeInteger(sum)) {
      splitNumber(sum, value);
      return;
    }
  }
  const sum = toBigInt(value.hi, value.lo) + toBigInt(step.hi, step.lo);
  if (sum < INT64_MIN || sum > INT64_MAX) throw errors.overflow;
  splitBigInt(sum, value);
}

export const hincrby = command({
  name: "hincrby",
  group: "hash",
  since: "2.0.0",
  summary: "Adds an integer to a field of a hash; a missing field counts as zero.",
  complexity: "O(1)",
  arity: 4,
  flags: ["write", "denyoom", "fast"],
  keys: [keyAt(1, "RW", "access", "update")],
  elements: { first: 2, step: 0 },
  args: [arg.key("key"), arg.string("field"), arg.integer("increment")],

  run(call) {
    call.int64(3, step);
    const hash = expireFields(call, writeHash(call, 1), 2, 3, 1);
    readCounter(call, hash);
    addStep();
    setField(call, hash, 2, digits, 0, formatInt64(value.hi, value.lo, digits, 0), true);
    call.changed(1, "hincrby", Notify.HASH);
    call.reply.integer64(value.hi, value.lo);
  },
});

const notFinite = new CommandError("ERR value is NaN or Infinity");

export const hincrbyfloat = command({
  name: "hincrbyfloat",
  group: "hash",
  since: "2.6.0",
  summary: "Adds a floating point number to a field of a hash; a missing field counts as zero.",
  complexity: "O(1)",
  arity: 4,
  flags: ["write", "denyoom", "fast"],
  keys: [keyAt(1, "RW", "access", "update")],
  elements: { first: 2, step: 0 },
  args: [arg.key("key"), arg.string("field"), arg.double("increment")],

  run(call) {
    const increment = parseLongDouble(call.bytes, call.start(3), call.end(3));
    if (increment === null) throw errors.notAFloat;
    if (increment.exponent === Infinity) throw notFinite;
    const hash = expireFields(call, writeHash(call, 1), 2, 3, 1);
    let before = null;
    if (hash !== null && findField(call, hash, 2)) {
      before = parseLongDouble(hash.value.bytes, hash.value.start, hash.value.end);
      if (before === null) throw errors.hashNotAFloat;
    }
    const sum = addLongDoubles(before ?? { mantissa: 0n, exponent: 0 }, increment);
    if (sum === null) throw errors.notANumber;

    const text = latin1Bytes(formatLongDouble(sum));
    const expires = hash?.isVolatile === true && expiryOfField(call, hash, 2) > 0;
    setField(call, hash, 2, text, 0, text.length, true);
    call.changed(1, "hincrbyfloat", Notify.HASH);
    call.reply.bulk(text, 0, text.length);
    // The sum goes on, not the sum's making: nobody else has to compute as we do.
    if (!call.propagates) return;
    const key = call.argument(1);
    const field = call.argument(2);
    if (expires) call.propagateAs("HSETEX", key, "KEEPTTL", "FIELDS", 1, field, text);
    else call.propagateAs("HSET", key, field, text);
  },
});
