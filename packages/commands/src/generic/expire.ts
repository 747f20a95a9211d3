/**
 * EXPIRE, PEXPIRE, EXPIREAT, PEXPIREAT: giving a key a time to live.
 *
 * The four differ in unit and in what they count from. All are propagated as PEXPIREAT, so that
 * the log and the replicas do not depend on when they read it; a time that has already passed
 * deletes the key and is propagated as just that.
 */
import { expiryMs, NONE } from "@kv/core";
import type { Call } from "../call/call.ts";
import type { CommandWord } from "../call/call-context.ts";
import { CommandError, expireError, fail, quoted } from "../call/errors.ts";
import { momentAt, momentWord } from "../call/moment.ts";
import { Notify } from "../call/notify.ts";
import { arg } from "../declare/arg.ts";
import { type Command, command } from "../declare/command.ts";
import { keyAt } from "../declare/key-spec.ts";

const NX = 1;
const XX = 2;
const GT = 4;
const LT = 8;

const nxWithOthers = new CommandError(
  "ERR NX and XX, GT or LT options at the same time are not compatible",
);
const gtWithLt = new CommandError("ERR GT and LT options at the same time are not compatible");

interface Variant {
  name: string;
  since: string;
  summary: string;
  time: ReturnType<typeof arg.integer>;
  seconds: boolean;
  /** Counted from now on, not from 1970. */
  relative: boolean;
}

function expireCommand(variant: Variant): Command {
  const { seconds, relative } = variant;
  const invalid = expireError(variant.name);
  const asItCame = !seconds && !relative;
  return command({
    name: variant.name,
    group: "generic",
    since: variant.since,
    summary: variant.summary,
    complexity: "O(1)",
    arity: -3,
    flags: ["write", "fast"],
    categories: ["keyspace"],
    keys: [keyAt(1, "RW", "update")],
    args: [
      arg.key("key"),
      variant.time,
      {
        ...arg.optional(
          arg.oneOf(
            "condition",
            arg.token("nx", "NX"),
            arg.token("xx", "XX"),
            arg.token("gt", "GT"),
            arg.token("lt", "LT"),
          ),
        ),
        since: "7.0.0",
      },
    ],
    history: [["7.0.0", "Takes the conditions `NX`, `XX`, `GT` and `LT`."]],

    run(call) {
      const conditions = conditionsFrom(call, 3);
      const newExpiryMs = momentAt(call, 2, seconds, relative ? call.nowMs : 0, invalid);
      expireAt(call, newExpiryMs, conditions, asItCame);
    },
  });
}

/** The conditions from argument `first` on, as bits. */
function conditionsFrom(call: Call, first: number): number {
  let bits = 0;
  for (let i = first; i < call.argc; i++) {
    if (call.is(i, "NX")) bits |= NX;
    else if (call.is(i, "XX")) bits |= XX;
    else if (call.is(i, "GT")) bits |= GT;
    else if (call.is(i, "LT")) bits |= LT;
    // Whole, as Redis shows it; but nobody reads megabytes of it.
    else
      fail(
        `ERR Unsupported option ${quoted(call.length(i) <= 2 ** 20 ? call.text(i) : call.word(i))}`,
      );
  }
  if ((bits & NX) !== 0 && bits !== NX) throw nxWithOthers;
  if ((bits & (GT | LT)) === (GT | LT)) throw gtWithLt;
  return bits;
}

function expireAt(call: Call, newExpiryMs: number, conditions: number, asItCame: boolean): void {
  const entry = call.lookupWrite(1);
  if (
    entry === NONE ||
    !conditionsHold(conditions, newExpiryMs, expiryMs(call.database.arena, entry))
  ) {
    call.reply.integer(0);
    return;
  }
  if (call.isPast(newExpiryMs)) {
    const lazily = call.settings.lazyExpire;
    call.database.remove(entry, lazily);
    if (call.propagates) call.propagateAs(lazily ? "UNLINK" : "DEL", call.argument(1));
    call.changed(1, "del", Notify.GENERIC);
  } else {
    call.database.setExpiry(entry, newExpiryMs);
    if (call.propagates && !asItCame) propagateAsMoment(call, newExpiryMs);
    call.changed(1, "expire", Notify.GENERIC);
  }
  call.reply.integer(1);
}

/** `presentMs` is -1 for a key that never expires: GT takes that as the latest time of all. */
function conditionsHold(conditions: number, newExpiryMs: number, presentMs: number): boolean {
  if (conditions === 0) return true;
  if ((conditions & NX) !== 0) return presentMs === -1;
  if ((conditions & XX) !== 0 && presentMs === -1) return false;
  if ((conditions & GT) !== 0) return presentMs !== -1 && newExpiryMs > presentMs;
  if ((conditions & LT) !== 0) return presentMs === -1 || newExpiryMs < presentMs;
  return true;
}

/** PEXPIREAT with the same conditions. */
function propagateAsMoment(call: Call, newExpiryMs: number): void {
  const words: CommandWord[] = ["PEXPIREAT", call.argument(1), momentWord(newExpiryMs)];
  for (let i = 3; i < call.argc; i++) words.push(call.argument(i));
  call.propagateAs(...words);
}

export const expire = expireCommand({
  name: "expire",
  since: "1.0.0",
  summary: "Lets a key live for so many seconds.",
  time: arg.integer("seconds"),
  seconds: true,
  relative: true,
});

export const pexpire = expireCommand({
  name: "pexpire",
  since: "2.6.0",
  summary: "Lets a key live for so many milliseconds.",
  time: arg.integer("milliseconds"),
  seconds: false,
  relative: true,
});

export const expireat = expireCommand({
  name: "expireat",
  since: "1.2.0",
  summary: "Lets a key live until a Unix time in seconds.",
  time: arg.unixTime("unix-time-seconds"),
  seconds: true,
  relative: false,
});

export const pexpireat = expireCommand({
  name: "pexpireat",
  since: "2.6.0",
  summary: "Lets a key live until a Unix time in milliseconds.",
  time: arg.unixTime("unix-time-milliseconds"),
  seconds: false,
  relative: false,
});
