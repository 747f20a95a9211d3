/** SET and what became its options: SETNX, SETEX, PSETEX, GETSET. */
import { NONE, type Ref, Type, typeOf } from "@kv/core";
import type { Call } from "../call/call.ts";
import type { CommandWord } from "../call/call-context.ts";
import { type CommandError, errors, expireError } from "../call/errors.ts";
import { momentWord } from "../call/moment.ts";
import { Notify } from "../call/notify.ts";
import { arg } from "../declare/arg.ts";
import { command } from "../declare/command.ts";
import { foundAt, keyAt } from "../declare/key-spec.ts";
import { conditionArguments, conditionAt, holds, holdsForNothing } from "./condition.ts";
import { expireTimeMs, expiryArguments, Unit, unitAt } from "./expire-time.ts";
import { putArgument, replyString } from "./string-at.ts";

const NX = 1;
const XX = 2;
const GET = 4;
const KEEP_TTL = 8;

/** Options of the SET that runs now. */
const options = { flags: 0, unit: 0, expiryArgument: 0, condition: 0, conditionArgument: 0 };

export const set = command({
  name: "set",
  group: "string",
  since: "1.0.0",
  summary: "Stores a string at a key, whatever it held before; may set a time to live with it.",
  complexity: "O(1)",
  arity: -3,
  flags: ["write", "denyoom", "timed_in_runs"],
  keys: [
    {
      ...keyAt(1, "RW", "access", "update", "variable_flags"),
      notes: "Read as well as written, because of the `GET` option",
    },
  ],
  args: [
    arg.key("key"),
    arg.string("value"),
    {
      ...arg.optional(
        arg.oneOf(
          "condition",
          arg.token("nx", "NX"),
          arg.token("xx", "XX"),
          ...conditionArguments("8.4.0"),
        ),
      ),
      since: "2.6.12",
    },
    arg.optional(arg.token("get", "GET", { since: "6.2.0" })),
    arg.optional(
      arg.oneOf(
        "expiration",
        ...expiryArguments("2.6.12", "6.2.0"),
        arg.token("keepttl", "KEEPTTL", { since: "6.0.0" }),
      ),
    ),
  ],
  history: [
    ["2.6.12", "New options `EX`, `PX`, `NX` and `XX`."],
    ["6.0.0", "New option `KEEPTTL`."],
    ["6.2.0", "New options `GET`, `EXAT` and `PXAT`."],
    ["7.0.0", "`NX` and `GET` may be combined."],
    ["8.4.0", "New options `IFEQ`, `IFNE`, `IFDEQ` and `IFDNE`."],
  ],
  // Whether the old value is read, an option decides.
  getKeys(request) {
    for (let index = 3; index < request.argc; index++)
      if (request.is(index, "GET") || conditionAt(request, index) !== 0)
        return [foundAt(1, "RW", "access", "update")];
    return [foundAt(1, "OW", "update")];
  },

  run(call) {
    if (call.argc === 3) {
      putArgument(call, 1, call.find(1), 2, false);
      call.changed(1, "set", Notify.STRING);
      call.reply.ok();
    } else {
      setWithOptions(call);
    }
  },
});

const invalidExpiry = expireError("set");

function setWithOptions(call: Call): void {
  parseOptions(call);
  const { flags, unit, expiryArgument, condition } = options;
  const expiryMs = unit === 0 ? 0 : expireTimeMs(call, expiryArgument, unit, invalidExpiry);
  // The old value is in the reply before it is overwritten.
  if ((flags & GET) !== 0) replyOldString(call);
  const entry = call.find(1);
  if (
    ((flags & NX) !== 0 && entry !== NONE) ||
    ((flags & XX) !== 0 && entry === NONE) ||
    (condition !== 0 && !isMet(call, entry))
  ) {
    if (entry !== NONE) call.touch(entry);
    if ((flags & GET) === 0) call.reply.null();
    return;
  }
  const isPlain = (flags & GET) === 0 && condition === 0;
  if (unit !== 0) {
    putWithExpiry(call, entry, 2, expiryMs, unit === Unit.PXAT && isPlain);
  } else {
    putArgument(call, 1, entry, 2, (flags & KEEP_TTL) !== 0);
    call.changed(1, "set", Notify.STRING);
    if (!isPlain && call.propagates) propagatePlainly(call);
  }
  if ((flags & GET) === 0) call.reply.ok();
}

/** Whether the condition on the value holds. */
function isMet(call: Call, entry: Ref): boolean {
  const { condition, conditionArgument } = options;
  if (entry === NONE) return holdsForNothing(condition);
  if (typeOf(call.keyspace.arena, entry) !== Type.STRING) throw errors.wrongType;
  return holds(call, condition, conditionArgument, entry);
}

