/**
 * HTTL, HPTTL, HEXPIRETIME, HPEXPIRETIME: when fields expire. -1 says never, -2 that there is no such
 * field. HPERSIST: they expire no more.
 */
import { Int64, NO_EXPIRY, NO_FIELD, splitNumber } from "@kv/core";
import type { Call } from "../call/call.ts";
import { Notify } from "../call/notify.ts";
import { arg } from "../declare/arg.ts";
import { type Command, command } from "../declare/command.ts";
import { keyAt } from "../declare/key-spec.ts";
import { expireFields } from "./expired-fields.ts";
import { fieldsArgument, firstField } from "./field-arguments.ts";
import { giveExpiries } from "./give-expiry.ts";
import { expiryOfField, readHash, writeHash } from "./hash-at.ts";

const wide = new Int64();

/** Replies for each field with its expiry, counted from `fromMs` on; seconds are rounded up. */
function replyExpiries(call: Call, fromMs: number, seconds: boolean): void {
  const hash = readHash(call, 1);
  const first = firstField(call, 2);
  call.reply.array(call.argc - first);
  for (let i = first; i < call.argc; i++) {
    let expiryMs = hash === null ? NO_FIELD : expiryOfField(call, hash, i);
    if (expiryMs > 0 && expiryMs < call.nowMs) expiryMs = NO_FIELD;
    if (expiryMs < 0) {
      call.reply.integer(expiryMs);
      continue;
    }
    const leftMs = expiryMs - fromMs;
    splitNumber(seconds ? Math.floor((leftMs + 999) / 1000) : leftMs, wide);
    call.reply.integer64(wide.hi, wide.lo);
  }
}

function ttlCommand(name: string, summary: string, seconds: boolean, relative: boolean): Command {
  return command({
    name,
    group: "hash",
    since: "7.4.0",
    summary,
    complexity: "O(N) where N is the number of fields named.",
    arity: -5,
    flags: ["readonly", "fast"],
    keys: [keyAt(1, "RO", "access")],
    args: [arg.key("key"), fieldsArgument],
    ...(relative ? { tips: ["nondeterministic_output"] } : {}),

    run(call) {
      replyExpiries(call, relative ? call.nowMs : 0, seconds);
    },
  });
}

export const httl = ttlCommand(
  "httl",
  "Tells how many seconds fields of a hash have left to live.",
  true,
  true,
);

export const hpttl = ttlCommand(
  "hpttl",
  "Tells how many milliseconds fields of a hash have left to live.",
  false,
  true,
);

export const hexpiretime = ttlCommand(
  "hexpiretime",
  "Tells the Unix time, in seconds, at which fields of a hash expire.",
  true,
  false,
);

export const hpexpiretime = ttlCommand(
  "hpexpiretime",
  "Tells the Unix time, in milliseconds, at which fields of a hash expire.",
  false,
  false,
);

const PERSISTED = 1;

export const hpersist = command({
  name: "hpersist",
  group: "hash",
  since: "7.4.0",
  summary: "Lets fields of a hash live for ever.",
  complexity: "O(N) where N is the number of fields named.",
  arity: -5,
  flags: ["write", "fast"],
  keys: [keyAt(1, "RW", "update")],
  args: [arg.key("key"), fieldsArgument],

  run(call) {
    const present = writeHash(call, 1);
    const first = firstField(call, 2);
    const hash = expireFields(call, present, first, call.argc, 1);
    call.reply.array(call.argc - first);
    if (hash === null || !hash.isVolatile) {
      for (let i = first; i < call.argc; i++)
        call.reply.integer(hash === null ? NO_FIELD : expiryOfField(call, hash, i));
      return;
    }
    let persisted = 0;
    const expires = (i: number) => expiryOfField(call, hash, i) > 0;
    giveExpiries(call, hash, first, expires, (i) => {
      const expiryMs = expiryOfField(call, hash, i);
      if (expiryMs > 0) {
        hash.setExpiry(call.bytes, call.view, call.start(i), call.end(i), NO_EXPIRY);
        persisted++;
      }
      call.reply.integer(expiryMs > 0 ? PERSISTED : expiryMs);
    });
    if (persisted === 0) return;
    call.changed(1, "hpersist", Notify.HASH);
    call.dirty += persisted - 1;
  },
});
