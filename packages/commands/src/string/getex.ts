/** GETEX and GETDEL: reads that also change the key's life. */
import { expiryMs, NONE, Type } from "@kv/core";
import type { Call } from "../call/call.ts";
import { errors, expireError } from "../call/errors.ts";
import { momentWord } from "../call/moment.ts";
import { Notify } from "../call/notify.ts";
import { arg } from "../declare/arg.ts";
import { command } from "../declare/command.ts";
import { keyAt } from "../declare/key-spec.ts";
import { expireTimeMs, expiryArguments, unitAt } from "./expire-time.ts";
import { replyString } from "./string-at.ts";

/** Beside the units of expire-time.ts. */
const PERSIST = 5;

const options = { unit: 0, expiryArgument: 0 };
const invalidExpiry = expireError("getex");

export const getex = command({
  name: "getex",
  group: "string",
  since: "6.2.0",
  summary: "Returns a string and sets or removes its time to live.",
  complexity: "O(1)",
  arity: -2,
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
  ],

  run(call) {
    parseOptions(call);
    const { unit, expiryArgument } = options;
    const entry = call.readTyped(1, Type.STRING);
    if (entry === NONE) {
      call.reply.null();
      return;
    }
    const expires = unit !== 0 && unit !== PERSIST;
    const newExpiryMs = expires ? expireTimeMs(call, expiryArgument, unit, invalidExpiry) : 0;
    // The value is in the reply before the key may go.
    replyString(call, entry);
    if (expires && call.isPast(newExpiryMs)) {
      call.database.remove(entry, false);
      call.changed(1, "del", Notify.GENERIC);
      if (call.propagates) call.propagateAs("DEL", call.argument(1));
    } else if (expires) {
      call.database.setExpiry(entry, newExpiryMs);
      call.changed(1, "expire", Notify.GENERIC);
      if (call.propagates) call.propagateAs("PEXPIREAT", call.argument(1), momentWord(newExpiryMs));
    } else if (unit === PERSIST && expiryMs(call.keyspace.arena, entry) !== -1) {
      call.database.clearExpiry(entry);
      call.changed(1, "persist", Notify.GENERIC);
      if (call.propagates) call.propagateAs("PERSIST", call.argument(1));
    }
  },
});

function parseOptions(call: Call): void {
  let unit = 0;
  let expiryArgument = 0;
  for (let i = 2; i < call.argc; i++) {
    if (call.is(i, "PERSIST") && (unit === 0 || unit === PERSIST)) {
      unit = PERSIST;
      continue;
    }
    const named = unitAt(call, i);
    if (named === 0 || (unit !== 0 && unit !== named) || i + 1 === call.argc) throw errors.syntax;
    unit = named;
    expiryArgument = ++i;
  }
  options.unit = unit;
  options.expiryArgument = expiryArgument;
}

export const getdel = command({
  name: "getdel",
  group: "string",
  since: "6.2.0",
  summary: "Returns the string at a key and deletes the key.",
  complexity: "O(1)",
  arity: 2,
  flags: ["write", "fast"],
  keys: [keyAt(1, "RW", "access", "delete")],
  args: [arg.key("key")],

  run(call) {
    let entry = call.readTyped(1, Type.STRING);
    if (entry === NONE) {
      call.reply.null();
      // One that has expired and had to stay, as on a replica that takes writes, goes like any other.
      entry = call.findStored(1);
      if (entry === NONE) return;
    } else {
      replyString(call, entry);
    }
    const lazily = call.settings.lazyUserDel;
    call.database.remove(entry, lazily);
    call.changed(1, "del", Notify.GENERIC);
    if (call.propagates) call.propagateAs(lazily ? "UNLINK" : "DEL", call.argument(1));
  },
});
