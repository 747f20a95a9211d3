/** MGET, MSET, MSETNX: several keys at once. */
import { NONE, Type, typeOf } from "@kv/core";
import { arg } from "../arg.ts";
import type { Call } from "../call.ts";
import { command } from "../command.ts";
import { arityError } from "../errors.ts";
import { keyRange } from "../key-spec.ts";
import { Notify } from "../notify.ts";

export const mget = command({
  name: "mget",
  group: "string",
  since: "1.0.0",
  summary: "Returns the strings at several keys; null for what is missing or no string.",
  complexity: "O(N) where N is the number of keys.",
  arity: -2,
  flags: ["readonly", "fast"],
  keys: [keyRange(1, -1, 1, "RO", "access")],
  args: [arg.many(arg.key("key"))],
  tips: ["request_policy:multi_shard"],

  run(call) {
    const { argc, reply } = call;
    const { arena } = call.keyspace;
    reply.array(argc - 1);
    for (let i = 1; i < argc; i++) {
      const entry = call.lookupRead(i);
      if (entry === NONE || typeOf(arena, entry) !== Type.STRING) reply.null();
      else call.replyString(entry);
    }
  },
});

function setAll(call: Call): void {
  const { argc } = call;
  for (let i = 1; i < argc; i += 2) {
    call.putArgument(i, call.find(i), i + 1, false);
    call.changed(i, "set", Notify.STRING);
  }
}

const msetArity = arityError("mset");

export const mset = command({
  name: "mset",
  group: "string",
  since: "1.0.1",
  summary: "Stores strings at several keys, all in one step.",
  complexity: "O(N) where N is the number of keys.",
  arity: -3,
  flags: ["write", "denyoom"],
  keys: [keyRange(1, -1, 2, "OW", "update")],
  args: [arg.many(arg.block("data", arg.key("key"), arg.string("value")))],
  tips: ["request_policy:multi_shard", "response_policy:all_succeeded"],

  run(call) {
    if (call.argc % 2 === 0) throw msetArity;
    setAll(call);
    call.reply.ok();
  },
});

const msetnxArity = arityError("msetnx");

export const msetnx = command({
  name: "msetnx",
  group: "string",
  since: "1.0.1",
  summary: "Stores strings at several keys, unless one of them exists already.",
  complexity: "O(N) where N is the number of keys.",
  arity: -3,
  flags: ["write", "denyoom"],
  keys: [keyRange(1, -1, 2, "OW", "insert")],
  args: [arg.many(arg.block("data", arg.key("key"), arg.string("value")))],

  run(call) {
    const { argc } = call;
    if (argc % 2 === 0) throw msetnxArity;
    for (let i = 1; i < argc; i += 2) {
      if (call.lookupWrite(i) !== NONE) {
        call.reply.integer(0);
        return;
      }
    }
    // A key that is named twice exists by the second time: the last value stays.
    setAll(call);
    call.reply.integer(1);
  },
});
