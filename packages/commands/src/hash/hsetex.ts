/**
 * HSETEX: sets fields of a hash, with a time to live, and only if none or all of them are there.
 *
 * It goes on with the time since 1970 in milliseconds. A time in the past removes the fields instead, and
 * goes on as an HDEL each.
 */
import { type HashValue, KEEP_EXPIRY, NO_EXPIRY } from "@kv/core";
import type { Call } from "../call/call.ts";
import type { CommandWord } from "../call/call-context.ts";
import { arityError, CommandError, expireError, fail, quoted } from "../call/errors.ts";
import { Notify } from "../call/notify.ts";
import { arg } from "../declare/arg.ts";
import { command } from "../declare/command.ts";
import { keyAt } from "../declare/key-spec.ts";
import { expiryArguments, Unit, unitAt } from "../string/expire-time.ts";
import { expireFields } from "./expired-fields.ts";
import { fieldMoment } from "./field-arguments.ts";
import { endRemoval, propagatePassed } from "./give-expiry.ts";
import { findField, setPairs, writeHash } from "./hash-at.ts";

const arity = arityError("hsetex");
const invalidExpiry = expireError("hsetex");
const badCount = new CommandError("ERR invalid number of fields");
const missingTime = new CommandError("ERR missing expire time");
const twoConditions = new CommandError("ERR Only one of FXX or FNX arguments can be specified");
const twoTimes = new CommandError(
  "ERR Only one of EX, PX, EXAT, PXAT or KEEPTTL arguments can be specified",
);

/** What is read from the arguments of the command that runs. */
interface Options {
  condition: "" | "FNX" | "FXX";
  /** NO_EXPIRY, KEEP_EXPIRY or a time. */
  expiryMs: number;
  /** One of Unit; 0: none was given. */
  unit: number;
  /** The argument that is the time. */
  timeArgument: number;
  /** The first of the fields. */
  first: number;
}

function optionsOf(call: Call): Options {
  const options: Options = {
    condition: "",
    expiryMs: NO_EXPIRY,
    unit: 0,
    timeArgument: 0,
    first: 0,
  };
  for (let i = 2; i < call.argc; i++) {
    const unit = unitAt(call, i);
    if (unit !== 0) {
      readTime(call, options, unit, i + 1);
      i++;
    } else if (call.is(i, "KEEPTTL")) {
      if (options.expiryMs !== NO_EXPIRY) throw twoTimes;
      options.expiryMs = KEEP_EXPIRY;
    } else if (call.is(i, "FNX") || call.is(i, "FXX")) {
      if (options.condition !== "") throw twoConditions;
      options.condition = call.is(i, "FNX") ? "FNX" : "FXX";
    } else if (call.is(i, "FIELDS")) {
      readCount(call, i);
      options.first = i + 2;
      return options;
    } else {
      fail(`ERR unknown argument: ${quoted(call.word(i))}`);
    }
  }
  throw arity;
}

function readTime(call: Call, options: Options, unit: number, index: number): void {
  if (options.expiryMs !== NO_EXPIRY || options.unit !== 0) throw twoTimes;
  if (index >= call.argc) throw missingTime;
  const baseMs = unit === Unit.EX || unit === Unit.PX ? call.nowMs : 0;
  const inSeconds = unit === Unit.EX || unit === Unit.EXAT;
  options.expiryMs = fieldMoment(call, index, inSeconds, baseMs, invalidExpiry);
  options.unit = unit;
  options.timeArgument = index;
}

/** The number of fields behind the word FIELDS at an argument is that of the pairs that follow. */
function readCount(call: Call, index: number): void {
  if (index >= call.argc - 3) throw arity;
  const count = call.integer(index + 1, badCount);
  if (count < 1 || count > 2 ** 31 - 1) throw badCount;
  if (count * 2 !== call.argc - index - 2) throw arity;
}

/** Whether the condition holds: none of the fields is there, or all are. */
function holds(call: Call, hash: HashValue | null, { condition, first }: Options): boolean {
  if (condition === "") return true;
  for (let i = first; i < call.argc; i += 2) {
    const isThere = hash !== null && findField(call, hash, i);
    if (isThere !== (condition === "FXX")) return false;
  }
  return true;
}

export const hsetex = command({
  name: "hsetex",
  group: "hash",
  since: "8.0.0",
  summary: "Sets fields of a hash and their time to live.",
  complexity: "O(N) where N is the number of fields to set.",
  arity: -6,
  flags: ["write", "denyoom", "fast"],
  keys: [keyAt(1, "RW", "update")],
  args: [
    arg.key("key"),
    arg.optional(arg.oneOf("condition", arg.token("fnx", "FNX"), arg.token("fxx", "FXX"))),
    arg.optional(arg.oneOf("expiration", ...expiryArguments(), arg.token("keepttl", "KEEPTTL"))),
    {
      ...arg.block(
        "fields",
        arg.integer("numfields"),
        arg.many(arg.block("data", arg.string("field"), arg.string("value"))),
      ),
      token: "FIELDS",
    },
  ],

  run(call) {
    const options = optionsOf(call);
    const present = writeHash(call, 1);
    const hash = expireFields(call, present, options.first, call.argc, 2);
    if (!holds(call, hash, options)) {
      call.reply.integer(0);
      return;
    }
    if (options.unit !== 0 && options.expiryMs <= call.expiryNowMs)
      removeAtOnce(call, hash, options);
    else setWithExpiry(call, hash, options);
    call.dirty += (call.argc - options.first) / 2 - 1;
    call.reply.integer(1);
  },
});

function setWithExpiry(call: Call, hash: HashValue | null, options: Options): void {
  const { first, expiryMs, unit, timeArgument } = options;
  setPairs(call, hash, first, expiryMs);
  if (call.propagates && unit !== 0 && unit !== Unit.PXAT) {
    const words: CommandWord[] = [];
    for (let i = 0; i < call.argc; i++) words.push(call.argument(i));
    words[timeArgument - 1] = "PXAT";
    words[timeArgument] = expiryMs;
    call.propagateAs(...words);
  }
  call.changed(1, "hset", Notify.HASH);
  if (unit !== 0) call.event(1, "hexpire", Notify.HASH);
}

/** The time has passed already: what was to be set is not there afterwards. */
function removeAtOnce(call: Call, hash: HashValue | null, { first }: Options): void {
  const fields: Uint8Array[] = [];
  for (let i = first; i < call.argc; i += 2) {
    hash?.delete(call.bytes, call.view, call.start(i), call.end(i));
    fields.push(call.argument(i));
  }
  const isGone = hash === null || endRemoval(call, hash);
  call.effects.fieldsRemoved(fields.length);
  propagatePassed(call, fields);
  call.changed(1, "hset", Notify.HASH);
  call.event(1, "hdel", Notify.HASH);
  if (isGone) call.event(1, "del", Notify.GENERIC);
}
