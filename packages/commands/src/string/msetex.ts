/** MSETEX: several keys at once, with one time to live for all, and perhaps a condition. */
import { createString, expiryMs, freeEntry, NONE, RefList } from "@kv/core";
import type { Call } from "../call/call.ts";
import type { CommandWord } from "../call/call-context.ts";
import { CommandError, errors, expireError } from "../call/errors.ts";
import { Kept } from "../call/kept.ts";
import { momentWord } from "../call/moment.ts";
import { Notify } from "../call/notify.ts";
import { arg } from "../declare/arg.ts";
import { command } from "../declare/command.ts";
import { expireTimeMs, expiryArguments, unitAt } from "./expire-time.ts";

const NX = 1;
const XX = 2;
const KEEP_TTL = 4;
const COUNT_MAX = 2 ** 31 - 1;
/** The first of the pairs. */
const PAIRS_AT = 2;

const invalidCount = new CommandError("ERR invalid numkeys value");
const invalidPairs = new CommandError("ERR wrong number of key-value pairs");
const invalidExpiry = expireError("msetex");

/** Options of the MSETEX that runs now. */
const options = { flags: 0, unit: 0, expiryArgument: 0 };

/** Entries that the keys had (NONE: none), and those that they have now. */
const plans = new Kept(() => ({ old: new RefList(), fresh: new RefList() }));

function parseOptions(call: Call, first: number): void {
  let flags = 0;
  let unit = 0;
  let expiryArgument = 0;
  for (let i = first; i < call.argc; i++) {
    if (call.is(i, "NX") && (flags & XX) === 0) flags |= NX;
    else if (call.is(i, "XX") && (flags & NX) === 0) flags |= XX;
    else if (call.is(i, "KEEPTTL") && unit === 0) flags |= KEEP_TTL;
    else {
      const named = unitAt(call, i);
      const fits = named !== 0 && (unit === 0 || unit === named) && (flags & KEEP_TTL) === 0;
      if (!fits || i + 1 === call.argc) throw errors.syntax;
      unit = named;
      expiryArgument = ++i;
    }
  }
  options.flags = flags;
  options.unit = unit;
  options.expiryArgument = expiryArgument;
}

/** Whether NX and XX let the keys be set. */
function isAllowed(call: Call, end: number, flags: number): boolean {
  if ((flags & (NX | XX)) === 0) return true;
  for (let i = PAIRS_AT; i < end; i += 2) {
    const isThere = call.lookupWrite(i) !== NONE;
    if (isThere === ((flags & NX) !== 0)) return false;
  }
  return true;
}

/**
 * Sets all keys, or none when there is no room for the last one: what a key had is given back only
 * when all of them have their new entries. `momentMs` is the expiry of all, or -1.
 */
function setAll(call: Call, end: number, keepsExpiry: boolean, momentMs: number): void {
  const { old, fresh } = plans.of(call);
  old.clear();
  fresh.clear();
  try {
    for (let i = PAIRS_AT; i < end; i += 2) setOne(call, i, keepsExpiry, momentMs);
  } catch (full) {
    for (let at = fresh.count - 1; at >= 0; at--) {
      call.database.detach(fresh.at(at));
      freeEntry(call.keyspace.arena, fresh.at(at));
      if (old.at(at) !== NONE) call.database.adopt(old.at(at));
    }
    throw full;
  }
  for (let i = PAIRS_AT, at = 0; i < end; i += 2, at++) {
    const had = old.at(at);
    if (had === NONE) call.event(i, "new", Notify.NEW);
    else call.database.dispose(had, call.settings.lazyServerDel);
    call.changed(i, "set", Notify.STRING);
    if (momentMs !== -1) call.event(i, "expire", Notify.GENERIC);
  }
}

/** Gives the key at an argument the value behind it; its old entry is out of the database then. */
function setOne(call: Call, index: number, keepsExpiry: boolean, momentMs: number): void {
  const { database, keyspace, bytes } = call;
  const { old, fresh } = plans.of(call);
  const had = call.find(index);
  const entry = createString(
    keyspace.arena,
    keyspace.cuts.epoch,
    bytes,
    call.start(index),
    call.end(index),
    bytes,
    call.start(index + 1),
    call.end(index + 1),
    call.idleOf(had),
    keepsExpiry && had !== NONE ? expiryMs(keyspace.arena, had) : momentMs,
  );
  if (had !== NONE) database.detach(had);
  try {
    database.adopt(entry, call.hashOf(index));
  } catch (full) {
    freeEntry(keyspace.arena, entry);
    if (had !== NONE) database.adopt(had);
    throw full;
  }
  old.push(had);
  fresh.push(entry);
}

/** The request with the moment that its time to live comes to. */
function propagate(call: Call, momentMs: number): void {
  const words: CommandWord[] = [];
  for (let i = 0; i < call.argc; i++) words.push(call.argument(i));
  words[options.expiryArgument - 1] = "PXAT";
  words[options.expiryArgument] = momentWord(momentMs);
  call.propagateAs(...words);
}

export const msetex = command({
  name: "msetex",
  group: "string",
  since: "8.4.0",
  summary: "Stores strings at several keys in one step, with one time to live for all of them.",
  complexity: "O(N) where N is the number of keys.",
  arity: -4,
  flags: ["write", "denyoom", "movablekeys"],
  keys: [
    {
      flags: ["OW", "update"],
      begin: { type: "index", index: 1 },
      find: { type: "keynum", keyNumIndex: 0, firstKey: 1, step: 2 },
    },
  ],
  args: [
    arg.integer("numkeys"),
    arg.many(arg.block("data", arg.key("key"), arg.string("value"))),
    arg.optional(arg.oneOf("condition", arg.token("nx", "NX"), arg.token("xx", "XX"))),
    arg.optional(arg.oneOf("expiration", ...expiryArguments(), arg.token("keepttl", "KEEPTTL"))),
  ],
  tips: ["request_policy:multi_shard", "response_policy:all_succeeded"],

  run(call) {
    const count = call.integer(1, invalidCount);
    if (count < 1 || count > COUNT_MAX) throw invalidCount;
    const end = PAIRS_AT + 2 * count;
    if (end > call.argc) throw invalidPairs;
    parseOptions(call, end);
    const { flags, unit, expiryArgument } = options;
    const momentMs = unit === 0 ? -1 : expireTimeMs(call, expiryArgument, unit, invalidExpiry);
    if (!isAllowed(call, end, flags)) {
      call.reply.integer(0);
      return;
    }
    setAll(call, end, (flags & KEEP_TTL) !== 0, momentMs);
    if (unit !== 0 && call.propagates) propagate(call, momentMs);
    call.reply.integer(1);
  },
});
