/**
 * HEXPIRE, HPEXPIRE, HEXPIREAT, HPEXPIREAT: giving fields of a hash a time to live.
 *
 * As with EXPIRE, the four differ in unit and in what they count from, and go on as HPEXPIREAT, with
 * the fields alone that got the time; those that a time in the past removes go on as an HDEL each. The reply
 * has a number for each field: -2 there is none, 0 the condition does not hold, 1 set, 2 removed.
 */
import { type HashValue, NO_EXPIRY, NO_FIELD } from "@kv/core";
import type { Call } from "../call/call.ts";
import { CommandError, expireError } from "../call/errors.ts";
import { Notify } from "../call/notify.ts";
import { arg } from "../declare/arg.ts";
import { type Command, command } from "../declare/command.ts";
import { keyAt } from "../declare/key-spec.ts";
import { expireFields } from "./expired-fields.ts";
import { fieldMoment, fieldsArgument, firstField } from "./field-arguments.ts";
import { endRemoval, giveExpiries, propagatePassed } from "./give-expiry.ts";
import { expiryOfField, writeHash } from "./hash-at.ts";

const NOT_MET = 0;
const SET = 1;
const REMOVED = 2;

const badCount = new CommandError("ERR Parameter `numFields` should be greater than 0");

const conditions = ["NX", "XX", "GT", "LT"] as const;
type Condition = (typeof conditions)[number];

interface Variant {
  name: string;
  summary: string;
  time: ReturnType<typeof arg.integer>;
  seconds: boolean;
  /** Counted from now on, not from 1970. */
  relative: boolean;
}

function expireCommand({ name, summary, time, seconds, relative }: Variant): Command {
  const invalid = expireError(name);
  return command({
    name,
    group: "hash",
    since: "7.4.0",
    summary,
    complexity: "O(N) where N is the number of fields named.",
    arity: -6,
    flags: ["write", "fast"],
    keys: [keyAt(1, "RW", "update")],
    args: [
      arg.key("key"),
      time,
      arg.optional(
        arg.oneOf(
          "condition",
          arg.token("nx", "NX"),
          arg.token("xx", "XX"),
          arg.token("gt", "GT"),
          arg.token("lt", "LT"),
        ),
      ),
      fieldsArgument,
    ],

    run(call) {
      const present = writeHash(call, 1);
      const expiryMs = fieldMoment(call, 2, seconds, relative ? call.nowMs : 0, invalid);
      const condition = conditions.find((each) => call.is(3, each));
      const first = firstField(call, condition === undefined ? 3 : 4, badCount);
      const hash = expireFields(call, present, first, call.argc, 1);
      call.reply.array(call.argc - first);
      if (hash === null) {
        for (let i = first; i < call.argc; i++) call.reply.integer(NO_FIELD);
      } else if (expiryMs <= call.expiryNowMs) {
        removeAtOnce(call, hash, first, condition, expiryMs);
      } else {
        expireAt(call, hash, first, condition, expiryMs);
      }
    },
  });
}

/** Whether a field that expires at `presentMs`, or never, is to expire at `expiryMs` instead. */
function holds(condition: Condition | undefined, presentMs: number, expiryMs: number): boolean {
  if (condition === undefined) return true;
  // To live for ever is to live longest.
  if (presentMs === NO_EXPIRY) return condition === "NX" || condition === "LT";
  if (condition === "GT") return expiryMs > presentMs;
  if (condition === "LT") return expiryMs < presentMs;
  return condition === "XX";
}

/** What a field is answered, before it is dealt with: -2, 0 or `done`. */
function answer(
  call: Call,
  hash: HashValue,
  argument: number,
  condition: Condition | undefined,
  expiryMs: number,
  done: number,
): number {
  const presentMs = expiryOfField(call, hash, argument);
  if (presentMs === NO_FIELD) return NO_FIELD;
  return holds(condition, presentMs, expiryMs) ? done : NOT_MET;
}

function expireAt(
  call: Call,
  hash: HashValue,
  first: number,
  condition: Condition | undefined,
  expiryMs: number,
): void {
  const given: Uint8Array[] = [];
  const wanted = (i: number) => answer(call, hash, i, condition, expiryMs, SET) === SET;
  giveExpiries(call, hash, first, wanted, (i) => {
    const result = answer(call, hash, i, condition, expiryMs, SET);
    if (result === SET) {
      hash.setExpiry(call.bytes, call.view, call.start(i), call.end(i), expiryMs);
      given.push(call.argument(i));
    }
    call.reply.integer(result);
  });
  if (given.length === 0) return;
  if (call.propagates) {
    const words = condition === undefined ? [] : [condition];
    const key = call.argument(1);
    call.propagateAs("HPEXPIREAT", key, expiryMs, ...words, "FIELDS", given.length, ...given);
  }
  call.changed(1, "hexpire", Notify.HASH);
  call.dirty += given.length - 1;
}

/** The time has passed already: the fields go. */
function removeAtOnce(
  call: Call,
  hash: HashValue,
  first: number,
  condition: Condition | undefined,
  expiryMs: number,
): void {
  const removed: Uint8Array[] = [];
  for (let i = first; i < call.argc; i++) {
    const result = answer(call, hash, i, condition, expiryMs, REMOVED);
    if (result === REMOVED) {
      hash.delete(call.bytes, call.view, call.start(i), call.end(i));
      removed.push(call.argument(i));
    }
    call.reply.integer(result);
  }
  if (removed.length === 0) return;
  const isEmpty = endRemoval(call, hash);
  call.effects.fieldsRemoved(removed.length);
  propagatePassed(call, removed);
  call.changed(1, "hdel", Notify.HASH);
  if (isEmpty) call.event(1, "del", Notify.GENERIC);
  call.dirty += removed.length - 1;
}

export const hexpire = expireCommand({
  name: "hexpire",
  summary: "Lets fields of a hash live for so many seconds.",
  time: arg.integer("seconds"),
  seconds: true,
  relative: true,
});

export const hpexpire = expireCommand({
  name: "hpexpire",
  summary: "Lets fields of a hash live for so many milliseconds.",
  time: arg.integer("milliseconds"),
  seconds: false,
  relative: true,
});

export const hexpireat = expireCommand({
  name: "hexpireat",
  summary: "Lets fields of a hash live until a Unix time in seconds.",
  time: arg.unixTime("unix-time-seconds"),
  seconds: true,
  relative: false,
});

export const hpexpireat = expireCommand({
  name: "hpexpireat",
  summary: "Lets fields of a hash live until a Unix time in milliseconds.",
  time: arg.unixTime("unix-time-milliseconds"),
  seconds: false,
  relative: false,
});
