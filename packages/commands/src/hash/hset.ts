/** HSET, its older name HMSET, and HSETNX. */

import type { Call } from "../call/call.ts";
import { arityError, type CommandError } from "../call/errors.ts";
import { Notify } from "../call/notify.ts";
import { arg } from "../declare/arg.ts";
import { command } from "../declare/command.ts";
import { keyAt } from "../declare/key-spec.ts";
import { expireFields } from "./expired-fields.ts";
import { findField, setPairs, writeHash } from "./hash-at.ts";

/** Sets all pairs from argument 2 on. Returns how many fields are new. */
function setFields(call: Call, arity: CommandError): number {
  const { argc } = call;
  if (argc % 2 !== 0) throw arity;
  const hash = expireFields(call, writeHash(call, 1), 2, argc, 2);
  const added = setPairs(call, hash, 2);
  call.changed(1, "hset", Notify.HASH);
  // One event, but every pair is a change.
  call.dirty += argc / 2 - 2;
  return added;
}

const hsetArity = arityError("hset");

export const hset = command({
  name: "hset",
  group: "hash",
  since: "2.0.0",
  summary: "Sets fields of a hash and tells how many are new.",
  complexity: "O(N) where N is the number of fields to set.",
  arity: -4,
  flags: ["write", "denyoom", "fast"],
  keys: [keyAt(1, "RW", "update")],
  elements: { first: 2, step: 2 },
  args: [arg.key("key"), arg.many(arg.block("data", arg.string("field"), arg.string("value")))],
  history: [["4.0.0", "Takes several fields with their values."]],

  run(call) {
    call.reply.integer(setFields(call, hsetArity));
  },
});

const hmsetArity = arityError("hmset");

export const hmset = command({
  name: "hmset",
  group: "hash",
  since: "2.0.0",
  summary: "Sets fields of a hash.",
  complexity: "O(N) where N is the number of fields to set.",
  arity: -4,
  flags: ["write", "denyoom", "fast"],
  keys: [keyAt(1, "RW", "update")],
  elements: { first: 2, step: 2 },
  args: [arg.key("key"), arg.many(arg.block("data", arg.string("field"), arg.string("value")))],
  docFlags: ["deprecated"],
  deprecatedSince: "4.0.0",
  replacedBy: "`HSET` with multiple field-value pairs",

  run(call) {
    setFields(call, hmsetArity);
    call.reply.ok();
  },
});

export const hsetnx = command({
  name: "hsetnx",
  group: "hash",
  since: "2.0.0",
  summary: "Sets a field of a hash that does not exist yet.",
  complexity: "O(1)",
  arity: 4,
  flags: ["write", "denyoom", "fast"],
  keys: [keyAt(1, "RW", "insert")],
  elements: { first: 2, step: 0 },
  args: [arg.key("key"), arg.string("field"), arg.string("value")],

  run(call) {
    const hash = expireFields(call, writeHash(call, 1), 2, 3, 1);
    if (hash !== null && findField(call, hash, 2)) {
      call.reply.integer(0);
      return;
    }
    setPairs(call, hash, 2);
    call.changed(1, "hset", Notify.HASH);
    call.reply.integer(1);
  },
});