function parseOptions(call: Call): void {
  let flags = 0;
  let unit = 0;
  let expiryArgument = 0;
  let condition = 0;
  options.conditionArgument = 0;
  for (let i = 3; i < call.argc; i++) {
    const isLast = i + 1 === call.argc;
    const named = conditionAt(call, i);
    if (named !== 0 && condition === 0 && (flags & (NX | XX)) === 0 && !isLast) {
      condition = named;
      options.conditionArgument = ++i;
    } else if (call.is(i, "NX") && (flags & XX) === 0 && condition === 0) flags |= NX;
    else if (call.is(i, "XX") && (flags & NX) === 0 && condition === 0) flags |= XX;
    else if (call.is(i, "GET")) flags |= GET;
    else if (call.is(i, "KEEPTTL") && unit === 0) flags |= KEEP_TTL;
    else {
      // The same unit may come twice, and then the last one counts; two different ones may not.
      const named = unitAt(call, i);
      const fits = named !== 0 && (unit === 0 || unit === named) && (flags & KEEP_TTL) === 0;
      if (!fits || i + 1 === call.argc) throw errors.syntax;
      unit = named;
      expiryArgument = ++i;
    }
  }
  options.flags = flags;
  options.condition = condition;
  options.unit = unit;
  options.expiryArgument = expiryArgument;
}

/** Replies with the string at argument 1, null when missing. */
function replyOldString(call: Call): void {
  const entry = call.readTyped(1, Type.STRING);
  if (entry === NONE) call.reply.null();
  else replyString(call, entry);
}

/**
 * Stores the value and its expiry. Goes on as SET ... PXAT, so that delays change nothing, or as it
 * came if it has said PXAT itself.
 */
function putWithExpiry(
  call: Call,
  entry: Ref,
  valueArgument: number,
  expiryMs: number,
  asItCame = false,
): void {
  putArgument(call, 1, entry, valueArgument, false, expiryMs);
  call.changed(1, "set", Notify.STRING);
  call.event(1, "expire", Notify.GENERIC);
  if (call.propagates && !asItCame)
    call.propagateAs(
      "SET",
      call.argument(1),
      call.argument(valueArgument),
      "PXAT",
      momentWord(expiryMs),
    );
}

/** It goes on without GET, and without the condition, which was met: an older replica knows none. */
function propagatePlainly(call: Call): void {
  const { condition, conditionArgument } = options;
  const words: CommandWord[] = [];
  for (let i = 0; i < call.argc; i++) {
    const isCondition = condition !== 0 && (i === conditionArgument - 1 || i === conditionArgument);
    if (!isCondition && !(i >= 3 && call.is(i, "GET"))) words.push(call.argument(i));
  }
  call.propagateAs(...words);
}

export const setnx = command({
  name: "setnx",
  group: "string",
  since: "1.0.0",
  summary: "Stores a string at a key that does not exist yet.",
  complexity: "O(1)",
  arity: 3,
  flags: ["write", "denyoom", "fast"],
  keys: [keyAt(1, "OW", "insert")],
  args: [arg.key("key"), arg.string("value")],
  docFlags: ["deprecated"],
  deprecatedSince: "2.6.12",
  replacedBy: "`SET` with the `NX` argument",

  run(call) {
    if (call.lookupWrite(1) !== NONE) {
      call.reply.integer(0);
      return;
    }
    putArgument(call, 1, NONE, 2, false);
    call.changed(1, "set", Notify.STRING);
    call.reply.integer(1);
  },
});

function setExpiring(call: Call, unit: number, invalid: CommandError): void {
  const expiryMs = expireTimeMs(call, 2, unit, invalid);
  putWithExpiry(call, call.find(1), 3, expiryMs);
  call.reply.ok();
}

const invalidSetexExpiry = expireError("setex");

export const setex = command({
  name: "setex",
  group: "string",
  since: "2.0.0",
  summary: "Stores a string at a key, to expire after some seconds.",
  complexity: "O(1)",
  arity: 4,
  flags: ["write", "denyoom"],
  keys: [keyAt(1, "OW", "update")],
  args: [arg.key("key"), arg.integer("seconds"), arg.string("value")],
  docFlags: ["deprecated"],
  deprecatedSince: "2.6.12",
  replacedBy: "`SET` with the `EX` argument",

  run(call) {
    setExpiring(call, Unit.EX, invalidSetexExpiry);
  },
});

const invalidPsetexExpiry = expireError("psetex");

export const psetex = command({
  name: "psetex",
  group: "string",
  since: "2.6.0",
  summary: "Stores a string at a key, to expire after some milliseconds.",
  complexity: "O(1)",
  arity: 4,
  flags: ["write", "denyoom"],
  keys: [keyAt(1, "OW", "update")],
  args: [arg.key("key"), arg.integer("milliseconds"), arg.string("value")],
  docFlags: ["deprecated"],
  deprecatedSince: "2.6.12",
  replacedBy: "`SET` with the `PX` argument",

  run(call) {
    setExpiring(call, Unit.PX, invalidPsetexExpiry);
  },
});

export const getset = command({
  name: "getset",
  group: "string",
  since: "1.0.0",
  summary: "Stores a string at a key and returns the one that was there.",
  complexity: "O(1)",
  arity: 3,
  flags: ["write", "denyoom", "fast"],
  keys: [keyAt(1, "RW", "access", "update")],
  args: [arg.key("key"), arg.string("value")],
  docFlags: ["deprecated"],
  deprecatedSince: "6.2.0",
  replacedBy: "`SET` with the `!GET` argument",

  run(call) {
    const entry = call.readTyped(1, Type.STRING);
    if (entry === NONE) call.reply.null();
    else replyString(call, entry);
    // An expired one that was read may still have the place.
    putArgument(call, 1, entry === NONE ? call.find(1) : entry, 2, false);
    call.changed(1, "set", Notify.STRING);
    if (call.propagates) call.propagateAs("SET", call.argument(1), call.argument(2));
  },
});
