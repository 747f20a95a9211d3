/** HGETEX and HGETDEL: reads that also change the life of the fields they read. */
import { type HashValue, NO_EXPIRY, NO_FIELD } from "@kv/core";
import type { Call } from "../call/call.ts";
import { expireError } from "../call/errors.ts";
import { Notify } from "../call/notify.ts";
import { arg } from "../declare/arg.ts";
import { command } from "../declare/command.ts";
import { keyAt } from "../declare/key-spec.ts";
import { expiryArguments, Unit, unitAt } from "../string/expire-time.ts";
import { expireFields } from "./expired-fields.ts";
import { fieldMoment, fieldsArgument, firstField } from "./field-arguments.ts";
import { endRemoval, giveExpiries, propagatePassed } from "./give-expiry.ts";
import { expiryOfField, findField, replyText, writeHash } from "./hash-at.ts";

const invalidExpiry = expireError("hgetex");

function replyNulls(call: Call, count: number): void {
  for (let left = count; left > 0; left--) call.reply.null();
}

/** Replies with the value of a field, or null. True when it is there. */
function replyValue(call: Call, hash: HashValue, field: number): boolean {
  if (!findField(call, hash, field)) {
    call.reply.null();
    return false;
  }
  replyText(call, hash.value);
  return true;
}

export const hgetex = command({
  name: "hgetex",
  group: "hash",
  since: "8.0.0",
  summary: "Returns the values of fields of a hash and sets or removes their time to live.",
  complexity: "O(N) where N is the number of fields named.",
  arity: -5,
  flags: ["write", "fast"],
  keys: [
    {
      ...keyAt(1, "RW", "access", "update"),
      notes: "Written, because the time to live may change",
    },
  ],
  args: [
    arg.key("key"),
    arg.optional(arg.oneOf("expiration", ...expiryArguments(), arg.token("persist", "PERSIST"))),
    fieldsArgument,
  ],

  run(call) {
    const present = writeHash(call, 1);
    const unit = unitAt(call, 2);
    const persists = unit === 0 && call.is(2, "PERSIST");
    let expiryMs = NO_EXPIRY;
    if (unit !== 0) {
      const baseMs = unit === Unit.EX || unit === Unit.PX ? call.nowMs : 0;
      const inSeconds = unit === Unit.EX || unit === Unit.EXAT;
      expiryMs = fieldMoment(call, 3, inSeconds, baseMs, invalidExpiry);
    }
    const first = firstField(call, unit !== 0 ? 4 : persists ? 3 : 2);
    const hash = expireFields(call, present, first, call.argc, 1);
    call.reply.array(call.argc - first);
    if (hash === null) replyNulls(call, call.argc - first);
    else if (persists) persistRead(call, hash, first);
    else if (unit === 0) for (let i = first; i < call.argc; i++) replyValue(call, hash, i);
    else if (expiryMs <= call.expiryNowMs) removeRead(call, hash, first, true);
    else expireRead(call, hash, first, expiryMs);
  },
});

/** Takes their expiry from the fields that are read. */
function persistRead(call: Call, hash: HashValue, first: number): void {
  if (!hash.isVolatile) {
    for (let i = first; i < call.argc; i++) replyValue(call, hash, i);
    return;
  }
  const persisted: Uint8Array[] = [];
  const expires = (i: number) => expiryOfField(call, hash, i) > 0;
  giveExpiries(call, hash, first, expires, (i) => {
    if (!replyValue(call, hash, i) || expiryOfField(call, hash, i) === NO_EXPIRY) return;
    hash.setExpiry(call.bytes, call.view, call.start(i), call.end(i), NO_EXPIRY);
    persisted.push(call.argument(i));
  });
  if (persisted.length === 0) return;
  if (call.propagates)
    call.propagateAs("HPERSIST", call.argument(1), "FIELDS", persisted.length, ...persisted);
  call.changed(1, "hpersist", Notify.HASH);
  call.dirty += persisted.length - 1;
}

/** Gives the fields that are read an expiry. */
function expireRead(call: Call, hash: HashValue, first: number, expiryMs: number): void {
  const given: Uint8Array[] = [];
  const isThere = (i: number) => expiryOfField(call, hash, i) !== NO_FIELD;
  giveExpiries(call, hash, first, isThere, (i) => {
    if (!replyValue(call, hash, i)) return;
    hash.setExpiry(call.bytes, call.view, call.start(i), call.end(i), expiryMs);
    given.push(call.argument(i));
  });
  if (given.length === 0) return;
  if (call.propagates)
    call.propagateAs("HPEXPIREAT", call.argument(1), expiryMs, "FIELDS", given.length, ...given);
  call.changed(1, "hexpire", Notify.HASH);
  call.dirty += given.length - 1;
}

/**
 * Removes the fields that are read: asked to, or because their time has passed already. In the first case
 * all that were named go on, as in Redis, whether they were there or not.
 */
function removeRead(call: Call, hash: HashValue, first: number, isExpiry: boolean): void {
  const removed: Uint8Array[] = [];
  for (let i = first; i < call.argc; i++) {
    if (!replyValue(call, hash, i)) continue;
    hash.delete(call.bytes, call.view, call.start(i), call.end(i));
    removed.push(call.argument(i));
  }
  if (removed.length === 0) return;
  const isEmpty = endRemoval(call, hash);
  if (isExpiry) {
    call.effects.fieldsRemoved(removed.length);
    propagatePassed(call, removed);
  } else if (call.propagates) {
    const named: Uint8Array[] = [];
    for (let i = first; i < call.argc; i++) named.push(call.argument(i));
    call.propagateAs("HDEL", call.argument(1), ...named);
  }
  call.changed(1, "hdel", Notify.HASH);
  if (isEmpty) call.event(1, "del", Notify.GENERIC);
  call.dirty += removed.length - 1;
}

export const hgetdel = command({
  name: "hgetdel",
  group: "hash",
  since: "8.0.0",
  summary: "Returns the values of fields of a hash and removes the fields.",
  complexity: "O(N) where N is the number of fields named.",
  arity: -5,
  flags: ["write", "fast"],
  keys: [keyAt(1, "RW", "access", "delete")],
  args: [arg.key("key"), fieldsArgument],

  run(call) {
    const present = writeHash(call, 1);
    const first = firstField(call, 2);
    const hash = expireFields(call, present, first, call.argc, 1);
    call.reply.array(call.argc - first);
    if (hash === null) replyNulls(call, call.argc - first);
    else removeRead(call, hash, first, false);
  },
});
